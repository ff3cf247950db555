#!/usr/bin/env bash
# Runs slimfit on a real two-node Slurm on this host, see cluster_test.go: about
# five minutes on two cores. It needs root, Debian's slurm packages (which it
# installs), bin/slimfit, bin/slimfit-worker and MNIST in the cache (`make data`).
# Where that is not possible it says so and passes; SLURM=required makes it fail.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

skip() {
    printf '\nSKIPPED: the tests on a real Slurm did not run: %s\n\n' "$1" >&2
    [ "${SLURM:-}" = required ] && exit 1
    exit 0
}

have() { command -v slurmctld slurmd munged sbatch >/dev/null; }

PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip "only root can start a cluster"
if ! have; then
    command -v apt-get >/dev/null || skip "no slurm here, and no apt-get to install it"
    echo "installing slurmctld, slurmd, slurm-client and munge"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge; } >/tmp/slimfit-apt.log 2>&1 ||
        skip "the packages cannot be installed: $(tail -n 1 /tmp/slimfit-apt.log)"
    have || skip "the packages lack a program"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/slimfit-slurm.XXXXXX")
trap 'scripts/slurm/stop.sh "$dir"; [ -n "${KEEP:-}" ] || rm -rf "$dir"' EXIT
scripts/slurm/start.sh "$dir" || skip "the cluster does not start"
SLIMFIT_SLURM=$dir go test -count=1 -parallel 8 -timeout 30m -v ./scripts/slurm

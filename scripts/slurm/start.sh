#!/usr/bin/env bash
# Starts a two-node Slurm on this host, loopback only; to be run as root.
# usage: start.sh DIR      then: export SLURM_CONF=DIR/slurm.conf
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: start.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
chmod 755 "$dir" # munged refuses a folder that others may write to; users need its socket
mkdir -p "$dir"/{ctld,spool-node1,spool-node2}
for gpu in "$dir"/gpu{0,1}; do
    [ -c "$gpu" ] || mknod -m 666 "$gpu" c 1 3
done
for file in slurm.conf gres.conf; do
    sed -e "s|@DIR@|$dir|g" -e "s|@HOST@|$(hostname -s)|g" "$here/$file" >"$dir/$file"
done
export SLURM_CONF=$dir/slurm.conf
(umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")
munged --socket="$dir/munge.sock" --key-file="$dir/munge.key" --log-file="$dir/munged.log" \
    --pid-file="$dir/munged.pid" --seed-file="$dir/munged.seed" --num-threads=2
slurmctld
slurmd -N node1
slurmd -N node2
for _ in $(seq 120); do
    if [ "$(sinfo -h -N -o %T 2>/dev/null | grep -cx idle)" = 2 ]; then
        echo "slurm is up: export SLURM_CONF=$SLURM_CONF"
        exit 0
    fi
    sleep 0.25
done
echo "slurm did not come up in 30 s: see $dir/*.log" >&2
sinfo >&2
exit 1

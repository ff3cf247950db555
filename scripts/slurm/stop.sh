#!/usr/bin/env bash
# Stops what start.sh DIR started, by its pid files. usage: stop.sh DIR
set -u
dir=$(cd "${1:?usage: stop.sh DIR}" && pwd) || exit
export SLURM_CONF=$dir/slurm.conf
if [ -n "$(timeout 10 squeue -h 2>/dev/null)" ]; then
    timeout 10 scancel --user="$(squeue -h -o %u | sort -u | paste -sd,)" 2>/dev/null ||
        timeout 10 squeue -h -o %A | xargs -r timeout 10 scancel
    for _ in $(seq 80); do
        [ -z "$(timeout 10 squeue -h 2>/dev/null)" ] && break
        sleep 0.25
    done
fi
for name in slurmd-node1 slurmd-node2 slurmctld munged; do
    pid=$(cat "$dir/$name.pid" 2>/dev/null) || continue
    # a pid file may outlive its process, and the number may be another's by now
    case $(cat "/proc/$pid/comm" 2>/dev/null) in slurm* | munged) ;; *) continue ;; esac
    kill "$pid" 2>/dev/null
    for _ in $(seq 40); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.25
    done
    kill -0 "$pid" 2>/dev/null && kill -9 "$pid"
done
exit 0

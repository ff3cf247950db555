#!/bin/bash
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
#SBATCH --output="/runs/e/batch/0001/log/%x.%a.txt"
# Written by `slimfit batch submit`; by hand: sbatch --job-name=NAME --array=0-N array.sh FIRST

element=$((${1:-0} + SLURM_ARRAY_TASK_ID))
echo "slimfit: element $element starts on ${SLURMD_NODENAME:-$(hostname)}, restart ${SLURM_RESTART_COUNT:-0}"
# Slurm sends USR1 to this shell alone, some time before the limit: the run
# writes checkpoints and ends with 75.
pass() {
    got=$1
    [ -z "$run" ] || kill "-$got" "$run" 2>/dev/null
}
run= got=
trap 'pass USR1' USR1
trap 'pass TERM' TERM
'/opt/slim fit/slimfit' run \
    --task /runs/e/batch/0001/tasks.json \
    --gpus none \
    --worker=/opt/slimfit-worker \
    --jobs=2 \
    --index "$element" &
run=$!
[ -z "$got" ] || pass "$got" # it came just now
wait "$run" # which a signal ends too
while kill -0 "$run" 2>/dev/null; do wait "$run"; done
wait "$run"
code=$?
echo "slimfit: element $element ended with exit code $code"
exit "$code"

#!/bin/bash -l
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --time=1-12:00:00
#SBATCH --mem=16G
#SBATCH --gres=gpu:2
#SBATCH --partition=gpu
#SBATCH --account=lab-7
#SBATCH --qos=normal
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
#SBATCH --output="/shared/50%%/my runs/e/batch/0003/log/%x.%a.txt"
#SBATCH --constraint=a100
#SBATCH --mail-type=FAIL
# Written by `slimfit batch submit`; by hand: sbatch --job-name=NAME --array=0-N array.sh FIRST

module load cuda/12.5
module load cudnn
export TF_CPP_MIN_LOG_LEVEL=2
ulimit -c 0

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
    --task '/shared/50%/my runs/e/batch/0003/tasks.json' \
    --gpus all \
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

#!/bin/bash -l
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=00:30:00
#SBATCH --mem=2G
#SBATCH --partition=gpu
#SBATCH --account=lab-7
#SBATCH --qos=normal
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="/shared/50%%/my runs/e/batch/0003/log/%x.txt"
#SBATCH --constraint=a100
#SBATCH --mail-type=FAIL
# Written by `slimfit batch submit`: the report of whatever there is by then.

module load cuda/12.5
module load cudnn
export TF_CPP_MIN_LOG_LEVEL=2
ulimit -c 0

'/opt/slim fit/slimfit' report '/shared/50%/my runs/e' \
    --cache=/shared/cache
code=$?
'/opt/slim fit/slimfit' batch status '/shared/50%/my runs/e' \
    --cache=/shared/cache
exit "$code"

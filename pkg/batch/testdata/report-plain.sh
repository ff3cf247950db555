#!/bin/bash
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=00:30:00
#SBATCH --mem=2G
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="/runs/e/batch/0001/log/%x.txt"
# Written by `slimfit batch submit`: the report of whatever there is by then.

'/opt/slim fit/slimfit' report /runs/e \
    --cache=/shared/cache
code=$?
'/opt/slim fit/slimfit' batch status /runs/e \
    --cache=/shared/cache
exit "$code"

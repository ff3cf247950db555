#!/usr/bin/env bash
# Checks slimfit on a real GPU: about half an hour on a fast card. Without a GPU it
# says so and passes; GPU=required makes it fail. GPU=rehearse runs the same steps
# on the CPU with few training steps, to see that this script itself works.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

skip() {
    printf '\nSKIPPED: %s: %s\n\n' "${what:-the checks on a GPU did not run}" "$1" >&2
    [ "${GPU:-}" = required ] && exit 1
    [ -n "${what:-}" ] || exit 0
}

gpu=(--gpus all) steps=20000 short=2000
if [ "${GPU:-}" = rehearse ]; then
    gpu=(--gpus none) steps=300 short=200
else
    nvidia-smi -L 2>/dev/null | grep -q '^GPU' || skip "nvidia-smi shows no GPU"
    bin/slimfit doctor --format json | grep -q '"build": "cuda"' || skip "libtensorflow is built for CPUs: make setup build TF=gpu"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/slimfit-gpu.XXXXXX")
trap '[ -n "${KEEP:-}" ] || rm -rf "$dir"' EXIT
failed=0
check() { # check NAME COMMAND...: runs a step and says how it went
    if "${@:2}" >"$dir/log" 2>&1; then echo "passed: $1"; else
        echo "FAILED: $1"
        tail -n 20 "$dir/log"
        failed=$((failed + 1))
    fi
}
compare() { python3 scripts/gpu/compare.py "$@"; }
run() { bin/slimfit run -q "$@"; }
quick=experiments/quickstart.yaml final=experiments/paper/final.yaml
one=(--set 'matrix.kernel=[5]' --set "train.steps=$short" --set seeds=3)

# Trained on the GPU, every step of it, as accurate as on the CPU.
for file in "$quick" "$final"; do
    name=$(basename "$file" .yaml)
    check "$name trains on the GPU" run "$file" "${gpu[@]}" -o "$dir/gpu" --set "train.steps=$steps" --set seeds=5
    check "$name trains on the CPU" run "$file" --gpus none -o "$dir/cpu" --set "train.steps=$steps" --set seeds=5
done
check "accuracies equal the CPU's within noise" compare accuracy "$dir/gpu" "$dir/cpu"
[ "${GPU:-}" = rehearse ] || check "every operation of a step is on the GPU" compare device "$dir/gpu"

# Packed and alone: the same losses, but for the order of sums.
check "seeds train in a pack" run "$quick" "${gpu[@]}" -o "$dir/packed" "${one[@]}" --set train.order=shared
for seed in 0 1; do
    check "seed $seed trains alone" run "$quick" "${gpu[@]}" -o "$dir/alone-$seed" "${one[@]}" --set train.order=shared --set "seeds=[$seed]" --set 'matrix.filters=[4]'
    check "seed $seed packed equals alone" compare histories "$dir/packed" "$dir/alone-$seed"
done

# Deterministic runs repeat bit for bit, a killed and resumed one too.
exact=("${one[@]}" --set train.deterministic=true)
check "deterministic, first" run "$quick" "${gpu[@]}" -o "$dir/first" "${exact[@]}"
check "deterministic, second" run "$quick" "${gpu[@]}" -o "$dir/second" "${exact[@]}"
check "deterministic runs repeat bit for bit" compare weights "$dir/first" "$dir/second"
for patience in 4 8 12; do
    bin/slimfit run -q "$quick" "${gpu[@]}" -o "$dir/killed" "${exact[@]}" --checkpoint 1s >/dev/null 2>&1 &
    pid=$!
    sleep "$patience"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
done
check "a killed run goes on" run "$quick" "${gpu[@]}" -o "$dir/killed" "${exact[@]}"
check "killed and resumed is as undisturbed" compare weights "$dir/first" "$dir/killed"

[ "${GPU:-}" = rehearse ] && share=() || share=(--workers-per-gpu 2 --gpu-memory-fraction 0.4)
check "two workers share a GPU's memory" run "$quick" "${gpu[@]}" "${share[@]}" -o "$dir/shared" "${one[@]}"
check "tf32 and float32 in one run" run "$quick" "${gpu[@]}" -o "$dir/tf32" "${one[@]}" --set 'matrix.precision=[float32, tf32]' --set train.precision='$precision'
check "bfloat16" run "$quick" "${gpu[@]}" -o "$dir/bf16" "${one[@]}" --set train.precision=bfloat16

# Slurm, one element a GPU, where a cluster with GPUs is at hand.
if command -v sbatch >/dev/null && sinfo -h -o %G 2>/dev/null | grep -q gpu; then
    check "Slurm: submitted" bin/slimfit batch submit "$quick" -o "$dir/slurm" "${one[@]}" --set batch.gpus=1
    check "Slurm: finished" timeout 1200 sh -c "until bin/slimfit status '$dir/slurm/quickstart' --format json | grep -q '\"done\": 9'; do sleep 5; done"
    check "Slurm: trained on GPUs" compare device "$dir/slurm"
else
    what="elements of Slurm, one GPU each" && skip "no Slurm with GPUs here"
fi
[ $failed = 0 ] && echo "check-gpu: all passed" || echo "check-gpu: $failed failed"
[ $failed = 0 ]

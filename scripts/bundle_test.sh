#!/usr/bin/env bash
# Tests bundle.sh and install.sh: a bundle of what is built here is unpacked and
# trains where there is no network and no Go, Python or compiler on PATH; a
# damaged part is named; and a GPU's bundle, of a library of scraps, has what
# TensorFlow looks for.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "bundle_test: $*" >&2; exit 1; }

scripts/bundle.sh "$dir/out" mnist
for part in "$dir"/out/*; do
    [ "$(stat -c %s "$part")" -le $((60 << 20)) ] || fail "$part is larger than 60 MiB"
done

# A PATH of what install.sh and its users need, and a network namespace without a
# network where that can be had.
mkdir "$dir/path"
for tool in sh cat tar gzip sha256sum dirname mkdir mv rm; do ln -s "$(command -v $tool)" "$dir/path/$tool"; done
alone=(env -i PATH="$dir/path" HOME="$dir/home")
if unshare -rn true 2>/dev/null; then alone=(unshare -rn "${alone[@]}"); else echo "the network is there: no namespaces here"; fi

"${alone[@]}" sh "$dir/out/install.sh" "$dir/there"
cd "$dir"
"${alone[@]}" "$dir/there/slimfit" doctor -o "$dir/runs" >"$dir/doctor" || { cat "$dir/doctor"; fail "doctor finds a fault"; }
grep -q "there/.tensorflow/lib" "$dir/doctor" || fail "another libtensorflow than the bundle's"
"${alone[@]}" "$dir/there/slimfit" run -q "$dir/there/experiments/quickstart.yaml" -o "$dir/runs" --set train.steps=20 --set seeds=1
[ "$(find "$dir/runs" -name result.json | wc -l)" -gt 0 ] || fail "nothing was trained"
"${alone[@]}" sh "$dir/out/install.sh" "$dir/there" 2>/dev/null && fail "a folder that is there was overwritten"

first=$(ls "$dir"/out/*.tar.gz.* | head -1)
printf x | dd of="$first" bs=1 seek=99 conv=notrunc status=none
if "${alone[@]}" sh "$dir/out/install.sh" "$dir/again" 2>"$dir/said"; then fail "a damaged part was unpacked"; fi
grep -q "$(basename "$first")" "$dir/said" && [ ! -e "$dir/again" ] || fail "the damaged part is not named: $(cat "$dir/said")"
cd - >/dev/null

# Scraps in the places of a GPU build.
tf=$dir/gpu/gpu-0
mkdir -p "$tf/tensorflow" "$tf/nvidia/cuda_nvcc/bin" "$tf/nvidia/cuda_nvcc/nvvm/libdevice"
touch "$tf/tensorflow/libtensorflow_cc.so.2" "$tf/tensorflow/libtensorflow_framework.so.2" "$tf/nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc"
printf '#!/bin/sh\n' >"$tf/nvidia/cuda_nvcc/bin/ptxas"
chmod +x "$tf/nvidia/cuda_nvcc/bin/ptxas"
for part in cublas cuda_runtime cudnn cuda_nvrtc nccl cufft cusolver cusparse curand; do
    mkdir -p "$tf/nvidia/$part/lib"
    head -c 1000000 /dev/urandom >"$tf/nvidia/$part/lib/lib$part.so.12"
done
ln -s gpu-0/tensorflow "$dir/gpu/lib"
SLIMFIT_TENSORFLOW=$dir/gpu scripts/bundle.sh "$dir/gpuout" mnist >/dev/null
sh "$dir/gpuout/install.sh" "$dir/gputhere" >/dev/null
kept=$dir/gputhere/.tensorflow/bundle
[ -x "$kept/nvidia/cuda_nvcc/bin/ptxas" ] || fail "ptxas may not be executed"
cmp -s "$kept/nvidia/cublas/lib/libcublas.so.12" "$tf/nvidia/cublas/lib/libcublas.so.12" || fail "cuBLAS is not whole"
for part in cufft cusolver cusparse curand; do
    readelf -d "$kept/nvidia/$part/lib/lib$part.so.12" | grep -q "soname: \[lib$part.so.12\]" || fail "no empty lib$part.so.12"
    grep -q "lib$part.so.12" "$dir/gpuout/README" || fail "README does not say that lib$part.so.12 is empty"
done
echo "bundle_test: passed"

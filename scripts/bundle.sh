#!/usr/bin/env bash
# Packs slimfit for machines behind walls: the built programs, libtensorflow as
# it is set up here (of a GPU build only the CUDA libraries that are used), data
# sets and experiments, as parts of at most 60 MiB with checksums, and an
# install.sh that needs nothing but a shell, tar, gzip and sha256sum.
# Usage: bundle.sh OUT [DATASET...]     OUT must not exist yet; default data: mnist
# SLIMFIT_BIN, SLIMFIT_TENSORFLOW and SLIMFIT_CACHE name other places than bin,
# .tensorflow and ~/.cache/slimfit.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,10s/^# //p' "$0" >&2; exit 2; }
out=$1
shift
[ $# -gt 0 ] || set -- mnist
bin=${SLIMFIT_BIN:-bin} cache=${SLIMFIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/slimfit}
lib=$(readlink -f "${SLIMFIT_TENSORFLOW:-.tensorflow}/lib") || lib=
fail() { echo "bundle: $*" >&2; exit 4; }
[ ! -e "$out" ] || fail "$out is there already: name a folder that is not"
[ -x "$bin/slimfit" ] && [ -x "$bin/slimfit-worker" ] || fail "$bin has no slimfit and slimfit-worker: run make build"
[ -f "$lib/libtensorflow_cc.so.2" ] || fail "no libtensorflow in ${SLIMFIT_TENSORFLOW:-.tensorflow}: run make setup"
for set in "$@"; do
    [ -d "$cache/$set" ] || fail "$cache has no data set $set: run bin/slimfit data fetch $set"
done

mkdir -p "$out"
stage=$(mktemp -d "$out/tmp-XXXXXX")
trap 'rm -rf "$stage"' EXIT
to=$stage/slimfit
mkdir -p "$to/bin" "$to/data" "$to/.tensorflow/bundle/tensorflow"
cp "$bin/slimfit" "$bin/slimfit-worker" "$to/bin/"
cp -r experiments "$to/"
for set in "$@"; do cp -r "$cache/$set" "$to/data/"; done

# The library, in the folders of the wheels: its parts find each other there.
copy() { mkdir -p "$2"; for f in $1; do [ ! -e "$f" ] || cp -L "$f" "$2/"; done; }
home=$(dirname "$lib") kept=$to/.tensorflow/bundle
copy "$lib/libtensorflow*.so.2 $lib/*NOTICES* $lib/include/LICENSE" "$kept/tensorflow"
for libs in "$home"/tensorflow*.libs; do [ ! -d "$libs" ] || cp -r "$libs" "$kept/"; done
ln -s bundle/tensorflow "$to/.tensorflow/lib"
variant=cpu empty=
if [ -d "$home/nvidia" ]; then
    variant=gpu
    for part in cublas cuda_runtime cudnn cuda_nvrtc nccl; do
        [ -d "$home/nvidia/$part/lib" ] || fail "$home/nvidia has no $part: run make setup TF=gpu"
        cp -r "$home/nvidia/$part" "$kept/nvidia-$part"
        mkdir -p "$kept/nvidia"
        mv "$kept/nvidia-$part" "$kept/nvidia/$part"
    done
    rm -f "$kept"/nvidia/cublas/lib/libnvblas*
    copy "$home/nvidia/cuda_nvcc/bin/ptxas" "$kept/nvidia/cuda_nvcc/bin"
    copy "$home/nvidia/cuda_nvcc/nvvm/libdevice/*" "$kept/nvidia/cuda_nvcc/nvvm/libdevice"
    # TensorFlow opens these at its start, and uses no GPU at all where one is not
    # there; no operation of slimfit's calls them. 630 MB less.
    for part in cufft cusolver cusparse curand; do
        for file in "$home"/nvidia/$part/lib/lib$part.so.*; do
            [ -e "$file" ] || fail "$home/nvidia has no $part: run make setup TF=gpu"
            name=$(basename "$file")
            mkdir -p "$kept/nvidia/$part/lib"
            echo | "${CC:-cc}" -shared -x c -Wl,-soname,"$name" -o "$kept/nvidia/$part/lib/$name" -
            empty="$empty $name"
        done
    done
fi
machine=$(uname -m)
cat >"$to/README" <<END
slimfit for Linux on $machine, glibc 2.17 or newer, $variant build of TensorFlow.

    ./slimfit run experiments/quickstart.yaml     bin/slimfit with the data sets of data/
    ./slimfit doctor                              what this machine lacks, if anything
END
if [ -n "$empty" ]; then
    cat >>"$to/README" <<END

Empty in this bundle:$empty.
TensorFlow opens these libraries at its start and skips every GPU where one is
missing; nothing that slimfit trains calls them. Other programs must not use
this TensorFlow: a call into an empty library ends them. The whole ones come
with \`make setup TF=gpu\` in slimfit's repository.
END
fi
cat >"$to/slimfit" <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
SLIMFIT_CACHE=${SLIMFIT_CACHE:-$here/data}
export SLIMFIT_CACHE
exec "$here/bin/slimfit" "$@"
END
chmod 755 "$to/slimfit" "$to/bin/"*

tar -C "$stage" --owner=0 --group=0 --sort=name --mtime=@0 -cf - slimfit | gzip -6n | split -b 60m -d -a 3 - "$out/slimfit-$variant-$machine.tar.gz."
cp scripts/install.sh "$to/README" "$out/"
(cd "$out" && sha256sum slimfit-*.tar.gz.* install.sh README >SHA256SUMS)
echo "$out: $(ls "$out"/slimfit-*.tar.gz.* | wc -l) parts, $(du -ch "$out"/slimfit-*.tar.gz.* | tail -1 | cut -f1); copy the folder and run sh install.sh FOLDER in it"

#!/usr/bin/env bash
# Makes a virtual environment with pinned Python packages, once.
#
#   setup_venv.sh [keras]   .venv/: scripts/keras/requirements.txt, for the comparison
#                           with Keras and for the benchmarks' peers
#   setup_venv.sh peers     .venv-peers/: scripts/bench/requirements-peers.txt, PyTorch and
#                           JAX for the benchmarks
#   setup_venv.sh gpu       .venv-gpu/: scripts/gpu/requirements.txt, the peers of
#                           make bench-gpu on a GPU
#   setup_venv.sh search    .venv-search/: those of keras, Optuna and KerasTuner
#                           (scripts/bench/requirements-search.txt), for make bench-search
#   setup_venv.sh tflite    .venv-tflite/: scripts/tflite/requirements.txt, TensorFlow
#                           Lite's interpreter, and requirements-micro.txt,
#                           TensorFlow Lite Micro, where there is a wheel of it
#
# Takes the first Python that the packages have wheels for; PYTHON=... names another.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-keras} in
keras)
    venv=.venv what="TensorFlow 2.18" size="1.5 GB" least=9 most=12
    requirements=scripts/keras/requirements.txt optional=
    ;;
tflite)
    venv=.venv-tflite what="ai-edge-litert 2.3" size="170 MB" least=10 most=14
    requirements=scripts/tflite/requirements.txt optional=scripts/tflite/requirements-micro.txt
    ;;
peers)
    venv=.venv-peers what="PyTorch 2.5 and JAX 0.4" size="6 GB" least=10 most=12
    requirements=scripts/bench/requirements-peers.txt optional=
    ;;
gpu)
    venv=.venv-gpu what="TensorFlow 2.18 for GPUs" size="6 GB" least=9 most=12
    requirements=scripts/gpu/requirements.txt optional=
    ;;
search)
    venv=.venv-search what="TensorFlow 2.18" size="1.6 GB" least=9 most=12
    requirements=scripts/keras/requirements.txt optional=scripts/bench/requirements-search.txt
    ;;
*)
    echo "setup_venv.sh: want keras, tflite, peers, search or gpu, got $1" >&2
    exit 2
    ;;
esac
ready=$venv/requirements.txt # a copy, written last: it says what is installed

cat "$requirements" $optional | cmp -s - "$ready" && exit 0

candidates=${PYTHON:-python3 python3.12 python3.11 python3.10 python3.9 python3.13 python3.14}
for python in $candidates; do
    if "$python" -c "import sys; sys.exit(not (3, $least) <= sys.version_info[:2] <= (3, $most))" 2>/dev/null; then
        found=$python
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "set up $venv: $what needs Python 3.$least to 3.$most, and none of these is one: $candidates;" \
        "install one, or name it: PYTHON=/path/to/python3.12" >&2
    exit 4
fi

echo "setting up $venv with $("$found" --version) (about $size)" >&2
rm -rf "$venv"
"$found" -m venv --without-pip "$venv"
# The system's own pip installs into it, as some systems have no ensurepip.
install() {
    "$found" -m pip --python "$venv/bin/python" install --quiet --disable-pip-version-check \
        --only-binary=:all: --requirement "$1"
}
if ! install "$requirements"; then
    echo "set up $venv: pip could not install $requirements (its message is above; wheels exist for Python 3.$least" \
        "to 3.$most on Linux, x86_64 and aarch64); without network, point pip at a folder of wheels by PIP_FIND_LINKS" >&2
    exit 4
fi
if [ -n "$optional" ] && ! install "$optional"; then
    echo "set up $venv: goes on without $optional, which pip could not install here (its message is above)" >&2
fi
cat "$requirements" $optional >"$ready"

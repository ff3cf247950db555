#!/usr/bin/env bash
# Makes .venv/ with the Python packages of scripts/keras/requirements.txt,
# once: for the comparison with Keras and for the benchmarks' peers. Takes the
# first Python that TensorFlow 2.18 has a wheel for; PYTHON=... names another.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=scripts/keras/requirements.txt
ready=.venv/requirements.txt # a copy, written last: it says what is installed

cmp -s "$requirements" "$ready" && exit 0

candidates=${PYTHON:-python3 python3.12 python3.11 python3.10 python3.9}
for python in $candidates; do
    if "$python" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        found=$python
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "set up .venv: TensorFlow 2.18 needs Python 3.9 to 3.12, and none of these is one: $candidates;" \
        "install one, or name it: PYTHON=/path/to/python3.12" >&2
    exit 4
fi

echo "setting up .venv with $("$found" --version) (about 1.5 GB)" >&2
rm -rf .venv
"$found" -m venv --without-pip .venv
# The system's own pip installs into it, as some systems have no ensurepip.
if ! "$found" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check \
    --only-binary=:all: --requirement "$requirements"; then
    echo "set up .venv: pip could not install $requirements (its message is above);" \
        "without network, point pip at a folder of wheels by PIP_FIND_LINKS" >&2
    exit 4
fi
cp "$requirements" "$ready"

#!/usr/bin/env bash
# Sets up what bench.py needs and runs it, where there is a GPU. Without one it says
# so and passes; GPU=required makes it fail, GPU=rehearse times the CPU instead.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${GPU:-}" != rehearse ]; then
    if ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
        printf '\nSKIPPED: nothing was timed on a GPU: nvidia-smi shows none\n\n' >&2
        [ "${GPU:-}" != required ]
        exit
    fi
    scripts/setup_venv.sh gpu
fi
scripts/setup_venv.sh
exec .venv/bin/python scripts/gpu/bench.py "$@"

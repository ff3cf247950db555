#!/usr/bin/env bash
# Runs every fuzz target of the module for a fixed time: fuzz.sh [10s]
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rlE --include='*_test.go' '^func Fuzz' cmd models pkg | while read -r file; do
    sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file" | while read -r target; do
        echo "fuzz ./$(dirname "$file") $target"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-10s}" "./$(dirname "$file")" </dev/null
    done
done

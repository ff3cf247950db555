#!/usr/bin/env bash
# Runs every fuzz target of the module for a fixed time: fuzz.sh [10s]
# All of them run; exit 1 if one failed.
set -euo pipefail
cd "$(dirname "$0")/.."

output=$(mktemp)
trap 'rm -f "$output"' EXIT

fuzz() { # package target time
    echo "fuzz ./$1 $2"
    go test -run '^$' -fuzz "^$2\$" -fuzztime "$3" "./$1" </dev/null 2>&1 | tee "$output" && return
    # Go calls it a failure when the time runs out in the middle of an input; a
    # real one names the input.
    grep -q 'context deadline exceeded' "$output" && ! grep -q 'Failing input written' "$output"
}

failed=()
while read -r file; do
    while read -r target; do
        fuzz "$(dirname "$file")" "$target" "${1:-10s}" || failed+=("$target")
    done < <(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file")
done < <(grep -rlE --include='*_test.go' '^func Fuzz' cmd models pkg scripts)
[ ${#failed[@]} = 0 ] || { echo "fuzz: failed: ${failed[*]}" >&2; exit 1; }

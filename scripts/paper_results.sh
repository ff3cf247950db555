#!/usr/bin/env bash
# Makes experiments/paper/RESULTS.md and its figures from the result files in
# experiments/paper/results, by `slimfit report`.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tables in the paper's order, then what goes beyond it.
order=(table1 table2-3 table4-6 table4-6-pool4 final light order table3-4 table3-base recipe recipe-small keras-rerun keras-rerun-large fashion)
folders=()
for name in "${order[@]}"; do
    folder=experiments/paper/results/paper-$name
    [ -d "$folder" ] || continue
    folders+=("$folder")
    # The file's words may have changed since; what it trains is in the results' IDs.
    cp "experiments/paper/$name.yaml" "$folder/experiment.yaml"
done

into=$(mktemp -d)
trap 'rm -rf "$into"' EXIT
bin/slimfit report --quiet --split test --published experiments/paper/published/accuracies.csv \
    --claims experiments/paper/published/claims.yaml --into "$into" "${folders[@]}" >/dev/null
rm -rf experiments/paper/figures
mkdir experiments/paper/figures
cp "$into"/figures/*.svg experiments/paper/figures/
cp "$into/report.md" experiments/paper/RESULTS.md

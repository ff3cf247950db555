#!/usr/bin/env bash
# Kills real runs at random moments and, where there is strace, at exact system
# calls, resumes them with another number of workers, and compares weights and
# histories with an undisturbed run.
# Prints "N passed, N failed". Usage: survive.sh [ROUNDS]
set -uo pipefail
cd "$(dirname "$0")/.." || exit
rounds=${1:-6}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
file=experiments/quickstart.yaml
args=(run -q "$file" --set seeds=2 --set train.steps=600 --set matrix.kernel=[5] --checkpoint 100ms)

# fingerprint DIR: every trial's weights and history, without the clock
fingerprint() {
    (cd "$1/quickstart" && for trial in */seed-*; do
        grep -h '"weights_sha256"' "$trial/result.json"
        cat "$trial/history.csv"
    done) | sha256sum
}

# workers PID: ends the children of a run that this script started, no others
workers() {
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
        kill -KILL "$child" 2>/dev/null
    done
}

# atCall CALL N OUT: a run whose threads are killed at their N-th system call CALL
atCall() {
    strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" bin/slimfit "${args[@]}" -o "$3" -j 1 >/dev/null 2>"$dir/log"
}

bin/slimfit "${args[@]}" -o "$dir/straight" >/dev/null || exit 1
want=$(fingerprint "$dir/straight")
passed=0 failed=0

# judge NAME OUT CODE: whether a run that went on comes to the same
judge() {
    if [ "$3" = 0 ] && [ "$(fingerprint "$2")" = "$want" ] && [ -z "$(find "$2" -name '*.tmp-*')" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$1: exit code $3, other weights or histories than undisturbed, or something half-written is left" >&2
        tail -n 5 "$dir/log" >&2
    fi
}

if strace -f -qq -o /dev/null true 2>/dev/null; then
    for call in renameat linkat fsync unlinkat mkdirat; do
        out=$dir/call-$call
        for n in 1 2 $((RANDOM % 6 + 3)); do
            (atCall $call $n "$out") 2>/dev/null
        done
        # Workers die of it too, and a trial may have had its attempts.
        bin/slimfit "${args[@]}" -o "$out" --retry-failed >/dev/null 2>"$dir/log"
        judge "killed at $call" "$out" $?
    done
else
    echo "SKIPPED: no kills at exact system calls: strace is not here, or may not trace"
fi

for ((round = 1; round <= rounds; round++)); do
    out=$dir/round-$round kills=0
    while :; do
        jobs=$((RANDOM % 3 + 1))
        setsid bin/slimfit "${args[@]}" -o "$out" -j $jobs >/dev/null 2>"$dir/log" &
        run=$!
        sleep "0.$((RANDOM % 9 + 1))"
        [ $kills -ge 8 ] && break
        case $((RANDOM % 4)) in
            0) kill -KILL -- -$run ;;                       # the whole group
            1) kill -KILL $run ;;                           # the supervisor alone
            2) workers $run ;;                              # its workers alone
            3) kill -TERM $run ;;                           # as a scheduler does
        esac
        kills=$((kills + 1))
        [ $((RANDOM % 2)) = 0 ] && sleep 1
        kill -KILL -- -$run 2>/dev/null # not waited for yet, so its number is still its own
        wait $run 2>/dev/null
    done
    wait $run
    code=$?
    [ $code = 0 ] || { bin/slimfit "${args[@]}" -o "$out" --retry-failed >/dev/null 2>>"$dir/log"; code=$?; }
    judge "round $round, after $kills kills" "$out" $code
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]

#!/bin/sh
# run.sh BUILD - all tests of `make test`; a line a suite, then "N passed, N failed, N skipped".
set -u
build=$1
passed=0 failed=0 skipped=0 started=$(date +%s)
mkdir -p "$build/tests/log"
suites=$(ls "$build"/tests/test_* | grep -v '\.d$')
total=$(echo "$suites" | wc -l) number=0

# A file's "Tested: .. Passing: .. Failing: .. Crashing: .." or "N passed, N failed" as "passed failed".
count() {
    sed -e 's/\x1b\[[0-9;]*m//g' "$1" | awk '
        /Synthesis: Tested/ { gsub(/[^0-9 ]/, " "); p += $2; f += $3 + $4 }
        /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3 }
        END { print p + 0, f + 0 }'
}

suite() { # NAME COMMAND...
    name=$1 log=$build/tests/log/$1.log begun=$(date +%s)
    shift
    "$@" >"$log" 2>&1
    status=$?
    set -- $(count "$log")
    skips=$(grep -c '^skipped' "$log")
    [ "$status" = 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + skips))
    number=$((number + 1))
    printf '%2d/%d  %-24s %4d passed %3d failed %3d skipped  %3d s\n' "$number" "$((total + 6))" "$name" "$1" "$2" \
        "$skips" "$(($(date +%s) - begun))"
    [ "$2" = 0 ] || { echo "      see $log"; grep -aE 'FAIL|not ok|error|Unexpected' "$log" | head -12; }
    grep -a '^share' "$log" | sed 's/^/         /'
}

# A locale that writes 0,5: numbers in files must not follow it.
mkdir -p "$build/tests/locale"
[ -d "$build/tests/locale/de_DE.UTF-8" ] || localedef -i de_DE -f UTF-8 "$build/tests/locale/de_DE.UTF-8"
LOCPATH=$(cd "$build/tests/locale" && pwd)
export LOCPATH

for test in $suites; do
    suite "$(basename "$test")" "$test" --short-filename
done
suite kill_write sh -c "$build/tests/kill_write 40 && echo '1 passed, 0 failed'"
suite gradcheck sh -c "$build/eer gradcheck --configs 30 --seed 1 && echo '1 passed, 0 failed'"
suite counterexamples python3 tests/bound/instances.py spec/counterexamples/*.json
suite search sh -c "$build/tests/search ST 3 2 1.001 4 1 8 6000 >$build/tests/found.json &&
    python3 tests/bound/instances.py $build/tests/found.json"
suite strict sh tests/bound/strict.sh "$build"
suite cli sh tests/cli/cli_test.sh "$build/eer" 5
echo "$(($(date +%s) - started)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

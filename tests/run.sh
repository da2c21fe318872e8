#!/bin/sh
# run.sh BUILD - all tests of `make test`; a line a suite, then "N passed, N failed, N skipped".
set -u
build=$1
mkdir -p "$build/tests/log"
suites=$(ls "$build"/tests/test_* | grep -v '\.d$')
total=$(($(echo "$suites" | wc -l) + 9)) logs=$build/tests/log
. "$(dirname "$0")/suites.sh"

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
# cuda/ under the emulation; `make test-cuda` does much more.
suite cuda_engine "$build/tests/cuda/plain/test_engine" 4
suite cuda_gradcheck env EER_CUDA_LIBRARY="$build/tests/cuda/plain/eer-cuda.so" sh -c \
    "$build/eer gradcheck --backend cuda --precision both --configs 8 && echo '1 passed, 0 failed'"
suite cuda_cli sh tests/cuda/cli_test.sh "$build/eer" "$build/tests/cuda/plain/eer-cuda.so"
suite cli sh tests/cli/cli_test.sh "$build/eer" 5
suites_end

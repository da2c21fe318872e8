#!/bin/sh
# strict.sh BUILD - with options that change what a double operation gives, no file of proofs/bound that rounds doubles
# outwards may compile; without them each does.
set -u
build=${1:?usage: strict.sh BUILD} CC=${CC:-cc}
passed=0 failed=0
files="proofs/bound/*.c fast/program/bounds/certified_table.c fast/program/bounds/theorem.c"

# Where deps.sh unpacks the headers that it may not install.
compiles() { "$CC" -std=c11 -D_GNU_SOURCE -O2 "-I$build/deps/usr/include" -fsyntax-only "$@" 2>/dev/null; }
# refused OPTION...: by every file; skipped if this compiler has no such option
refused() {
    if ! echo 'int x;' | "$CC" -fsyntax-only "$@" -x c - 2>/dev/null; then
        echo "skipped  $CC has no $*"
        return
    fi
    for file in $files; do
        if compiles "$@" "$file"; then
            failed=$((failed + 1))
            echo "FAIL  $file compiles with $*"
        else
            passed=$((passed + 1))
        fi
    done
}

if ! echo '#include <arb.h>' | compiles -x c -; then
    echo "skipped  strict: no Arb"
    exit
fi
for file in $files; do
    if compiles "$file"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL  $file does not compile"
    fi
done
refused -Ofast
refused -ffast-math
refused -ffinite-math-only
refused -mfpmath=387
if echo __ASSOCIATIVE_MATH__ | "$CC" -funsafe-math-optimizations -E -P -x c - | grep -q 1; then
    refused -funsafe-math-optimizations
    refused -freciprocal-math
else
    echo "skipped  $CC does not tell of -funsafe-math-optimizations"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

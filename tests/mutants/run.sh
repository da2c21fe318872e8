#!/bin/sh
# run.sh BUILD [PATTERN [LIST]] - plants the bugs of LIST (bugs) one by one in a copy of the sources, builds there
# and runs the test that has to catch each. A table; exit 1 if a bug survives. PATTERN: only bugs that match it.
#
# A test is a program of tests/unit; or gradcheck (30 configurations), cli, strict, kill_write, tsan, violations, prove (an
# obligation of the file may no longer be proved), or proofs PATTERN (prove.sh has to refuse the file and say PATTERN).
set -u
build=$1 pattern=${2:-} list=${3:-bugs} here=$(dirname "$0")
tree=$build/mutants/tree log=$build/mutants/log
jobs=$(nproc 2>/dev/null || echo 2)
rm -rf "$build/mutants" && mkdir -p "$tree/build" "$log"
cp -a Makefile LICENSE spec ref fast cuda proofs tests "$tree"
for part in "$build"/*; do # what is built already need not be built again
    case $part in */mutants | */fuzzing | */sanitized | */threads | */bench*) ;; *) cp -a "$part" "$tree/build" ;; esac
done

. "$here/planting.sh"

# try TEST: 0 if it passes, 2 if it cannot be built.
try() {
    case $1 in
    gradcheck)
        make -s -C "$tree" -j "$jobs" build/eer || return 2
        "$tree/build/eer" gradcheck --configs 30 --seed 1
        ;;
    cli)
        make -s -C "$tree" -j "$jobs" build/eer || return 2
        (cd "$tree" && sh tests/cli/cli_test.sh build/eer 2)
        ;;
    strict) (cd "$tree" && sh tests/bound/strict.sh build) ;;
    kill_write)
        make -s -C "$tree" -j "$jobs" build/tests/kill_write || return 2
        (cd "$tree" && build/tests/kill_write 40)
        ;;
    tsan)
        make -s -C "$tree" threads || return 2
        (cd "$tree" && build/threads/tsan)
        ;;
    violations)
        make -s -C "$tree" -j "$jobs" build/tests/violations || return 2
        "$tree/build/tests/violations" --count 30000
        ;;
    prove) # Contradictory contracts are not looked for: a bug of the code is none. Another number of obligations alone
        # does not count as caught.
        (export PROVE_SMOKE=no && try 'proofs not proved:')
        ;;
    'proofs '*)
        proved=$file
        case $proved in # a header is tried with a file that stands on it
        spec/layout.h) proved=ref/tensors.c ;;
        ref/lemmas_rows.h | ref/formulas.h) proved='ref/vector.c ref/matmul.c' ;;
        ref/*.h) [ -f "${proved%.h}.c" ] && proved=${proved%.h}.c || proved=ref/vector.c ;;
        esac
        # shellcheck disable=SC2086 # several files
        (cd "$tree" && PROVE_TIMEOUT=4 sh proofs/prove.sh build $proved) >"$log/proofs" 2>&1
        status=$?
        cat "$log/proofs"
        [ $status != 3 ] || return 2
        grep -q -e "${1#proofs }" "$log/proofs" || return 0
        return $status
        ;;
    *)
        make -s -C "$tree" -j "$jobs" "build/tests/$1" || return 2
        (cd "$tree" && "build/tests/$1" --short-filename)
        ;;
    esac
}

judge() {
    case "$bug" in *"$pattern"*) ;; *) return ;; esac
    number=$((number + 1))
    cp -p "$tree/$file" "$log/original"
    if plant "$tree/$file"; then
        begun=$(date +%s)
        try "$test" >"$log/$number.log" 2>&1 </dev/null
        case $? in
        0) result=SURVIVED survived=$((survived + 1)) ;;
        2) result="not built" broken=$((broken + 1)) ;;
        *) result=caught caught=$((caught + 1)) ;;
        esac
        seconds=$(($(date +%s) - begun))
    else
        result="not planted" broken=$((broken + 1)) seconds=0
    fi
    printf '%2d  %-11s %4d s  %-18s %s\n' "$number" "$result" "$seconds" "$test" "$bug"
    cp "$log/original" "$tree/$file"
}

judge_all "$here/$list.txt"

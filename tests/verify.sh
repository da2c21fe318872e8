#!/bin/sh
# verify.sh BUILD - everything that verifies, one line each, and the record BUILD/verify.json: what was
# checked, on which sources, with which result. `eer train` reads the record that lies beside it.
set -u
build=$1 record=$1/verify.json log=$1/verify
source=$(cat "$build/source")
mkdir -p "$log"
checks='' failures=0 skips=0 passes=0
FUZZ_SECONDS=${FUZZ_SECONDS:-20} CONFIGS=${CONFIGS:-100}
rm -f "$record"

# check NAME COMMAND...: exit 0 passed, 77 skipped, else failed.
check() {
    name=$1 begun=$(date +%s)
    shift
    printf '%-16s ... ' "$name"
    "$@" >"$log/$name.log" 2>&1
    case $? in
    0) result=passed passes=$((passes + 1)) ;;
    77) result=skipped skips=$((skips + 1)) ;;
    *) result=failed failures=$((failures + 1)) ;;
    esac
    seconds=$(($(date +%s) - begun))
    echo "$result, $seconds s"
    grep -a '^share' "$log/$name.log" | sed 's/^/    /'
    [ $result = passed ] || tail -n 5 "$log/$name.log" | sed 's/^/    /'
    checks="$checks${checks:+,}
    {\"name\": \"$name\", \"result\": \"$result\", \"seconds\": $seconds}"
}

fuzz() { # NAME; skipped where it was not built, for want of Arb
    [ -x "$build/fuzzing/fuzz/fuzz_$1" ] || return 77
    corpus=$build/fuzzing/corpus/$1 seeds='' cases=''
    mkdir -p "$corpus"
    [ -d "fuzz/corpus/$1" ] && seeds=fuzz/corpus/$1
    if [ -d "fuzz/regression/$1" ]; then
        "$build/fuzzing/fuzz/fuzz_$1" fuzz/regression/"$1"/* || return 1
    fi
    # shellcheck disable=SC2086 # none or one folder
    "$build/fuzzing/fuzz/fuzz_$1" -max_total_time="$FUZZ_SECONDS" -max_len=8192 -print_final_stats=1 \
        -artifact_prefix="$log/" "$corpus" $seeds
}

arb() { # COMMAND...: skipped where Arb is missing, for then it was not built
    [ -x "$1" ] || return 77
    "$@"
}

check test sh tests/run.sh "$build"
check coq sh proofs/coq/run.sh "$build"
check gappa sh proofs/gappa/run.sh "$build"
check eva sh proofs/eva/run.sh "$build"
check eacsl sh proofs/eacsl/run.sh "$build"
check prove sh proofs/prove.sh "$build"
check bounds arb "$build/tests/violations"
check tightness arb "$build/tests/violations" --tightness
check gradcheck "$build/eer" gradcheck --configs "$CONFIGS" --seed 1
check sanitizers sh -c "make -s B=$build sanitized && sh tests/cli/cli_test.sh $build/sanitized/eer 2"
check cuda-on-cpu sh -c "make -s B=$build cuda-programs && sh tests/cuda/run.sh $build"
check threads sh -c "make -s B=$build threads && $build/threads/tsan"
check fuzzers-build make -s B="$build" fuzzers
for harness in fuzz/fuzz_*.c; do
    name=$(basename "$harness" .c)
    check "$name" fuzz "${name#fuzz_}"
done

result=passed
[ "$failures" = 0 ] || result=failed
cat >"$record.new" <<END
{
  "source": "$source",
  "result": "$result",
  "time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "checks": [$checks
  ]
}
END
mv "$record.new" "$record"
echo "record: $record ($result)"
echo "$passes passed, $failures failed, $skips skipped"
[ "$failures" = 0 ]

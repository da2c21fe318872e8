#!/bin/sh
# planted_blas.sh BUILD - the emulated cuBLAS and WMMA, checked: each bug planted in emulation/planted_blas.cu has
# to be seen by every checker, but for two that nvcc's PTX hides (the cells of its line say who saw it, as in
# planted.sh); the correct programs have to pass all of them, in every order of threads, and to notice every call
# that fails. Prints a line a bug, then "N passed, N failed, N skipped", these for want of nvcc.
set -u
build=${1:?usage: planted_blas.sh BUILD}/tests/cuda/planted_blas
here=$(dirname "$0")
mkdir -p "$build"
checkers='plain asan msan tsan ptx'
. "$here/who_saw.sh"
passed=0 failed=0 skipped=0 no_ptx=

for checker in $checkers; do
    how="$here/emulation/build.sh $checker"
    [ "$checker" = ptx ] && how="$here/ptx/build.sh 80"
    # shellcheck disable=SC2086 # two words
    $how "$build/$checker" "$here/emulation/cublas.cpp" "$here/emulation/planted_blas.cu"
    case $? in
    0) ;;
    3) no_ptx=1 ;;
    *) exit 1 ;;
    esac
done

# look CHECKER NAME ASSIGNMENT - sets $seen; the output stays in $log.
look() {
    log=$build/$2.$1.log
    if [ "$no_ptx$1" = 1ptx ]; then
        seen=skipped skipped=$((skipped + 1))
        return
    fi
    # shellcheck disable=SC2086 # none or two words
    env "$3" $steady timeout 60 "$build/$1" "$2" >"$log" 2>&1
    status=$?
    who_saw "$status"
}
ok() { # CONDITION.., with $what
    if [ "$seen" = skipped ]; then :
    elif "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $what: $seen; see $log"; fi
}

for bug in $("$build/plain" --bugs); do
    cells=
    for checker in $checkers; do
        look "$checker" "$bug" EMULATION_ORDER=forward
        cells="$cells $seen"
        what="$bug, $checker"
        # A register holds something or other, and the executor's lanes store together.
        case $checker-$bug in
        ptx-uninitialised_sum | ptx-read_without_sync) ;;
        *) ok [ "$seen" != - ] ;;
        esac
    done
    echo "$bug:$cells"
done
for program in $("$build/plain" --correct); do
    for order in forward reversed random:1; do
        for checker in $checkers; do
            look "$checker" "$program" EMULATION_ORDER=$order
            what="$program, which is correct, $checker, $order"
            ok [ "$seen" = - ]
        done
    done
done
# The settings.
for rounding in ties-away ties-even truncate; do
    look plain tf32 EMULATION_TF32=$rounding
    what=$rounding
    ok [ "$seen" = - ]
done
what='an unknown rounding'
look plain tf32 EMULATION_TF32=up
ok grep -q 'expected ties-away' "$log"
what='NVIDIA_TF32_OVERRIDE=0'
look plain tf32 NVIDIA_TF32_OVERRIDE=0
ok [ "$seen" = - ]
what='no device'
look plain factors EMULATION_DEVICES=0
ok [ "$seen" = result ]
call=1
while look plain factors EMULATION_FAIL=$call && [ "$seen" != - ] && [ $call -lt 100 ]; do
    what="call $call that fails"
    ok [ "$seen" = result ]
    call=$((call + 1))
done
what='a failure behind the last call'
ok [ $call -gt 15 ]
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

#!/bin/sh
# planted.sh BUILD - the checks of the CUDA emulation, checked: each bug planted in emulation/planted.cu has to be
# seen by one checker at least, and by all that planted.txt, this script's table, says see it; the correct kernels
# have to pass all of them, in every order of threads.
# Prints a line a bug, then "N passed, N failed". A cell says who saw the bug: the emulation itself, a
# sanitizer, or the program's own check of results and error codes; "-" where nobody did. The column ptx is nvcc's
# PTX, run by ptx/; without nvcc it says "skipped", and so many checks were not made as the last line says.
set -u
build=${1:?usage: planted.sh BUILD}/tests/cuda/planted
here=$(dirname "$0")
mkdir -p "$build"
checkers='plain asan msan tsan ptx'
variants='90 100 120 80-fmad=false 100--use_fast_math' # for the correct kernels; the column ptx is 80
. "$here/who_saw.sh"
passed=0 failed=0 skipped=0 no_ptx=

# make_ptx VARIANT OUT - an architecture, and an option of nvcc's
make_ptx() {
    architecture=${1%%-*}
    # shellcheck disable=SC2086 # none or one word
    "$here/ptx/build.sh" "$architecture" "$2" ${1#"$architecture"} -DPLANTED_PTX "$here/emulation/planted.cu"
    case $? in
    0) ;;
    3) no_ptx=1 ;;
    *) exit 1 ;;
    esac
}
for checker in $checkers; do
    if [ "$checker" = ptx ]; then make_ptx 80 "$build/ptx"
    else "$here/emulation/build.sh" "$checker" "$build/$checker" "$here/emulation/planted.cu" || exit 1
    fi
done
for variant in $variants; do
    [ "$no_ptx" ] || make_ptx "$variant" "$build/ptx$variant"
done

# look CHECKER NAME [ORDER] - sets $seen; the output stays in a file.
look() {
    log=$build/$2.$1.log
    case $no_ptx$1 in
    1ptx*) seen=skipped skipped=$((skipped + 1)); return ;;
    esac
    # shellcheck disable=SC2086 # none or two words
    EMULATION_ORDER=${3:-forward} $steady timeout 60 "$build/$1" "$2" >"$log" 2>&1
    status=$?
    who_saw "$status"
}

row() { # NAME CELL..
    printf '%-28s' "$1"
    shift
    printf ' %-10s' "$@"
    echo
}

# shellcheck disable=SC2086 # a list of words
row 'planted bug' $checkers
for bug in $("$build/plain" --bugs); do
    cells=
    for checker in $checkers; do
        look "$checker" "$bug"
        cells="$cells $seen"
    done
    # shellcheck disable=SC2086
    row "$bug" $cells
    # Who sees a bug may change with the compiler; that somebody listed no longer does is a loss.
    if echo "$bug $cells" | awk -v bug="$bug" '
        NR == FNR { if ($1 == bug) for (i = 2; i <= NF; i++) { listed[i] = $i; known = 1 } next }
        { for (i = 2; i <= NF; i++)
              if ($i == "skipped") unknown = 1; else if ($i != "-") seen = 1; else if (listed[i] != "-") lost = 1 }
        END { exit !known || lost ? 1 : seen ? 0 : unknown ? 2 : 1 }' "$here/planted.txt" -
    then passed=$((passed + 1))
    elif [ $? != 2 ]; then failed=$((failed + 1)); echo "not ok: $bug, planted.txt: $(grep "^$bug " "$here/planted.txt")"
    fi
done
# shellcheck disable=SC2046,SC2086 # lists of words
for kernel in $("$build/plain" --correct); do
    for order in forward reversed random:1; do
        for checker in $checkers $(printf 'ptx%s ' $variants); do
            look "$checker" "$kernel" "$order"
            [ "$seen" = skipped ] && continue
            if [ "$seen" = - ] && [ ! -s "$log" ]; then
                passed=$((passed + 1))
            else
                failed=$((failed + 1))
                echo "not ok: $kernel, which is correct, $checker, $order: $seen; see $log"
            fi
        done
    done
done
# The settings. expect TEXT NAME ASSIGNMENT: the output has TEXT in it; is empty where TEXT is.
expect() {
    output=$(env "$3" "$build/plain" "$2" 2>&1)
    case $output in
    "$1" | *"${1:-nothing else}"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); echo "not ok: $3 $2: $output" ;;
    esac
}
expect 'out of memory' softmax EMULATION_MEMORY=2399 # two arrays of 300 floats
expect '' softmax EMULATION_MEMORY=2400
expect 'driver version is insufficient' softmax EMULATION_DEVICES=0
for call in 1 2 3 4 5 6; do
    expect 'unknown error' softmax EMULATION_FAIL=$call
done
expect '' softmax EMULATION_FAIL=7
for sm in 80 90 100; do
    expect '' dynamic_allowed EMULATION_SM=$sm
done
expect 'invalid argument' dynamic_allowed EMULATION_SM=120
expect 'expected forward' softmax EMULATION_ORDER=sideways
# The other way to switch fibers.
CXX="${CXX:-g++} -DEMULATION_UCONTEXT" "$here/emulation/build.sh" plain "$build/ucontext" \
    "$here/emulation/planted.cu" || exit 1
for kernel in $("$build/plain" --correct); do
    look ucontext "$kernel" random:3
    if [ "$seen" = - ]; then passed=$((passed + 1))
    else failed=$((failed + 1)); echo "not ok: $kernel with ucontext: $seen; see $log"
    fi
done
if sh "$here/ptx/test.sh" "$1"; then passed=$((passed + 1))
else failed=$((failed + 1)); echo "not ok: ptx/test.sh"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

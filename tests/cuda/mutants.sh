#!/bin/sh
# mutants.sh [--all] BUILD [PATTERN] - plants the bugs of tests/mutants/cuda.txt (those whose names match PATTERN) one
# by one in a copy of the sources and asks who sees each: the emulation plain, under tsan, asan and msan, then nvcc's PTX
# (ptx80). Only what a bug changes is compiled again. It stops at the first that sees a bug, with --all at none: then the
# line has a cell for each. Exit 1 if a bug survives, 2 if something fails without a bug.
#
# What runs: plain test_engine, test_wide where the cuBLAS path is meant, eer gradcheck and cli_test.sh, the bug's own
# test first; elsewhere test_engine and test_wide. EXECUTORS in the environment names some of them. Where there is no
# nvcc, ptx80 is skipped.
set -u
all=
[ "${1:-}" = --all ] && all=1 && shift
build=${1:?usage: mutants.sh [--all] BUILD [PATTERN]} pattern=${2:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mkdir -p "$build/mutants_cuda" && cd "$build/mutants_cuda" && pwd)
tree=$out/tree log=$out/log
rm -rf "$out" && mkdir -p "$tree/build" "$log"
(cd "$root" && cp -a Makefile LICENSE spec ref fast cuda proofs tests "$tree")
for part in "$build"/*; do # what is built already need not be built again
    case $part in
    */mutants* | */fuzzing | */sanitized | */threads | */bench* | */tests) ;;
    *) cp -a "$part" "$tree/build" ;;
    esac
done
cd "$tree" || exit 2
NVCC=${NVCC-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
export NVCC
. tests/cuda/who_saw.sh
. tests/mutants/planting.sh
emulation='sh tests/cuda/emulation/build.sh'
c_files="cuda/task.c fast/program/gradcheck/cases.c $(echo ref/*.c)"

# object EXECUTOR FILE - its object's path in $object: the bug's own if the bug changes it. Exit 1 if it cannot be built.
# $define: an option.
object() {
    object=$out/$1/unchanged/$(echo "$2$define" | tr / _).o
    case " $stale " in *" $2 "*) object=$out/$1/changed/$(echo "$2$define" | tr / _).o ;; esac
    mkdir -p "${object%/*}"
    [ -f "$object" ] || CXX="${CXX:-g++} -fPIC $define" MSANCXX="${MSANCXX:-clang++} -fPIC" CC="${CC:-cc} -fPIC" \
        $emulation "$1" "$object" "$2"
}
objects() { # EXECUTOR FILE.. - in $objects
    executor_of=$1 objects=
    shift
    for file_of; do
        object "$executor_of" "$file_of" || return 1
        objects="$objects $object"
    done
}
# Program or library NAME for EXECUTOR. Exit 1 if it cannot be built.
make_program() { # EXECUTOR NAME
    define=
    [ "$2" = test_wide_chunks ] && define=-DCUDA_WIDE_FLOATS=5000
    case $2 in
    test_engine) sources="tests/cuda/test_engine.cu $(echo cuda/*.cu) $c_files" libraries=build/libfast.a ;;
    test_wide*) sources='tests/cuda/test_wide.cu cuda/wide.cu' libraries="$judge build/libref.a" ;;
    eer-cuda.so) sources="$(echo cuda/*.cu) cuda/task.c" libraries='-shared build/cuda/source.o' ;;
    esac
    mkdir -p "$out/$1"
    if [ "$1" = ptx80 ]; then
        objects plain $c_files && sh tests/cuda/ptx/build.sh 80 "$out/$1/$2" tests/cuda/test_engine.cu cuda/*.cu \
            tests/cuda/emulation/cublas.cpp $objects $libraries -lm
    else
        objects "$1" $sources tests/cuda/emulation/cublas.cpp &&
            CXX="${CXX:-g++} -fPIC" MSANCXX="${MSANCXX:-clang++} -fPIC" $emulation "$1" "$out/$1/$2" $objects $libraries -lm
    fi
}

# try EXECUTOR TEST: 0 if it passes, 2 if it cannot be built, 3 if there is none. What it did before stays.
try() {
    if [ "$1" = ptx80 ] && { [ "$2" != test_engine ] || ! command -v "$NVCC" >/dev/null; }; then return 3; fi
    case $2 in
    gradcheck | cli)
        make_program plain eer-cuda.so || return 2
        make -s -o build/source build/eer || return 2
        ;;
    *) make_program "$1" "$2" || return 2 ;;
    esac
    program=$out/$1/$2
    case $1-$2 in
    plain-test_wide*) until_wrong $steady timeout 200 "$program" ;;
    plain-test_*) until_wrong $steady timeout 200 "$program" 8 ;;
    plain-gradcheck)
        for precision in fp32 tf32; do
            configs=60
            [ $precision = tf32 ] && configs=16
            EER_CUDA_LIBRARY=$out/plain/eer-cuda.so timeout 200 build/eer gradcheck --backend cuda --precision $precision \
                --configs $configs || return 1
        done
        ;;
    plain-cli) until_wrong timeout 200 sh tests/cuda/cli_test.sh build/eer "$out/plain/eer-cuda.so" ;;
    *-test_engine) until_wrong $steady timeout 300 "$program" 4 ;;
    *-test_wide) until_wrong $steady timeout 300 "$program" --bits 4 ;;
    esac
}

# Runs a program of lines until it says "not ok". Exit 1 then, or if the program's own status is not 0.
until_wrong() {
    { "$@"; echo "status $?"; } | sed -e '/^not ok/q' >"$log/lines"
    cat "$log/lines"
    [ "$(tail -n 1 "$log/lines")" = 'status 0' ]
}

# Runs a test, without a bug the first time: $seen is - if it passes, its name if not.
ask() {
    seen=-
    if [ ! -e "$out/$1.$2.right" ]; then
        planted=$stale stale=
        cp -p "$tree/$file" "$log/bug" && cp -p "$log/original" "$tree/$file"
        try "$1" "$2" >"$log/right.$1.$2" 2>&1 </dev/null
        status=$?
        stale=$planted
        cp "$log/bug" "$tree/$file"
        [ $status = 3 ] && seen=skipped && return
        if [ $status != 0 ]; then
            echo "$1 $2 fails without a bug; see $log/right.$1.$2" >&2
            exit 2
        fi
        touch "$out/$1.$2.right"
    fi
    try "$1" "$2" >"$log/$number.$1.$2" 2>&1 </dev/null
    case $? in
    0) ;;
    2) seen='not built' ;;
    3) seen=skipped ;;
    *) seen=$2 ;;
    esac
}

judge() {
    echo "$bug" | grep -qE -e "$pattern" || return
    number=$((number + 1))
    begun=$(date +%s) by= cells=
    cp -p "$tree/$file" "$log/original"
    if plant "$tree/$file"; then
        rm -rf "$out"/*/changed
        # The sources that name the file, through whatever header.
        stale=$file
        for source in tests/cuda/test_engine.cu tests/cuda/test_wide.cu cuda/*.cu; do
            ${CXX:-g++} -MM -Itests/cuda/emulation -x c++ "$source" | grep -q -F "$file" && stale="$stale $source"
        done
        plain='test_engine gradcheck cli' elsewhere=test_engine
        case " $stale " in
        *" cuda/wide.cu "*) plain='test_wide test_wide_chunks test_engine gradcheck cli' elsewhere='test_engine test_wide' ;;
        esac
        for executor in ${EXECUTORS:-plain tsan asan msan ptx80}; do
            cell=-
            tests=$elsewhere
            [ $executor = plain ] && tests="$test $(echo " $plain " | sed "s/ $test / /")"
            for one in $tests; do
                ask $executor "$one"
                [ "$seen" = 'not built' ] && by='not built' && break 2
                [ "$seen" = skipped ] && cell=skipped
                [ "$seen" = "$one" ] && cell=$one && by=${by:-$executor $one} && break
            done
            cells="$cells $executor:$cell"
            [ -n "$by" ] && [ -z "$all" ] && break
        done
        cp "$log/original" "$tree/$file"
    else
        by='not planted'
    fi
    case $by in
    '') survived=$((survived + 1)) by=SURVIVED ;;
    not\ *) broken=$((broken + 1)) ;;
    *) caught=$((caught + 1)) ;;
    esac
    printf '%2d  %-18s %4d s  %s\n' "$number" "$by" "$(($(date +%s) - begun))" "$bug"
    [ -z "$all" ] || echo "     $cells"
}

judge=$(make -s -f Makefile -f - print-judge <<'M'
print-judge: ; @echo $(JUDGE)
M
)
stale=
make -s build/eer build/libfast.a $judge build/cuda/source.o || exit 2
judge_all "$root/tests/mutants/cuda.txt"

#!/bin/sh
# run.sh BUILD - all tests of `make test-cuda`; a line a suite, then "N passed, N failed, N skipped". The name says the
# executor: plain, asan, msan, tsan are the emulation of g++'s or clang's code, ptx80 .. nvcc's PTX. NVCC in the
# environment is nvcc's path; where it is empty what needs PTX is skipped, and the exit status is 77.
set -u
build=$1
: "${NVCC?}"
here=$(dirname "$0")
cuda=$build/tests/cuda
logs=$cuda/log total=28
mkdir -p "$logs"
. "$here/../suites.sh"
. "$here/who_saw.sh"

skip() { suite "$1" sh -c 'echo "skipped: no nvcc, which makes the PTX"; exit 77'; }
program() { # EXECUTOR NAME ARGUMENTS..
    executor=$1 name=$2
    shift 2
    case $NVCC$executor in
    ptx*) skip "$executor $name" ;;
    # shellcheck disable=SC2086 # none or two words
    *) suite "$executor $name" timeout --foreground 900 $steady "$cuda/$executor/$name" "$@" ;;
    esac
}
# The program: gradients against the reference, and training that follows it.
train() { # EXECUTOR PRECISION CONFIGS STEPS
    library=$cuda/$1/eer-cuda.so
    if [ "$1-$NVCC" = ptx90- ]; then
        skip "$1 gradcheck $2"
        skip "$1 follow $2"
        return
    fi
    suite "$1 gradcheck $2" env EER_CUDA_LIBRARY="$library" sh -c \
        "$build/eer gradcheck --backend cuda --precision $2 --configs $3 && echo '1 passed, 0 failed'"
    # The library is there: "skipped" would be a failure.
    suite "$1 follow $2" env EER_CUDA_LIBRARY="$library" sh -c "$cuda/follow --precision $2 $4 || exit 1"
}

# Two at a time.
checkers() { # and what the executors make of single kernels and of products
    suite 'planted bugs' sh "$here/planted.sh" "$build"
    suite 'planted bugs, cuBLAS' sh "$here/planted_blas.sh" "$build"
    program plain test_products
    program ptx90 test_products
    program plain test_tf32
    program ptx90 test_tf32
    suite 'plain cli' sh "$here/cli_test.sh" "$build/eer" "$cuda/plain/eer-cuda.so"
    train ptx90 fp32 8 5
    train ptx90 tf32 8 5
    program plain test_wide_chunks 16
    train plain fp32 60 200
}
backend() { # through its face, the cuBLAS path, and in training
    program plain test_engine 48
    for checker in asan msan tsan; do
        program "$checker" test_engine 4
        program "$checker" test_wide --bits 8
    done
    for ptx in ptx80 ptx90 ptx100 ptx120; do
        program "$ptx" test_engine 6
    done
    program plain test_wide
    train plain tf32 60 200
}
trap 'trap "" TERM; kill 0; exit 130' INT TERM # also what runs in the background
checkers &
backend
wait
suites_end || exit 1
[ "$NVCC" ] || exit 77

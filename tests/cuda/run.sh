#!/bin/sh
# run.sh BUILD - all tests of `make test-cuda`; a line a suite, then "N passed, N failed, N skipped". The name says the
# executor: plain, asan, msan, tsan are the emulation of g++'s or clang's code, ptx80 .. nvcc's PTX.
set -u
build=$1
here=$(dirname "$0")
cuda=$build/tests/cuda
logs=$cuda/log total=30
mkdir -p "$logs"
. "$here/../suites.sh"
. "$here/who_saw.sh"

program() { # EXECUTOR NAME ARGUMENTS..
    executor=$1 name=$2
    shift 2
    if [ -x "$cuda/$executor/$name" ]; then
        # shellcheck disable=SC2086 # none or two words
        suite "$executor $name" $steady "$cuda/$executor/$name" "$@"
    else
        suite "$executor $name" sh -c 'echo "skipped: no nvcc, which makes the PTX"; exit 77'
    fi
}

# The checkers, tried.
suite 'planted bugs' sh "$here/planted.sh" "$build"
suite 'planted bugs, cuBLAS' sh "$here/planted_blas.sh" "$build"
# Products of TF32 and FP32, and what tells them apart.
program plain test_products
program ptx90 test_products
program plain test_tf32
program ptx90 test_tf32
# The backend through its face.
program plain test_engine 48
for checker in asan msan tsan; do
    program "$checker" test_engine 4
done
for ptx in ptx80 ptx90 ptx100 ptx120; do
    program "$ptx" test_engine 6
done
# The cuBLAS path.
program plain test_wide
program plain test_wide_chunks 16
for checker in asan msan tsan; do
    program "$checker" test_wide --bits 8
done
# The program: gradients against the reference, and training.
for executor in plain ptx90; do
    library=$cuda/$executor/eer-cuda.so
    steps=200 configs=60
    [ "$executor" = plain ] || steps=5 configs=8
    if [ ! -f "$library" ]; then
        suite "$executor program" sh -c 'echo "skipped: no nvcc, which makes the PTX"; exit 77'
        continue
    fi
    for precision in fp32 tf32; do
        suite "$executor gradcheck $precision" env EER_CUDA_LIBRARY="$library" sh -c \
            "$build/eer gradcheck --backend cuda --precision $precision --configs $configs && echo '1 passed, 0 failed'"
        # The library is there: "skipped" would be a failure.
        suite "$executor follow $precision" env EER_CUDA_LIBRARY="$library" sh -c \
            "$cuda/follow --precision $precision $steps || exit 1"
    done
done
suite 'plain cli' sh "$here/cli_test.sh" "$build/eer" "$cuda/plain/eer-cuda.so"
suites_end

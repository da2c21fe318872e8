#!/bin/sh
# count.sh BUILD - what a block of the training kernel does at preset eer: the counts of spec/cuda.md, from nvcc's PTX
# for sm_90, executed on this CPU. Some minutes. Exits with 3 where there is no nvcc.
set -eu
out=$1/tests/cuda/count
here=$(dirname "$0")
NVCC=${NVCC-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
CXX=${CXX:-g++}
flags="-std=c++17 -ffp-contract=off"
warnings="-Wall -Wextra -Wpedantic -Werror -Wno-unknown-pragmas"
if ! command -v "$NVCC" >/dev/null; then
    echo "count.sh: no nvcc, which makes the PTX" >&2
    exit 3
fi
mkdir -p "$out"
"$NVCC" -ptx -std=c++17 -O2 -arch=compute_90 -lineinfo -o "$out/train.ptx" "$here/../../cuda/train.cu"
python3 -B "$here/count/translate.py" "$here/ptx" "$out/train.ptx" "$out/train.cpp"
# shellcheck disable=SC2086 # lists of words
{
    # A register is a variable: warnings say nothing.
    $CXX $flags -O1 -w -fno-tree-pta -fno-strict-aliasing -I"$here/ptx" -I"$here/count" -c "$out/train.cpp" -o "$out/train.o"
    objects=$out/train.o
    for file in ptx/runtime ptx/operations emulation/emulation count/count; do
        object=$out/${file##*/}.o
        $CXX $flags -O2 $warnings -frounding-math -c "$here/$file.cpp" -o "$object"
        objects="$objects $object"
    done
    $CXX $flags -O1 $warnings -I"$here/emulation" -x c++ "$here/../../cuda/train.cu" "$here/count/train.cu" -x none \
        $objects -o "$out/count"
}
for precision in '' tf32; do
    echo "${precision:-fp32}:"
    printf '%4s%9s%11s%11s%9s%9s%9s%11s%11s%13s%10s%11s%10s%10s\n' L barriers fp32 FMA tensor exps roots other words \
        instructions accesses wavefronts least alone
    for L in 16 40 64; do
        # shellcheck disable=SC2086 # none or one word
        "$out/count" "$L" $precision
    done
done

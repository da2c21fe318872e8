#!/bin/sh
# build.sh ARCH OUT ARGUMENT.. - a program of .cu files whose kernels are nvcc's PTX (ARCH: 80, 90, 100, 120),
# translated to C++ (translate.py), and whose host code is g++'s, with the emulation's run time.
# -f..., --use_fast_math are nvcc's; the other arguments (objects, libraries, -I, -D) g++'s, -I and -D both's.
# A .ptx file among the arguments is taken as it is, without nvcc. NVCC names nvcc, CXX g++.
# Exits with 3 where there is no nvcc.
set -eu
arch=$1 out=$2
shift 2
here=$(dirname "$0")
CXX=${CXX:-g++}
NVCC=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
both='' device='' sources='' ptx=''
for argument; do
    shift
    case $argument in
    -I* | -D*) both="$both $argument" ;;
    -fmad=* | --use_fast_math) device="$device $argument" ;;
    *.ptx) ptx="$ptx $argument" ;;
    *.cu) sources="$sources $argument"; set -- "$@" -x c++ "$argument" -x none ;;
    *) set -- "$@" "$argument" ;;
    esac
done
flags="-std=c++17 -g1 -fno-omit-frame-pointer -ffp-contract=off"
warnings="-Wall -Wextra -Wpedantic -Werror -Wno-unknown-pragmas"
objects=''
number=0
# shellcheck disable=SC2086 # lists of words
{
    # With a .ptx file the sources are host code alone.
    if [ -z "$ptx" ]; then
        if ! command -v "$NVCC" >/dev/null; then
            echo "build.sh: no nvcc, which makes the PTX" >&2
            exit 3
        fi
        for source in $sources; do
            number=$((number + 1))
            "$NVCC" -ptx -std=c++17 -O2 -arch="compute_$arch" -lineinfo $device $both -o "$out.$number.ptx" "$source"
            ptx="$ptx $out.$number.ptx"
        done
    fi
    number=0
    for text in $ptx; do
        number=$((number + 1))
        python3 -B "$here/translate.py" "$text" "$out.$number.cpp"
        # A register is a variable: warnings say nothing. Memory is accessed as whatever type PTX names.
        $CXX $flags -O1 -g0 -w -fno-tree-pta -fno-strict-aliasing -I"$here" -c "$out.$number.cpp" -o "$out.$number.o"
        objects="$objects $out.$number.o"
    done
    for file in "$here/runtime" "$here/operations" "$here/../emulation/emulation"; do
        object=$out.${file##*/}.o
        $CXX $flags -O2 $warnings -frounding-math -c "$file.cpp" -o "$object"
        objects="$objects $object"
    done
    $CXX $flags -O1 $warnings -I"$here/../emulation" $both "$@" $objects -o "$out"
}

#!/bin/sh
# build.sh ARCH OUT ARGUMENT.. - a program of .cu files whose kernels are nvcc's PTX (ARCH: 80, 90, 100, 120),
# translated to C++ (translate.py), and whose host code is g++'s, with the emulation's run time.
# -f..., --use_fast_math are nvcc's; the other arguments (objects, libraries, -I, -D) g++'s, -I and -D both's.
# A .ptx file among the arguments is taken as it is, without nvcc. NVCC names nvcc (empty: none), CXX g++.
# KERNELS, the beginning of files' names, is where translated kernels stay for another program of the same options and
# ARCH. LIKE, another such beginning, is where kernels lie whose objects are taken if they are translated to the same.
# Exits with 3 where there is no nvcc.
set -eu
arch=$1 out=$2
shift 2
here=$(dirname "$0") root=$(dirname "$0")/../../..
CXX=${CXX:-g++}
NVCC=${NVCC-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
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
# shellcheck disable=SC2086 # lists of words
{
    # kernels PTX-OR-SOURCE OBJECT - a file's kernels, translated; from a source through nvcc.
    kernels() {
        text=$1
        if [ "${1%.cu}" != "$1" ]; then
            text=${2%.o}.ptx
            "$NVCC" -ptx -std=c++17 -O2 -arch="compute_$arch" -lineinfo $device $both -o "$text" "$1"
        fi
        python3 -B "$here/translate.py" "$text" "${2%.o}.cpp"
        if [ -n "${LIKE:-}" ]; then
            like=$LIKE${2#"${KERNELS:?}"}
            # All that may differ is the file's own path, for messages.
            if sed "s|${2%.o}|${like%.o}|" "${2%.o}.cpp" | cmp -s - "${like%.o}.cpp"; then
                cp "$like" "$2"
                return
            fi
        fi
        # A register is a variable: warnings say nothing, and -O1 makes nothing faster. Memory is accessed as whatever
        # type PTX names.
        $CXX -fPIC $flags -Og -g0 -w -fno-tree-pta -fno-strict-aliasing -I"$here" -c "${2%.o}.cpp" -o "$2"
    }
    # With a .ptx file the sources are host code alone.
    [ -n "$ptx" ] || command -v "$NVCC" >/dev/null || { echo "build.sh: no nvcc, which makes the PTX" >&2; exit 3; }
    for file in ${ptx:-$sources}; do
        object=${KERNELS:-$out}.$(echo "${file##*/}" | tr . _).o
        objects="$objects $object"
        # Nothing that goes into it is younger.
        [ -n "${KERNELS:-}" ] && [ -f "$object" ] &&
            [ -z "$(find "$file" "$root/cuda" "$root/spec" "$here" -newer "$object")" ] && continue
        kernels "$file" "$object"
    done
    for file in "$here/runtime" "$here/operations" "$here/../emulation/emulation"; do
        object=$out.${file##*/}.o
        $CXX $flags -O2 $warnings -frounding-math -c "$file.cpp" -o "$object"
        objects="$objects $object"
    done
    $CXX $flags -O1 $warnings -I"$here/../emulation" $both "$@" $objects -o "$out"
}

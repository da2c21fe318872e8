#!/bin/sh
# build.sh plain|asan|msan|tsan OUT ARGUMENT.. - a program of .cu files and the emulation, with the checker.
# CXX is g++ unless told, for msan clang++. Files of C, objects, libraries and -I may be among the arguments.
# OUT.o ARGUMENT: the object of that one file of C or .cu. The emulation's own is made again only if it is older.
set -eu
checker=$1 out=$2
shift 2
here=$(dirname "$0")
CXX=${CXX:-g++} CC=${CC:-cc}
case $checker in
plain) mode='' own='' ;;
asan) mode='-fsanitize=address,undefined -fno-sanitize-recover=all' own='' ;;
msan) CXX=${MSANCXX:-clang++} CC=clang mode='-fsanitize=memory -fsanitize-memory-track-origins' own=$mode ;;
tsan) mode='-fsanitize=thread' own='' ;;
*) echo "build.sh: $checker: expected plain, asan, msan or tsan" >&2; exit 2 ;;
esac
flags="-std=c++17 -O1 -g -fno-omit-frame-pointer -ffp-contract=off -Wall -Wextra -Wpedantic -Werror -Wno-unknown-pragmas"
c_object() { # OBJECT FILE
    # shellcheck disable=SC2086 # lists of words
    $CC -std=c11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -ffp-contract=off $mode -c -o "$1" "$2"
}
# shellcheck disable=SC2086
case $out-$1 in
*.o-*.c) c_object "$out" "$1"; exit ;;
*.o-*) exec $CXX $flags $mode -I"$here" -c -o "$out" -x c++ "$1" ;;
esac
# The run time itself at -O2, and not instrumented where it tells the checker by hand.
# shellcheck disable=SC2086
[ -f "$out.emulation.o" ] && [ -z "$(find "$here" -name '*.[ch]*' -newer "$out.emulation.o")" ] ||
    $CXX $flags -O2 $own -I"$here" -c "$here/emulation.cpp" -o "$out.emulation.o"
for argument; do
    shift
    case $argument in
    *.cu) set -- "$@" -x c++ "$argument" -x none ;;
    *.c)
        object=$out.$(echo "$argument" | tr / _).o
        c_object "$object" "$argument"
        set -- "$@" "$object"
        ;;
    *) set -- "$@" "$argument" ;;
    esac
done
# shellcheck disable=SC2086
$CXX $flags $mode -I"$here" "$@" "$out.emulation.o" -o "$out"

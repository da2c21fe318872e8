#!/bin/sh
# test.sh BUILD - the executor: each instruction's numbers (cases/opcodes.txt, cases/flow.ptx), what it has to stop
# (cases/faults.ptx), and what the translator has to refuse, with the line. Needs no nvcc; where there is ptxas, that
# is asked whether the PTX is PTX at all.
# Prints what is wrong, then "N passed, N failed", and "skipped" for ptxas.
set -u
build=${1:?usage: test.sh BUILD}/tests/cuda/ptx
here=$(dirname "$0")
mkdir -p "$build"
passed=0 failed=0

python3 -B "$here/cases/opcodes.py" "$here/cases/opcodes.txt" >"$build/opcodes.ptx" || exit 1
"$here/build.sh" 90 "$build/test" "$build/opcodes.ptx" "$here/cases/flow.ptx" "$here/cases/faults.ptx" \
    "$here/cases/test.cu" || exit 1
"$build/test" "$here/cases/opcodes.txt" >"$build/test.log" 2>&1 || failed=1
cat "$build/test.log"

# ends KERNEL WORDS - the run time stops the program with the words.
ends() {
    message=$("$build/test" "$here/cases/opcodes.txt" "$1" 2>&1)
    status=$?
    case $status$message in
    70emulation:*"$2"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); echo "not ok: $1: exit $status, $message" ;;
    esac
}
ends division 'division by zero at'
ends constant 'generic write of 4 bytes at'
ends variable 'global write of 4 bytes at'
ends frame 'local write of 4 bytes at'
ends parameter 'param read of 4 bytes at'
ends branch 'beyond the branch targets at'
ends gives 'faults.ptx:'
ends size "sizes are not those of the PTX"
ends strayed 'another address or stride'
ends missing 'there is no PTX of this kernel'

# refuses WORDS STATEMENT - as the 4th line of a kernel; the message has to have the line and the words.
refuses() {
    printf '.visible .entry k(.param .u64 p)\n{\n.reg .b32 %%r<4>; .reg .f32 %%f<4>; .reg .pred %%p<2>;\n%s\nret;\n}\n' \
        "$2" >"$build/bad.ptx"
    message=$(python3 -B "$here/translate.py" "$build/bad.ptx" "$build/bad.cpp" 2>&1)
    status=$?
    case $status$message in
    1*bad.ptx:4:*"$1"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); echo "not ok: $2: exit $status, $message" ;;
    esac
}
refuses 'unknown instruction' 'frobnicate.b32 %r0, %r1;'
refuses 'unknown modifier' 'add.s32.sat %r0, %r1, %r2;'
refuses 'unknown modifier' 'add.cc.s32 %r0, %r1, %r2;'
refuses 'unknown modifier' 'mul.lo.ftz.s32 %r0, %r1, %r2;'
refuses 'unknown modifier' 'ld.global.volatile.u32 %r0, [p];'
refuses 'is missing' 'setp.foo.s32 %p0, %r0, %r1;'
refuses 'unknown modifier' 'add.f16 %r0, %r1, %r2;'
refuses 'unknown special register' 'mov.u32 %r0, %clock;'
refuses 'unknown name' 'mov.u32 %r0, nowhere;'
refuses 'unknown directive' '.callprototype foo;'
refuses 'unknown type' '.reg .b128 %q;'
refuses 'is of type pred' 'mov.u32 %r0, %p0;'
refuses 'is of type b32' 'mov.u64 %r0, 0;'
refuses 'is missing' 'div.f32 %f0, %f1, %f2;'
refuses 'unknown modifier' 'mul.s32 %r0, %r1, %r2;'
refuses 'is missing' 'cvt.s32.f32 %r0, %f0;'
refuses 'missing' 'cvt.f32.s32 %f0, %r0;'
refuses 'not for this type' 'setp.ltu.s32 %p0, %r0, %r1;'
refuses 'only barrier 0' 'bar.sync 1;'
refuses 'only barrier 0' 'bar.sync 0, 64;'
refuses 'unknown here' 'call.uni nothing, (%r0);'
refuses 'beyond the 8 bytes' 'ld.param.u32 %r0, [p+8];'
refuses 'operands' 'add.s32 %r0, %r1;'
refuses 'operands' 'selp.b32 %r0, %r1, %r2;'
refuses '32 bytes at most' '.shared .align 128 .b8 wide[128];'

skipped=0
PTXAS=${PTXAS:-$(command -v ptxas || echo /usr/local/cuda/bin/ptxas)}
for ptx in "$build/opcodes.ptx" "$here/cases/flow.ptx" "$here/cases/faults.ptx"; do
    if ! command -v "$PTXAS" >/dev/null; then skipped=$((skipped + 1))
    elif "$PTXAS" -arch=sm_90 "$ptx" -o "$build/cubin"; then passed=$((passed + 1))
    else failed=$((failed + 1)); echo "not ok: ptxas does not take $ptx"
    fi
done
echo "executor: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

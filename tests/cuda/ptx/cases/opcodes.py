"""opcodes.py OPCODES.txt - prints a PTX kernel opcodes(in, out) that runs each line of the table once.

The operands come from memory, 8 bytes each, and the result goes there, so that no compiler sees them.
"""
import sys

CLASS = {4: 'b16', 8: 'b32', 16: 'b64', 1: 'pred'}


def main():
    print('''.version 7.8
.target sm_90
.address_size 64
.visible .entry _Z7opcodesPKyPy(.param .u64 in, .param .u64 out)
{
    .reg .b64 %in, %out, %wide;
    ld.param.u64 %in, [in];
    ld.param.u64 %out, [out];''')
    operand = result = 0
    with open(sys.argv[1], encoding='ascii') as file:
        for line in file:
            if line[0] == '#':
                continue
            opcode, *words, _, wanted = line.split()
            kind = CLASS[len(wanted)]
            print(f'{{\n    .reg .{kind} %d;')
            names = []
            for word in words:
                if word[0] == '$':
                    names.append(word[1:])
                    continue
                names.append(f'%s{len(names)}')
                own = CLASS[len(word)]
                print(f'    .reg .{own} {names[-1]};\n    ld.global.b64 %wide, [%in+{8 * operand}];')
                print(f'    setp.ne.s64 {names[-1]}, %wide, 0;' if own == 'pred' else
                      f'    cvt.u{own[1:]}.u64 {names[-1]}, %wide;' if own != 'b64' else
                      f'    mov.b64 {names[-1]}, %wide;')
                operand += 1
            print(f'    {opcode} %d, {", ".join(names)};')
            print('    selp.b64 %wide, 1, 0, %d;' if kind == 'pred' else
                  f'    cvt.u64.u{kind[1:]} %wide, %d;' if kind != 'b64' else '    mov.b64 %wide, %d;')
            print(f'    st.global.b64 [%out+{8 * result}], %wide;\n}}')
            result += 1
    print('    ret;\n}')


main()

"""What each PTX instruction does, as C++ for ptx.h: modifiers, types of operands, a statement."""

SIZE = {'pred': 1, 'b8': 1, 'u8': 1, 's8': 1, 'b16': 2, 'u16': 2, 's16': 2, 'b32': 4, 'u32': 4,
        's32': 4, 'f32': 4, 'tf32': 4, 'b64': 8, 'u64': 8, 's64': 8, 'f64': 8}
FLOAT = {'f32': 'float', 'f64': 'double'}
MODES = {'rn': 'FE_TONEAREST', 'rz': 'FE_TOWARDZERO', 'rm': 'FE_DOWNWARD', 'rp': 'FE_UPWARD'}
SPACES = ('global', 'shared', 'local', 'const', 'param')
SPECIAL = {'%laneid': 'emulation::lane()', '%warpid': '(emulation::thread() / 32)',
           'WARP_SZ': '32u', '%lanemask_eq': '(1u << emulation::lane())',
           '%lanemask_lt': '((1u << emulation::lane()) - 1)',
           '%lanemask_le': '((2u << emulation::lane()) - 1)',
           '%lanemask_ge': '(0u - (1u << emulation::lane()))',
           '%lanemask_gt': '(0u - (2u << emulation::lane()))'}
for word, variable in (('%tid', 'threadIdx'), ('%ntid', 'blockDim'), ('%ctaid', 'blockIdx'),
                       ('%nctaid', 'gridDim')):
    SPECIAL.update({f'{word}.{axis}': f'{variable}.{axis}' for axis in 'xyz'})

# The instructions that are one expression: all but the last part of the name; the types that may
# come last; the operands' types and the result's, where t is that type without its sign, s with it,
# w twice as wide with it, v without; the expression.
RULES = {}
for line in '''
add         | INT          | t t     | t    | {0} + {1}
sub         | INT          | t t     | t    | {0} - {1}
mul.lo      | INT          | t t     | t    | 1u * {0} * {1}
mul.hi      | INT          | s s     | t    | ptx::mul_hi({0}, {1})
mul.wide    | NARROW       | s s     | w    | {w}({0}) * {1}
mad.lo      | INT          | t t t   | t    | 1u * {0} * {1} + {2}
mad.hi      | INT          | s s t   | t    | ptx::mul_hi({0}, {1}) + {2}
mad.wide    | NARROW       | s s v   | w    | {w}({0}) * {1} + {2}
div         | INT          | s s     | t    | ptx::divide({0}, {1}, false, {at})
rem         | INT          | s s     | t    | ptx::divide({0}, {1}, true, {at})
min         | INT          | s s     | t    | {0} < {1} ? {0} : {1}
max         | INT          | s s     | t    | {0} > {1} ? {0} : {1}
abs         | s16 s32 s64  | s       | t    | {0} < 0 ? 0ull - {0} : {0}
neg         | s16 s32 s64  | t       | t    | 0 - {0}
and         | BITS pred    | t t     | t    | {0} & {1}
or          | BITS pred    | t t     | t    | {0} | {1}
xor         | BITS pred    | t t     | t    | {0} ^ {1}
not         | BITS         | t       | t    | ~{0}
not         | pred         | t       | t    | !{0}
shl         | BITS         | t u32   | t    | ptx::shl({0}, {1})
shr         | BITS INT     | s u32   | t    | ptx::shr({0}, {1})
selp        | BITS INT f32 f64 | t t pred | t | {2} ? {0} : {1}
popc        | b32 b64      | t       | u32  | ptx::popc({0})
clz         | b32 b64      | t       | u32  | ptx::clz({0})
brev        | b32 b64      | t       | t    | ptx::brev({0})
bfind       | s32 u32 s64 u64 | s    | u32  | ptx::bfind({0}, false)
bfind.shiftamt | s32 u32 s64 u64 | s | u32  | ptx::bfind({0}, true)
bfe         | s32 u32 s64 u64 | s u32 u32 | t | ptx::bfe({0}, {1}, {2})
bfi         | b32 b64      | t t u32 u32 | t | ptx::bfi({0}, {1}, {2}, {3})
prmt        | b32          | t t t   | t    | ptx::prmt({0}, {1}, {2})
lop3        | b32          | t t t t | t    | ptx::lop3({0}, {1}, {2}, {3})
shf.l.wrap  | b32          | t t t   | t    | ptx::shf(true, true, {0}, {1}, {2})
shf.l.clamp | b32          | t t t   | t    | ptx::shf(true, false, {0}, {1}, {2})
shf.r.wrap  | b32          | t t t   | t    | ptx::shf(false, true, {0}, {1}, {2})
shf.r.clamp | b32          | t t t   | t    | ptx::shf(false, false, {0}, {1}, {2})
dp4a.s32    | s32          | t t t   | t    | ptx::dp4a<int8_t, int8_t>({0}, {1}, {2})
dp4a.s32    | u32          | t t t   | t    | ptx::dp4a<int8_t, uint8_t>({0}, {1}, {2})
dp4a.u32    | s32          | t t t   | t    | ptx::dp4a<uint8_t, int8_t>({0}, {1}, {2})
dp4a.u32    | u32          | t t t   | t    | ptx::dp4a<uint8_t, uint8_t>({0}, {1}, {2})
activemask  | b32          |         | t    | emulation::live_lanes()
cvta.global | u64          | t       | t    | {0}
cvta.local  | u64          | t       | t    | {0}
cvta.const  | u64          | t       | t    | {0}
cvta.param  | u64          | t       | t    | {0}
cvta.shared | u64          | t       | t    | ptx::shared_to_generic({0})
cvta.to.global | u64       | t       | t    | {0}
cvta.to.local  | u64       | t       | t    | {0}
cvta.to.const  | u64       | t       | t    | {0}
cvta.to.shared | u64       | t       | t    | ptx::generic_to_shared({0})
'''.strip().replace('NARROW', 's16 u16 s32 u32').replace('BITS', 'b16 b32 b64').replace(
        'INT', 's16 u16 s32 u32 s64 u64').splitlines():
    name, types, *rest = (cell.strip() for cell in line.split(' | '))
    for kind in types.split():
        RULES[f'{name}.{kind}'] = (kind, rest[0].split(), rest[1], ' | '.join(rest[2:]))

# Of floats: roundings that may come, whether one must, what else may come, the letter for
# ptx::directed, the expression.
FLOATS = {
    'add': ('rn rz rm rp', False, 'ftz sat', '+', '{0} + {1}'),
    'sub': ('rn rz rm rp', False, 'ftz sat', '-', '{0} - {1}'),
    'mul': ('rn rz rm rp', False, 'ftz sat', '*', '{0} * {1}'),
    'fma': ('rn rz rm rp', True, 'ftz sat', 'f', '__builtin_fma{f}({0}, {1}, {2})'),
    'mad': ('rn rz rm rp', True, 'ftz sat', 'f', '__builtin_fma{f}({0}, {1}, {2})'),
    'div': ('rn rz rm rp approx full', True, 'ftz', '/', '{0} / {1}'),
    'rcp': ('rn rz rm rp approx', True, 'ftz', '1', '1 / {0}'),
    'sqrt': ('rn rz rm rp approx', True, 'ftz', 'q', '__builtin_sqrt{f}({0})'),
    'ex2': ('approx', True, 'ftz', '', 'ptx::once(exp2, {0})'),
    'lg2': ('approx', True, 'ftz', '', 'ptx::once(log2, {0})'),
    'rsqrt': ('approx', True, 'ftz', '', 'ptx::once(ptx::rsqrt, {0})'),
    'sin': ('approx', True, 'ftz', '', 'ptx::once(sin, {0})'),
    'cos': ('approx', True, 'ftz', '', 'ptx::once(cos, {0})'),
    'tanh': ('approx', True, '', '', 'ptx::once(tanh, {0})'),
    'abs': ('', False, 'ftz', '', '__builtin_fabs{f}({0})'),
    'neg': ('', False, 'ftz', '', '-{0}'),
    'copysign': ('', False, '', '', '__builtin_copysign{f}({1}, {0})'),
    'min': ('', False, 'ftz NaN', '', 'ptx::least({0}, {1}, {nan})'),
    'max': ('', False, 'ftz NaN', '', 'ptx::most({0}, {1}, {nan})')}
COMPARE = {'eq': '==', 'ne': '!=', 'lt': '<', 'le': '<=', 'gt': '>', 'ge': '>='}
UNSIGNED = {'lo': '<', 'ls': '<=', 'hi': '>', 'hs': '>='}
FLOAT_COMPARE = {'ne': '({0} < {1} || {0} > {1})', 'equ': '!({0} < {1} || {0} > {1})',
                 'neu': '!({0} == {1})', 'ltu': '!({0} >= {1})', 'leu': '!({0} > {1})',
                 'gtu': '!({0} <= {1})', 'geu': '!({0} < {1})',
                 'num': '({0} == {0} && {1} == {1})', 'nan': '({0} != {0} || {1} != {1})'}
ATOMIC = {'add': 'old + b', 'min': 'b < old ? b : old', 'max': 'old < b ? b : old', 'exch': 'b',
          'and': 'old & b', 'or': 'old | b', 'xor': 'old ^ b', 'cas': 'old == b ? c : old',
          'inc': 'old >= b ? 0 : old + 1', 'dec': 'old == 0 || old > b ? b : old - 1'}


class Error(Exception):
    pass


def c_type(kind, signed=False):
    """The C++ type of a PTX type, without its sign unless asked for."""
    if kind == 'pred':
        return 'bool'
    return FLOAT.get(kind) or f'{"" if signed and kind[0] == "s" else "u"}int{8 * SIZE[kind]}_t'


def name_of(name):
    for bad, good in (('%', 'r_'), ('$', 's_'), ('.', 'd_')):
        name = name.replace(bad, good)
    return 'v_' + name


class Instructions:
    """Needs registers (name: type, whether the function declares it), used, variables (name: space,
    size, address), shared_used, functions, targets, places, place, line."""

    # --- the parts of an instruction's name ---

    def fail(self, what):
        raise Error(f'{self.instruction}: {what}')

    def take(self, *choices):
        return self.parts.pop(0) if self.parts and self.parts[0] in choices else None

    def must(self, *choices):
        return self.take(*choices) or self.fail(f'one of .{", .".join(choices)} is missing')

    def type(self, *allowed):
        kind = self.parts.pop(0) if self.parts else self.fail('its type is missing')
        return kind if kind in (allowed or SIZE) else self.fail(f'unknown modifier or type .{kind}')

    def translate(self, word, operands):
        """The instruction as statements."""
        self.instruction = word
        base, *self.parts = word.split('.')
        handler = getattr(self, 'do_' + base, self.floating if base in FLOATS else None)
        if word not in RULES and not handler:
            known = any(rule.split('.')[0] == base for rule in RULES)
            self.fail('unknown modifier or type' if known else 'unknown instruction')
        try:
            if word in RULES:
                return self.rule(RULES[word], operands)
            code = handler(base, operands)
        except (IndexError, ValueError, TypeError, AttributeError, KeyError):
            raise Error(f'{word}: its operands are not understood') from None
        if self.parts:
            self.fail(f'unknown modifier .{self.parts[0]}')
        return code

    # --- values ---

    def literal(self, word, kind):
        """A number as C++, in the bits that its type has."""
        digits, mark = word.lstrip('-'), word[:2].lower()
        if mark in ('0f', '0d') and len(word) == (10 if mark == '0f' else 18):
            bits = f'uint{4 * len(word) - 8}_t({int(word[2:], 16)}u)'
            return f'__builtin_bit_cast({FLOAT[kind]}, {bits})' if kind in FLOAT else bits
        if kind in FLOAT:
            raise Error(f'{word} as a number of type {kind}')
        value = int(digits.rstrip('U'), 0)
        if kind == 'pred':
            return 'true' if value else 'false'
        value = (-value if word[0] == '-' else value) & (1 << 8 * SIZE[kind]) - 1
        return f'{c_type(kind, True)}({value}ull)'

    def register(self, word, kind):
        """A register's own type and C++ name, for a value of that type or of a narrower one."""
        own, outer = self.registers[word]
        if outer:
            self.used[name_of(word)] = c_type(own)
        if (own == 'pred') != (kind == 'pred') or SIZE[own] < SIZE[kind] or \
                (kind in FLOAT and SIZE[own] != SIZE[kind]):
            self.fail(f'register {word} is of type {own}')
        return own, name_of(word)

    def value(self, word, kind, signed=False):
        """An operand as C++ of that type."""
        if kind == 'pred' and word[0] == '!':
            return '!' + self.value(word[1:], kind)
        c = c_type(kind, signed)
        if word in self.registers:
            own, text = self.register(word, kind)
            if own in FLOAT and own != kind:
                return f'{c}(__builtin_bit_cast(uint{8 * SIZE[own]}_t, {text}))'
            if kind in FLOAT and own != kind:
                return f'__builtin_bit_cast({c}, {text})'
            return text if c == c_type(own) else f'{c}({text})'
        if word in SPECIAL or word in self.variables:
            return f'{c}({SPECIAL.get(word) or self.symbol(word)})'
        if word[0].isdigit() or word[0] == '-':
            return self.literal(word, kind)
        return self.fail(f'unknown {"special register" if word[0] == "%" else "name"} {word}')

    def symbol(self, name):
        space, size, text = self.variables[name]
        if space == 'shared' and text != '0u':
            self.shared_used[name] = (text, size)
        return text

    def set(self, word, kind, expression):
        """word = expression, which is cast to that type; a wider register gets its sign."""
        expression = f'{c_type(kind, True)}({expression})'
        if word == '_':
            return f'(void){expression};'
        if word not in self.registers:
            self.fail(f'{word} is no register')
        own, text = self.register(word, kind)
        if (own in FLOAT or kind in FLOAT) and own != kind:
            expression = f'__builtin_bit_cast({c_type(own)}, {expression})'
        return f'{text} = {expression};'

    def address(self, operand):
        _, base, offset = operand
        if base in self.registers:
            own, text = self.register(base, 'b32')
            text = text if SIZE[own] == 8 else f'uint32_t({text})'
        else:
            text = self.symbol(base) if base in self.variables else self.literal(base, 'u64')
        return f'{text} + {offset}' if offset else text

    def where(self):
        place = tuple(self.place or (0, self.line))
        return f'at + {self.places.setdefault(place, len(self.places))}'

    def access(self, space, kind, operand, size):
        return (f'ptx::access(ptx::{(space or "generic").upper()}, ptx::{kind}, '
                f'{self.address(operand)}, {size}, {self.where()})')

    # --- instructions ---

    def rule(self, rule, operands):
        kind, kinds, result, expression = rule
        wide = kind[0] + str(16 * SIZE[kind]) if kind != 'pred' else ''
        to, *sources = operands
        if len(sources) != len(kinds):
            self.fail(f'it has {len(kinds)} operands')
        types = {'t': (kind, False), 's': (kind, True), 'v': (wide, False)}
        values = [self.value(s, *types.get(k, (k, False))) for s, k in zip(sources, kinds)]
        expression = expression.format(*values, w=c_type(wide, True) if wide in SIZE else '',
                                       at=self.where() if '{at}' in expression else '')
        return self.set(to, {'t': kind, 'w': wide}.get(result, result), expression)

    def floating(self, base, operands):
        roundings, needed, others, letter, expression = FLOATS[base]
        rounding = self.must(*roundings.split()) if needed else self.take(*roundings.split())
        ftz, nan, sat = (self.take(m) if m in others else None for m in ('ftz', 'NaN', 'sat'))
        kind = self.type('f32', 'f64')
        values = [self.value(s, kind) for s in operands[1:]]
        if ftz:
            values = [f'ptx::flush({v})' for v in values]
        if rounding in ('rz', 'rm', 'rp'):
            if letter == '-':
                letter, values[1] = '+', '-' + values[1]
            if letter == '1':
                letter, values = '/', [f'{c_type(kind)}(1)'] + values
            expression = f"ptx::directed('{letter}', {MODES[rounding]}, {', '.join(values)})"
        else:
            expression = expression.format(*values, f='f' if kind == 'f32' else '',
                                           nan='true' if nan else 'false')
        expression = f'ptx::saturate({expression})' if sat else expression
        return self.set(operands[0], kind, f'ptx::flush({expression})' if ftz else expression)

    def do_mov(self, _, operands):
        kind = self.type()
        to, source = operands
        pack = to if isinstance(to, list) else source if isinstance(source, list) else None
        if not pack:
            return self.set(to, kind, self.value(source, kind))
        part = f'b{8 * SIZE[kind] // len(pack)}'
        steps = [(SIZE[part] * 8 * i, p) for i, p in enumerate(pack)]
        if pack is source:
            return self.set(to, kind, ' | '.join(
                f'{c_type(kind)}({self.value(p, part)}) << {at}' for at, p in steps))
        return f'const {c_type(kind)} whole = {self.value(source, kind)}; ' + ' '.join(
            self.set(p, part, f'whole >> {at}') for at, p in steps)

    def do_setp(self, _, operands):
        how = self.must(*COMPARE, *UNSIGNED, *FLOAT_COMPARE)
        combine, ftz = self.take('and', 'or', 'xor'), self.take('ftz')
        kind = self.type()
        targets, *sources = operands
        targets = targets[1:] if targets[0] == '|' else [targets]
        a, b = (self.value(s, kind, True) for s in sources[:2])
        if ftz:
            a, b = f'ptx::flush({a})', f'ptx::flush({b})'
        if kind in FLOAT and how in FLOAT_COMPARE:
            text = FLOAT_COMPARE[how].format(a, b)
        elif how in COMPARE or (how in UNSIGNED and kind[0] == 'u'):
            text = f'{a} {COMPARE.get(how) or UNSIGNED[how]} {b}'
        else:
            self.fail('not for this type')
        if len(sources) != 3 if combine else len(sources) != 2:
            self.fail('wrong number of operands')
        code, end = f'const bool is = {text}; ', ''
        if combine:
            code += f'const bool other = {self.value(sources[2], "pred")}; '
            end = {'and': ' & other', 'or': ' | other', 'xor': ' ^ other'}[combine]
        return code + ' '.join(self.set(t, 'pred', f'{this}{end}')
                               for t, this in zip(targets, ('is', '!is')))

    def do_cvt(self, _, operands):
        rounding = self.take(*MODES, 'rni', 'rzi', 'rmi', 'rpi', 'rna')
        ftz, sat = self.take('ftz'), self.take('sat')
        to, source = self.type(), self.type()
        c, value = c_type(to, True), self.value(operands[1], source, True)
        value = f'ptx::flush({value})' if ftz and source == 'f32' else value
        if to == 'tf32' and rounding == 'rna' and source == 'f32':
            return self.set(operands[0], 'b32', f'ptx::tf32({value})')
        integral = MODES.get(rounding[:2]) if rounding and rounding[2:] == 'i' else None
        if source in FLOAT and (to not in FLOAT or (to == source and integral)):
            if not integral:
                self.fail('.rni, .rzi, .rmi or .rpi is missing')
            value = f"ptx::directed('i', {integral}, {value})"
            value = value if to in FLOAT else f'ptx::to_integer<{c}>({value})'
        elif to in FLOAT and source != to and (source, to) != ('f32', 'f64'):
            if rounding not in MODES:
                self.fail('.rn, .rz, .rm or .rp is missing')
            value = f'{c}({value})' if rounding == 'rn' else \
                f'ptx::convert<{c}>({MODES[rounding]}, {value})'
        elif rounding or to == 'tf32':
            self.fail('its rounding is not for these types')
        elif sat and to not in FLOAT:
            value = f'ptx::clamp<{c}>({value})'
        else:
            value = f'{c}({value})'
        value = f'ptx::saturate({value})' if sat and to in FLOAT else value
        return self.set(operands[0], to, f'ptx::flush({value})' if ftz and to == 'f32' else value)

    def do_ld(self, base, operands):
        self.take('volatile')  # to be seen by the host: every access here is
        space = self.take(*SPACES)
        self.take('nc')
        self.take(*('ca cg cs lu cv' if base == 'ld' else 'wb cg cs wt').split())
        vector, kind = self.take('v2', 'v4', 'v8'), self.type()
        address, values = operands if base == 'st' else operands[::-1]
        values = values if isinstance(values, list) else [values]
        size, c = SIZE[kind] * len(values), c_type(kind, base == 'ld')
        if len(values) != int((vector or 'v1')[1:]) or kind == 'pred':
            self.fail('wrong number of values')
        if space == 'param' and address[1] in self.variables:
            if not 0 <= address[2] <= self.variables[address[1]][1] - size:
                self.fail(f'beyond the {self.variables[address[1]][1]} bytes of {address[1]}')
            where = f'reinterpret_cast<void *>({self.address(address)})'
        elif space == 'param' and (base == 'st' or not self.kernel):
            self.fail('address of a parameter of a function')
        else:
            where = self.access(space, 'READ' if base == 'ld' else 'WRITE', address, size)
        return f'{c} *m = static_cast<{c} *>({where}); ' + ' '.join(
            self.set(v, kind, f'm[{i}]') if base == 'ld' else f'm[{i}] = {self.value(v, kind)};'
            for i, v in enumerate(values))

    do_st = do_ld

    def do_atom(self, base, operands):
        self.take('relaxed')
        self.take('cta', 'gpu', 'sys')
        space = self.take('global', 'shared')
        how, kind = self.must(*ATOMIC), self.type()
        to, address, *sources = operands if base == 'atom' else ['_'] + operands
        c = c_type(kind, True)
        if (kind in FLOAT and how not in ('add', 'exch')) or len(sources) != 1 + (how == 'cas'):
            self.fail('not for this type, or wrong operands')
        update = 'ptx::flush(ptx::flush(old) + ptx::flush(b))' \
            if (kind, how, space) == ('f32', 'add', 'global') else ATOMIC[how]
        values = [f'const {c} {n} = {self.value(s, kind, True)};' for n, s in zip('bc', sources)]
        return (' '.join(values) + f' {c} *m = static_cast<{c} *>('
                f'{self.access(space, "ATOMIC", address, SIZE[kind])}); '
                f'const {c} old = *m; *m = {c}({update}); ' + self.set(to, kind, 'old'))

    do_red = do_atom

    def do_bar(self, base, operands):
        if base == 'bar' and self.take('warp') and self.must('sync'):
            mask = self.value(operands[0], 'b32')
            return f'emulation::warp("__syncwarp", {mask}, true, *({self.where()}));'
        self.must('sync')
        self.take('aligned')
        if operands != ['0']:
            self.fail('only barrier 0 of all threads is known')
        return f'emulation::barrier(*({self.where()}));'

    do_barrier = do_bar

    def do_membar(self, base, _):
        if base == 'fence':
            self.take('sc', 'acq_rel')
        return '' if self.must('cta', 'gl', 'gpu', 'sys') == 'cta' else 'ptx::fence();'

    do_fence = do_membar

    def do_shfl(self, _, operands):
        self.must('sync')
        mode, kind = self.must('up', 'down', 'bfly', 'idx'), self.type('b32')
        to, *sources = operands
        a, b, c, mask = (self.value(s, kind) for s in sources)
        code = (f"bool inside; const uint32_t got = ptx::shfl('{mode[0]}', {a}, {b}, {c}, {mask}, "
                f'inside, {self.where()}); ')
        return code + (self.set(to[1], kind, 'got') + ' ' + self.set(to[2], 'pred', 'inside')
                       if to[0] == '|' else self.set(to, kind, 'got'))

    def do_vote(self, _, operands):
        self.must('sync')
        mode = self.must('any', 'all', 'uni', 'ballot')
        to, p, mask = operands
        result = {'ballot': 'ballot', 'any': 'ballot != 0', 'all': 'ballot == mask',
                  'uni': 'ballot == 0 || ballot == mask'}[mode]
        return (f'const uint32_t mask = {self.value(mask, "b32")}, ballot = emulation::vote('
                f'"vote.sync", mask, {self.value(p, "pred")}, *({self.where()})); '
                + self.set(to, self.type('b32' if mode == 'ballot' else 'pred'), result))

    def do_bra(self, _, operands):
        self.take('uni')
        return f'goto {name_of(operands[0])};'

    def do_brx(self, _, operands):
        self.must('idx')
        self.take('uni')
        cases = ' '.join(f'case {i}: goto {name_of(target)};'
                         for i, target in enumerate(self.targets[operands[1]]))
        return (f'switch ({self.value(operands[0], "u32")}) {{ {cases} }} '
                f'ptx::trap("index beyond the branch targets", {self.where()});')

    def do_call(self, _, operands):
        self.take('uni')
        results = operands.pop(0) if isinstance(operands[0], list) else []
        name, passed = operands[0], operands[1] if operands[1:] else []
        if name not in self.functions:
            self.fail(f'function {name} is unknown here')
        pointers = [f'reinterpret_cast<char *>({self.symbol(a)}), ' for a in results + passed]
        return f'char *passed[] = {{{"".join(pointers)}nullptr}}; {name_of(name)}(passed);'

    def do_ret(self, base, _):
        self.take('uni')
        return 'return;' if base == 'ret' or self.kernel else self.fail('only in kernels')

    do_exit = do_ret

    def do_trap(self, _, __):
        return f'ptx::trap("trap", {self.where()});'

    def tile(self, place, *_):
        """Where a fragment's matrix begins; for who wants to know of it."""
        return place

    def do_wmma(self, _, operands):
        what = self.must('load', 'store', 'mma')
        part = {'load': 'abc', 'store': 'd', 'mma': ''}[what]
        part = self.must(*part) if part else ''
        self.must('sync')
        self.must('aligned')
        by_columns = self.must('row', 'col') == 'col'
        if what == 'mma':
            self.must('row', 'col')
        self.must('m16n16k8')
        if what == 'mma':
            for kind in ('f32', 'tf32', 'tf32', 'f32'):
                self.type(kind)
            a, b, c = (', '.join(self.value(v, k) for v in fragment)
                       for fragment, k in zip(operands[1:], ('b32', 'b32', 'f32')))
            if [len(fragment) for fragment in operands] != [8, 4, 4, 8]:
                self.fail('wrong number of registers')
            return (f'float d[8]; const uint32_t a[] = {{{a}}}, b[] = {{{b}}}; const float c[] = '
                    f'{{{c}}}; ptx::wmma_mma(d, a, b, c, {self.where()}); '
                    + ' '.join(self.set(v, 'f32', f'd[{i}]') for i, v in enumerate(operands[0])))
        space = (self.take('global', 'shared') or 'generic').upper()
        self.type('tf32' if part in ('a', 'b') else 'f32')
        fragment, address = operands[:2] if what == 'load' else operands[1::-1]
        rows, columns = {'a': (16, 8), 'b': (8, 16)}.get(part, (16, 16))
        stride = self.value(operands[2], 'u32') if operands[2:] else rows if by_columns else columns
        if len(fragment) != rows * columns // 32:
            self.fail('wrong number of registers')
        place = self.tile(self.address(address), rows, columns, stride, by_columns)
        tail = (f'{"true" if by_columns else "false"}, ptx::{space}, {place}, '
                f'{stride}, {self.where()});')
        if what == 'store':
            values = ', '.join(self.value(v, 'b32') for v in fragment)
            return f'const uint32_t m[] = {{{values}}}; ptx::wmma_store(m, {tail}'
        return (f'uint32_t m[8]; ptx::wmma_load(m, {rows}, {columns}, {tail} '
                + ' '.join(self.set(v, 'b32', f'm[{i}]') for i, v in enumerate(fragment)))

"""translate.py IN.ptx OUT.cpp - makes C++ (for ptx.h) of the PTX that nvcc emits.

Registers become variables, labels labels, each instruction a statement or a block. Whatever is not
known here (instruction, modifier, type, directive, special register) is an error that names its
line: nothing is ever skipped that could mean something.
"""
import sys

SIZE = {'pred': 1, 'b8': 1, 'u8': 1, 's8': 1, 'b16': 2, 'u16': 2, 's16': 2, 'b32': 4, 'u32': 4,
        's32': 4, 'f32': 4, 'tf32': 4, 'b64': 8, 'u64': 8, 's64': 8, 'f64': 8}
FLOAT = {'f32': 'float', 'f64': 'double'}
ROUND = {'rn': 'FE_TONEAREST', 'rz': 'FE_TOWARDZERO', 'rm': 'FE_DOWNWARD', 'rp': 'FE_UPWARD'}
SPECIAL = {'%laneid': 'emulation::lane()', '%warpid': '(emulation::thread() / 32)', 'WARP_SZ': '32u',
           '%lanemask_eq': '(1u << emulation::lane())',
           '%lanemask_lt': '((1u << emulation::lane()) - 1)',
           '%lanemask_le': '((2u << emulation::lane()) - 1)',
           '%lanemask_ge': '(0u - (1u << emulation::lane()))',
           '%lanemask_gt': '(0u - (2u << emulation::lane()))'}
for special, variable in (('tid', 'threadIdx'), ('ntid', 'blockDim'), ('ctaid', 'blockIdx'),
                          ('nctaid', 'gridDim')):
    for axis in 'xyz':
        SPECIAL[f'%{special}.{axis}'] = f'{variable}.{axis}'
COMPARE = {'eq': '==', 'ne': '!=', 'lt': '<', 'le': '<=', 'gt': '>', 'ge': '>=',
           'lo': '<', 'ls': '<=', 'hi': '>', 'hs': '>='}
INVERSE = {'equ': '!=', 'neu': '==', 'ltu': '>=', 'leu': '>', 'gtu': '<=', 'geu': '<'}
UPDATE = {'add': 'old + b', 'min': 'b < old ? b : old', 'max': 'old < b ? b : old', 'exch': 'b',
          'and': 'old & b', 'or': 'old | b', 'xor': 'old ^ b', 'cas': 'old == b ? c : old',
          'inc': 'old >= b ? 0 : old + 1', 'dec': 'old == 0 || old > b ? b : old - 1'}
# Of floats; with rounding modes and operands: instruction, modifiers that may come, expression.
FLOATS = {'add': ('rn rz rm rp', '+', '{0} + {1}'), 'sub': ('rn rz rm rp', '-', '{0} - {1}'),
          'mul': ('rn rz rm rp', '*', '{0} * {1}'), 'div': ('rn rz rm rp approx full', '/', '{0} / {1}'),
          'fma': ('rn rz rm rp', 'f', '__builtin_fma{f}({0}, {1}, {2})'),
          'rcp': ('rn rz rm rp approx', '1', '1 / {0}'),
          'sqrt': ('rn rz rm rp approx', 'q', '__builtin_sqrt{f}({0})'),
          'ex2': ('approx', '', 'ptx::once(exp2, {0})'), 'lg2': ('approx', '', 'ptx::once(log2, {0})'),
          'rsqrt': ('approx', '', 'ptx::once(ptx::rsqrt, {0})'),
          'sin': ('approx', '', 'ptx::once(sin, {0})'), 'cos': ('approx', '', 'ptx::once(cos, {0})'),
          'tanh': ('approx', '', 'ptx::once(tanh, {0})'), 'abs': ('', '', '__builtin_fabs{f}({0})'),
          'neg': ('', '', '-{0}'), 'min': ('', '', 'ptx::least({0}, {1}, {nan})'),
          'max': ('', '', 'ptx::most({0}, {1}, {nan})'), 'copysign': ('', '', '__builtin_copysign{f}({1}, {0})')}
# Of integers. U: unsigned arithmetic, which wraps around.
INTEGERS = {'add': '{0} + {1}', 'sub': '{0} - {1}', 'neg': '0 - {0}', 'and': '{0} & {1}',
            'or': '{0} | {1}', 'xor': '{0} ^ {1}', 'not': '~{0}', 'mul.lo': '{0} * {1}',
            'mad.lo': '{0} * {1} + {2}', 'popc': 'ptx::popc({0})', 'clz': 'ptx::clz({0})',
            'brev': 'ptx::brev({0})'}
SIGNED = {'min': '{0} < {1} ? {0} : {1}', 'max': '{0} > {1} ? {0} : {1}',
          'abs': '{0} < 0 ? 0 - {u0} : {u0}',
          'div': 'ptx::divide({0}, {1}, false, {at})', 'rem': 'ptx::divide({0}, {1}, true, {at})',
          'mul.hi': 'ptx::mul_hi({0}, {1})', 'mad.hi': 'ptx::mul_hi({0}, {1}) + {2}'}


class Error(Exception):
    pass


def c_type(kind, signed=False):
    if kind == 'pred':
        return 'bool'
    return FLOAT.get(kind) or f'{"" if signed and kind[0] == "s" else "u"}int{8 * SIZE[kind]}_t'


def name_of(name):
    for bad, good in (('%', 'r_'), ('$', 's_'), ('.', 'd_')):
        name = name.replace(bad, good)
    return 'v_' + name


def tokens_of(text):
    """(token, line) of a text: words, strings, and single characters."""
    tokens, at, line, end = [], 0, 1, len(text)
    while at < end:
        c = text[at]
        start = at
        if c == '\n':
            line += 1
        if c.isspace():
            at += 1
        elif text.startswith('//', at):
            at = text.find('\n', at) if '\n' in text[at:at + 4096] else text.index('\n', at)
        elif text.startswith('/*', at):
            at = text.index('*/', at) + 2
            line += text.count('\n', start, at)
        elif c == '"':
            at = text.index('"', at + 1) + 1
            tokens.append((text[start:at], line))
        elif c.isalnum() or c in '_$%.':
            while at < end and (text[at].isalnum() or text[at] in '_$%.' or text.startswith('::', at)
                                or text.startswith('::', at - 1)):
                at += 1
            tokens.append((text[start:at], line))
        else:
            tokens.append((c, line))
            at += 1
    return tokens


class Translator:
    def __init__(self, file, text):
        self.file, self.tokens, self.at, self.line = file, tokens_of(text), 0, 1
        self.files, self.places, self.place = {}, {}, None
        self.variables, self.functions, self.out, self.prototypes, self.tables = {}, {}, [], [], []

    # --- tokens ---

    def peek(self):
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ''

    def next(self, wanted=None):
        if self.at == len(self.tokens):
            raise Error('the file ends too early')
        token, self.line = self.tokens[self.at]
        if wanted and token != wanted:
            raise Error(f'{wanted} expected, not {token}')
        self.at += 1
        return token

    def accept(self, token):
        if self.peek() == token:
            self.next()
            return True
        return False

    def rest_of_line(self):
        got, line = [], self.line
        while self.at < len(self.tokens) and self.tokens[self.at][1] == line:
            got.append(self.next())
        return got

    def number(self):
        text = self.next()
        if text == '-':
            return -self.number()
        try:
            return int(text.rstrip('U'), 0)
        except ValueError:
            raise Error(f'a number expected, not {text}') from None

    # --- the module ---

    def module(self):
        while self.peek():
            word = self.next()
            if word in ('.version', '.target', '.address_size'):
                self.rest_of_line()
            elif word == '.file':
                self.source_file()
            elif word == '.section':
                self.next()
                self.next('{')
                while self.next() != '}':
                    pass
            elif word in ('.visible', '.weak', '.extern'):
                continue
            elif word in ('.entry', '.func'):
                self.function(word == '.entry')
            elif word in ('.global', '.const', '.shared'):
                self.variable(word[1:], True)
            else:
                raise Error(f'unknown directive {word}')
        for name, (line, defined) in self.functions.items():
            if not defined:
                self.line = line
                raise Error(f'function {name} has no body')

    def source_file(self):
        number, name = self.rest_of_line()[:2]
        self.files[int(number)] = name

    def variable(self, space, of_module):
        """[.align n] .type name[count] [= initialiser] ;"""
        align = self.number() if self.accept('.align') else None
        kind = self.kind(self.next()[1:])
        align = align or SIZE[kind]
        name, count, unsized = self.next(), 1, False
        if self.accept('['):
            unsized = self.accept(']')
            if not unsized:
                count = self.number()
                self.next(']')
        if '<' == self.peek() or '[' == self.peek():
            raise Error(f'variable {name}: such a declaration is not supported')
        values = []
        if self.accept('='):
            several = self.accept('{')
            while True:
                values.append(self.literal(self.next(), kind))
                if not (several and self.accept(',')):
                    break
            if several:
                self.next('}')
        self.next(';')
        size, c_name = count * SIZE[kind], name_of(name)
        if space == 'shared' and align > 16:
            raise Error(f'variable {name}: shared arrays are aligned to 16 bytes at most')
        if space == 'shared':
            if unsized:
                self.variables[name] = ('shared', 0, '0u', 0)
                return ''
            self.variables[name] = ('shared', size, c_name, 0)
            self.tables.append(f'static char key_{c_name}; /* {size} bytes */')
            return ''
        self.variables[name] = (space, size, f'uint64_t({c_name})', 0)
        if not of_module:
            return f'alignas({max(align, 8)}) char {c_name}[{size}];'
        self.tables.append(
            f'alignas({max(align, 8)}) static {c_type(kind)} {c_name}[{count}] = '
            f'{{{", ".join(values)}}};\n'
            f'static ptx::Variable variable_{c_name}(reinterpret_cast<char *>({c_name}), {size}, '
            f'"{name}", {str(space == "const").lower()});')
        return ''

    def kind(self, kind):
        if kind not in SIZE:
            raise Error(f'unknown type .{kind}')
        return kind

    def parameter(self):
        """.param [.align n] .type [.ptr ..] name[count]: name and size"""
        self.next('.param')
        if self.accept('.align'):
            self.number()
        size = SIZE[self.kind(self.next()[1:])]
        if self.accept('.ptr'):
            self.accept('.global')
            if self.accept('.align'):
                self.number()
        name = self.next()
        if self.accept('['):
            size *= self.number()
            self.next(']')
        return name, size

    def parameters(self):
        found = []
        if self.accept('('):
            while not self.accept(')'):
                found.append(self.parameter())
                self.accept(',')
        return found

    def function(self, kernel):
        results = [] if kernel else self.parameters()
        name, declared, most = self.next(), self.line, [0, 0, 0]
        parameters = self.parameters()
        while self.peek() not in '{;':
            word = self.next()
            if word == '.maxntid':
                most = [self.number()]
                while self.accept(','):
                    most.append(self.number())
                most += [1] * (3 - len(most))
            elif word == '.minnctapersm' or word == '.maxnreg':
                self.number()
            else:
                raise Error(f'unknown directive {word}')
        c_name = name_of(name)
        head = (f'static void {c_name}(char **parameters)')
        self.prototypes.append(head + ';')
        if self.accept(';'):
            self.functions.setdefault(name, (declared, kernel))
            return
        self.functions[name] = (declared, True)
        self.registers, self.used, self.kernel = {}, {}, kernel
        self.shared_used, self.targets, self.place = {}, {}, None
        outer = dict(self.variables)
        for i, (parameter, size) in enumerate(results + parameters):
            self.variables[parameter] = ('param', size, f'uint64_t(parameters[{i}])', 0)
        self.next('{')
        body = self.body()
        self.variables = {k: v for k, v in self.variables.items() if k in outer}
        lines = [head, '{']
        lines += [f'    {kind} {register};' for register, kind in self.used.items()]
        lines += [f'    const uint32_t {c} = ptx::shared(&key_{c}, {size}, "{n}");'
                  for n, (c, size) in self.shared_used.items()]
        self.out += lines + body + ['}']
        if kernel:
            sizes = ''.join(f'{size}, ' for _, size in parameters)
            self.out.append(
                f'static const size_t sizes_{c_name}[] = {{{sizes}0}};\n'
                f'static ptx::Kernel kernel_{c_name} = {{"{name}", {c_name}, sizes_{c_name}, '
                f'{{{most[0]}, {most[1]}, {most[2]}}}, "{self.file}", nullptr}};\n'
                f'static ptx::Register register_{c_name}(kernel_{c_name});')

    # --- bodies ---

    def body(self, depth=1):
        """Up to the closing brace."""
        lines, last = [], True
        scoped = {}
        while True:
            word = self.next()
            if word == '}':
                if last and lines:
                    lines.append(';')
                for register, old in scoped.items():
                    del self.registers[register]
                    if old:
                        self.registers[register] = old
                return lines
            last = False
            if word == '{':
                lines += ['{'] + self.body(depth + 1) + ['}']
            elif word == '.reg':
                lines += self.declare_registers(scoped, depth)
            elif word in ('.shared', '.local', '.param'):
                line = self.variable(word[1:], False)
                if word == '.local':
                    c = line.split()[2].split('[')[0]
                    lines.append(f'{line} ptx::Frame frame_{c}({c}, sizeof {c});')
                elif line:
                    lines.append(line)
            elif word == '.loc':
                self.place = [int(n) for n in self.rest_of_line() if n.isdigit()]
            elif word == '.pragma':
                while self.next() != ';':
                    pass
            elif self.peek() == ':' and word[0] not in '.@':
                self.next()
                if self.accept('.branchtargets'):
                    self.targets[word] = self.operands()
                else:
                    lines.append(f'{name_of(word)}:')
                    last = True
            elif word[0] == '.':
                raise Error(f'unknown directive {word}')
            else:
                lines.append(self.statement(word))

    def declare_registers(self, scoped, depth):
        kind = self.kind(self.next()[1:])
        c, lines = c_type(kind), []
        while True:
            name = self.next()
            if self.accept('<'):
                for i in range(self.number()):
                    self.registers[f'{name}{i}'] = (kind, True)
                self.next('>')
            elif depth == 1:
                self.registers[name] = (kind, True)
            else:
                scoped[name] = self.registers.get(name)
                self.registers[name] = (kind, False)
                lines.append(f'{c} {name_of(name)};')
            if not self.accept(','):
                break
        self.next(';')
        return lines

    def statement(self, word):
        guard = ''
        if word == '@':
            negated = self.accept('!')
            guard = f'if ({"!" if negated else ""}{self.value(self.next(), "pred")}) '
            word = self.next()
        self.instruction, line = word, self.line
        self.parts = word.split('.')
        base = self.parts.pop(0)
        handler = getattr(self, 'do_' + base, None)
        if not handler and (base in FLOATS or base in INTEGERS or base in SIGNED or base == 'mad'):
            handler = self.arithmetic
        if not handler:
            raise Error(f'unknown instruction {word}')
        operands = self.operands()
        self.line = line
        try:
            code = handler(base, operands)
        except (IndexError, ValueError, TypeError, AttributeError, KeyError):
            raise Error(f'{word}: its operands are not understood') from None
        if self.parts:
            raise Error(f'{word}: unknown modifier .{self.parts[0]}')
        return f'{guard}{{ {code} }}'

    def operands(self):
        """Up to the semicolon: words, [address] as ('[', base, offset), {..} and (..) as lists."""
        found = []
        while not self.accept(';'):
            found.append(self.operand())
            if self.accept('|'):
                found[-1] = ('|', found[-1], self.operand())
            self.accept(',')
        return found

    def operand(self):
        word = self.next()
        if word in '{(':
            close, inside = {'{': '}', '(': ')'}[word], []
            while not self.accept(close):
                inside.append(self.operand())
                self.accept(',')
            return inside
        if word == '[':
            base, offset = self.next(), 0
            if self.accept('+'):
                offset = self.number()
            self.next(']')
            return ('[', base, offset)
        if word in '-!':
            return word + self.next()
        if not (word[0].isalnum() or word[0] in '_$%'):
            raise Error(f'{self.instruction}: operand {word} is not understood')
        return word

    def take(self, *choices):
        return self.parts.pop(0) if self.parts and self.parts[0] in choices else None

    def must(self, *choices):
        return self.take(*choices) or self.fail(f'one of .{", .".join(choices)} is missing')

    def fail(self, what):
        raise Error(f'{self.instruction}: {what}')

    def type(self, *allowed):
        kind = self.parts.pop(0) if self.parts else self.fail('its type is missing')
        if kind not in (allowed or SIZE):
            self.fail(f'unknown modifier or type .{kind}')
        return kind

    # --- values ---

    def literal(self, word, kind):
        """A number as C++, in the bits that its type has."""
        sign, digits = ('-', word[1:] or self.next()) if word[0] == '-' else ('', word)
        if digits[:2].lower() in ('0f', '0d') and len(digits) == {'f': 10, 'd': 18}[digits[1].lower()]:
            value = int(digits[2:], 16)
            if kind in FLOAT:
                return f'__builtin_bit_cast({FLOAT[kind]}, uint{4 * len(digits) - 8}_t({value}u))'
        else:
            value = int(digits.rstrip('U'), 0)
            if kind in FLOAT:
                raise Error(f'{word} for a number of type {kind}')
        if kind == 'pred':
            return 'true' if value else 'false'
        value = (-value if sign else value) & (1 << 8 * SIZE[kind]) - 1
        return f'{c_type(kind, True)}({value}ull)'

    def register(self, name):
        kind, tracked = self.registers[name]
        if tracked:
            self.used[name_of(name)] = c_type(kind)
        return kind

    def value(self, word, kind, signed=False):
        """An operand as C++ of its instruction's type."""
        if kind == 'pred' and word[0] == '!':
            return '!' + self.value(word[1:], kind)
        c = c_type(kind, signed)
        if word in self.registers:
            own, name = self.register(word), name_of(word)
            if (own == 'pred') != (kind == 'pred') or SIZE[own] < SIZE[kind]:
                self.fail(f'register {word} is of type {own}')
            if own in FLOAT and kind not in FLOAT:
                return f'{c}(__builtin_bit_cast(uint{8 * SIZE[own]}_t, {name}))'
            if kind in FLOAT and own != kind:
                if SIZE[own] != SIZE[kind]:
                    self.fail(f'register {word} is of type {own}')
                return f'__builtin_bit_cast({c}, {name})'
            return name if c == c_type(own) else f'{c}({name})'
        if word in SPECIAL:
            return f'{c}({SPECIAL[word]})'
        if word in self.variables:
            return f'{c}({self.symbol(word)})'
        if word[0] == '%':
            raise Error(f'{self.instruction}: unknown special register {word}')
        if not (word[0].isdigit() or word[0] == '-'):
            raise Error(f'{self.instruction}: unknown name {word}')
        return self.literal(word, kind)

    def symbol(self, name):
        space, size, text, _ = self.variables[name]
        if space == 'shared' and text != '0u':
            self.shared_used[name] = (text, size)
        return text

    def set(self, word, kind, expression):
        """word = expression, which is of C++ type kind."""
        if word == '_':
            return f'(void)({expression});'
        if word not in self.registers:
            self.fail(f'{word} is no register')
        own, name = self.register(word), name_of(word)
        if (own == 'pred') != (kind == 'pred') or SIZE[own] < SIZE[kind]:
            self.fail(f'register {word} is of type {own}')
        if (own in FLOAT or kind in FLOAT) and own != kind:
            expression = f'__builtin_bit_cast({c_type(own)}, {c_type(kind)}({expression}))'
        elif SIZE[own] > SIZE[kind] and kind[0] == 's':
            expression = f'{c_type(kind, True)}({expression})'
        elif own != 'pred':
            expression = f'{c_type(kind)}({expression})' if SIZE[own] > SIZE[kind] else expression
        return f'{name} = {expression};'

    def where(self):
        place = tuple(self.place or (0, self.line))
        return f'at + {self.places.setdefault(place, len(self.places))}'

    def place_text(self, file, line, column=0, *caller):
        """As C++; for what is inlined from the toolkit's headers, the caller's."""
        if caller and '/include/' in self.files[file]:
            file, line = caller[:2]
        return f'    {{{self.files[file]}, {line}}}'

    def address(self, operand):
        _, base, offset = operand
        if base in self.registers:
            own = self.register(base)
            text = name_of(base) if own in ('b64', 'u64', 's64') else f'uint32_t({name_of(base)})'
        elif base in self.variables:
            text = self.symbol(base)
        else:
            text = f'uint64_t({int(base, 0)}ull)'
        return f'{text} + {offset}' if offset else text

    def access(self, space, kind, operand, bytes_, align):
        space = {'': 'generic'}.get(space or '', space or '')
        return (f'ptx::access(ptx::{space.upper()}, ptx::{kind}, {self.address(operand)}, {bytes_}, '
                f'{align}, {self.where()})')

    # --- instructions ---

    def arithmetic(self, base, operands):
        width = self.take('lo', 'hi', 'wide') if base in ('mul', 'mad') else None
        shiftless = base in FLOATS or base == 'mad'
        rounding = self.take(*FLOATS[base][0].split()) if base in FLOATS else None
        if base == 'mad' and not width:
            base, rounding = 'fma', self.must('rn', 'rz', 'rm', 'rp')
        ftz, nan, sat = self.take('ftz'), self.take('NaN'), self.take('sat')
        kind = self.type()
        destination, sources = operands[0], operands[1:]
        if kind in FLOAT:
            return self.floating(base, kind, rounding, ftz, nan, sat, destination, sources)
        if not shiftless and base not in INTEGERS and base not in SIGNED or rounding or ftz or nan or sat:
            self.fail('unknown modifier')
        if (base in ('mul', 'mad')) != bool(width):
            self.fail('.lo, .hi or .wide is missing')
        if width == 'wide':
            wide = kind[0] + str(16 * SIZE[kind])
            a, b = (f'{c_type(wide)}({self.value(s, kind, True)})' for s in sources[:2])
            a = f'{a} * {b}' + (f' + {self.value(sources[2], wide)}' if base == 'mad' else '')
            return self.set(destination, wide, a)
        key = f'{base}.{width}' if width else base
        if kind == 'pred':
            if base not in ('and', 'or', 'xor', 'not'):
                self.fail('not for predicates')
            values = [self.value(s, kind) for s in sources]
            return self.set(destination, kind, INTEGERS[base].replace('~', '!').format(*values))
        if key in INTEGERS:
            values = [self.value(s, kind) for s in sources]
            if SIZE[kind] == 2:
                values = [f'uint32_t({v})' if base == 'mul' or base == 'mad' else v for v in values]
            result = 'b32' if base in ('popc', 'clz') else kind
            return self.set(destination, result, f'{c_type(result)}({INTEGERS[key].format(*values)})')
        if key not in SIGNED:
            self.fail('not for integers')
        values = [self.value(s, kind, True) for s in sources]
        unsigned = {f'u{i}': self.value(s, kind) for i, s in enumerate(sources)}
        return self.set(destination, kind, c_type(kind) + '(' + SIGNED[key].format(
            *values, at=self.where(), **unsigned) + ')')

    def floating(self, base, kind, rounding, ftz, nan, sat, destination, sources):
        if base not in FLOATS or (ftz and kind != 'f32'):
            self.fail('not for this type')
        modes, letter, expression = FLOATS[base]
        if (nan and base not in ('min', 'max')) or (sat and base not in ('add', 'sub', 'mul', 'fma')):
            self.fail('.NaN or .sat is not for this instruction')
        if not rounding and base not in ('add', 'sub', 'mul') and modes:
            self.fail('its rounding is missing')
        values = [self.value(s, kind) for s in sources]
        if ftz:
            values = [f'ptx::flush({v})' for v in values]
        if rounding in ('rz', 'rm', 'rp'):
            if letter == '-':
                letter, values[1] = '+', '-' + values[1]
            if letter == '1':
                letter, values = '/', [f'{c_type(kind)}(1)'] + values
            expression = f"ptx::directed('{letter}', {ROUND[rounding]}, {', '.join(values)})"
        else:
            expression = expression.format(*values, f='f' if kind == 'f32' else '', nan='true' if nan else 'false')
        if sat:
            expression = f'ptx::saturate({expression})'
        if ftz and base != 'copysign':
            expression = f'ptx::flush({expression})'
        return self.set(destination, kind, expression)

    def do_shl(self, base, operands):
        kind = self.type('b16', 'b32', 'b64') if base == 'shl' else self.type()
        value = self.value(operands[1], kind, True)
        return self.set(operands[0], kind, f'{c_type(kind)}(ptx::{base}({value}, '
                        f'{self.value(operands[2], "u32")}))')

    do_shr = do_shl

    def do_mov(self, _, operands):
        kind = self.type()
        to, source = operands
        if isinstance(to, list) or isinstance(source, list):
            pack = source if isinstance(source, list) else to
            bits = 8 * SIZE[kind] // len(pack)
            part = f'b{bits}'
            if part not in SIZE or bits * len(pack) != 8 * SIZE[kind]:
                self.fail('such a vector is not supported')
            if pack is source:
                parts = [f'{c_type(kind)}({self.value(s, part)}) << {bits * i}'
                         for i, s in enumerate(pack)]
                return self.set(to, kind, ' | '.join(parts))
            whole = self.value(source, kind)
            return f'const {c_type(kind)} whole = {whole}; ' + ' '.join(
                self.set(s, part, f'{c_type(part)}(whole >> {bits * i})') for i, s in enumerate(pack))
        return self.set(to, kind, self.value(source, kind))

    def do_selp(self, _, operands):
        kind = self.type()
        to, a, b, p = operands
        return self.set(to, kind, f'{self.value(p, "pred")} ? {self.value(a, kind)} : '
                        f'{self.value(b, kind)}')

    def do_setp(self, _, operands):
        compare = self.must(*COMPARE, *INVERSE, 'num', 'nan')
        combine, ftz = self.take('and', 'or', 'xor'), self.take('ftz')
        kind = self.type()
        a, b = (self.value(s, kind, True) for s in operands[1:3])
        if ftz:
            a, b = f'ptx::flush({a})', f'ptx::flush({b})'
        if compare in ('lo', 'ls', 'hi', 'hs') and kind in FLOAT or \
                compare not in COMPARE and kind not in FLOAT:
            self.fail('not for this type')
        if compare == 'ne' and kind in FLOAT:  # of numbers only
            text = f'({a} < {b} || {a} > {b})'
        elif compare in COMPARE:
            text = f'{a} {COMPARE[compare]} {b}'
        elif compare in INVERSE:  # true where one is NaN, but equ is not the inverse of an order
            text = f'!({a} {INVERSE[compare]} {b})'
            if compare == 'equ':
                text = f'!({a} < {b} || {a} > {b})'
            elif compare == 'neu':
                text = f'!({a} == {b})'
        else:
            text = f'{a} == {a} && {b} == {b}'
            text = text if compare == 'num' else f'!({text})'
        targets = operands[0][1:] if isinstance(operands[0], tuple) else [operands[0]]
        sign, other = {'and': '&', 'or': '|', 'xor': '^'}.get(combine), None
        if combine:
            other = self.value(operands[3], 'pred')
        elif len(operands) != 3:
            self.fail('too many operands')
        code = f'const bool is = {text}; '
        if other:
            code += f'const bool other = {other}; '
        for target, this in zip(targets, ('is', '!is')):
            code += self.set(target, 'pred', f'({this}) {sign} other' if other else this)
        return code

    def do_cvt(self, _, operands):
        rounding = self.take('rn', 'rz', 'rm', 'rp', 'rni', 'rzi', 'rmi', 'rpi', 'rna')
        ftz, sat = self.take('ftz'), self.take('sat')
        to, source = self.type(), self.type()
        value = self.value(operands[1], source, True)
        c = c_type(to, True)
        if ftz and source == 'f32':
            value = f'ptx::flush({value})'
        if to == 'tf32':
            if rounding != 'rna' or source != 'f32':
                self.fail('only .rna.tf32.f32 is known')
            return self.set(operands[0], 'b32', f'ptx::tf32({value})')
        integral = {'rni': 'FE_TONEAREST', 'rzi': 'FE_TOWARDZERO', 'rmi': 'FE_DOWNWARD',
                    'rpi': 'FE_UPWARD'}.get(rounding)
        if source in FLOAT and (to not in FLOAT or to == source and rounding):
            if not integral:
                self.fail('.rni, .rzi, .rmi or .rpi is missing')
            value = f"ptx::directed('i', {integral}, {value})"
            if to not in FLOAT:
                value = f'ptx::to_integer<{c}>({value})'
        elif to in FLOAT and source != to:
            narrows = (source, to) != ('f32', 'f64')
            exact = not rounding and not narrows
            if not exact and rounding not in ROUND or rounding and not narrows:
                self.fail('.rn, .rz, .rm or .rp is missing or too much')
            value = f'{c}({value})'
            if rounding in ('rz', 'rm', 'rp'):
                value = f'ptx::convert<{c}>({ROUND[rounding]}, {self.value(operands[1], source, True)})'
        elif rounding:
            self.fail(f'.{rounding} is not for these types')
        elif to not in FLOAT and sat:
            value, sat = f'ptx::clamp<{c}>({value})', None
        if sat and to in FLOAT:
            value = f'ptx::saturate({value})'
        if ftz and to == 'f32':
            value = f'ptx::flush({value})'
        return self.set(operands[0], to, f'{c}({value})' if to not in FLOAT else value)

    def do_cvta(self, _, operands):
        back, space, kind = self.take('to'), self.must('global', 'shared', 'local', 'const', 'param'), \
            self.type('u64')
        value = self.value(operands[1], kind)
        if space == 'shared':
            value = f'ptx::{"generic_to_shared" if back else "shared_to_generic"}({value})'
        return self.set(operands[0], kind, value)

    def do_ld(self, base, operands):
        space = self.take('global', 'shared', 'local', 'const', 'param')
        self.take('nc')
        self.take('ca', 'cg', 'cs', 'lu', 'cv') if base == 'ld' else self.take('wb', 'cg', 'cs', 'wt')
        vector, kind = self.take('v2', 'v4', 'v8'), self.type()
        address, values = operands if base == 'st' else operands[::-1]
        values = values if isinstance(values, list) else [values]
        if len(values) != int((vector or 'v1')[1:]) or kind == 'pred':
            self.fail('wrong number of values')
        size, c = SIZE[kind], c_type(kind, base == 'ld')
        bytes_ = size * len(values)
        if space == 'param' and address[1] in self.variables:
            _, whole, _, _ = self.variables[address[1]]
            if address[2] < 0 or address[2] + bytes_ > whole:
                self.fail(f'beyond the {whole} bytes of {address[1]}')
            where = f'reinterpret_cast<void *>({self.address(address)})'
        elif space == 'param' and (base == 'st' or not self.kernel):
            self.fail('address of a parameter of a function')
        else:
            where = self.access(space, 'READ' if base == 'ld' else 'WRITE', address, bytes_, bytes_)
        code = f'{c} *m = static_cast<{c} *>({where}); '
        if base == 'st':
            return code + ' '.join(f'm[{i}] = {self.value(v, kind)};' for i, v in enumerate(values))
        return code + ' '.join(self.set(v, kind, f'm[{i}]') for i, v in enumerate(values))

    do_st = do_ld

    def do_atom(self, base, operands):
        self.take('relaxed')
        self.take('cta', 'gpu', 'sys')
        space = self.take('global', 'shared')
        self.take('cta', 'gpu', 'sys')
        how, kind = self.must(*UPDATE), self.type()
        if base == 'red':
            operands = ['_'] + operands
        to, address, *sources = operands
        c = c_type(kind, True)
        if kind in FLOAT and how not in ('add', 'exch') or len(sources) != 1 + (how == 'cas'):
            self.fail('not for this type, or wrong operands')
        update = UPDATE[how]
        if kind == 'f32' and how == 'add' and space == 'global':
            update = 'ptx::flush(ptx::flush(old) + ptx::flush(b))'
        code = ''.join(f'const {c} {n} = {self.value(s, kind, True)}; ' for n, s in zip('bc', sources))
        code += (f'{c} *m = static_cast<{c} *>('
                 f'{self.access(space, "ATOMIC", address, SIZE[kind], SIZE[kind])}); '
                 f'const {c} old = *m; *m = {c}({update}); ')
        return code + self.set(to, kind, 'old')

    do_red = do_atom

    def do_bar(self, base, operands):
        if base == 'bar' and self.take('warp'):
            self.must('sync')
            return f'emulation::warp("__syncwarp", {self.value(operands[0], "b32")}, true, *({self.where()}));'
        self.must('sync')
        self.take('aligned')
        if operands != ['0']:
            self.fail('only barrier 0 of all threads is known')
        return f'emulation::barrier(*({self.where()}));'

    do_barrier = do_bar

    def do_membar(self, base, _):
        if base == 'fence':
            self.take('sc', 'acq_rel')
        scope = self.must('cta', 'gl', 'sys') if base == 'membar' else self.must('cta', 'gpu', 'sys')
        return '' if scope == 'cta' else 'ptx::fence();'

    do_fence = do_membar

    def do_shfl(self, _, operands):
        self.must('sync')
        mode = self.must('up', 'down', 'bfly', 'idx')
        kind = self.type('b32')
        targets = operands[0][1:] if isinstance(operands[0], tuple) else [operands[0]]
        a, b, c, mask = (self.value(s, kind) for s in operands[1:5])
        code = (f"bool inside; const uint32_t got = ptx::shfl('{mode[0]}', {a}, {b}, {c}, {mask}, "
                f'inside, {self.where()}); {self.set(targets[0], kind, "got")}')
        return code + (' ' + self.set(targets[1], 'pred', 'inside') if targets[1:] else '')

    def do_vote(self, _, operands):
        self.must('sync')
        mode = self.must('any', 'all', 'uni', 'ballot')
        kind = self.type('b32' if mode == 'ballot' else 'pred')
        to, p, mask = operands
        result = {'ballot': 'ballot', 'any': 'ballot != 0', 'all': 'ballot == mask',
                  'uni': 'ballot == 0 || ballot == mask'}[mode]
        return (f'const uint32_t mask = {self.value(mask, "b32")}; const uint32_t ballot = '
                f'emulation::vote("vote.sync", mask, {self.value(p, "pred")}, *({self.where()})); '
                + self.set(to, kind, result))

    def do_activemask(self, _, operands):
        return self.set(operands[0], self.type('b32'), 'emulation::live_lanes()')

    def helper(self, base, operands, kinds, extra='', result=None):
        values = [self.value(s, k, True) for s, k in zip(operands[1:], kinds)]
        if len(values) != len(kinds) or len(operands) != len(kinds) + 1:
            self.fail('wrong number of operands')
        kind = result or kinds[0]
        return self.set(operands[0], kind, f'{c_type(kind)}(ptx::{base}({extra}{", ".join(values)}))')

    def do_bfe(self, base, operands):
        kind = self.type('u32', 's32', 'u64', 's64')
        return self.helper(base, operands, [kind, 'u32', 'u32'])

    def do_bfi(self, base, operands):
        kind = self.type('b32', 'b64')
        return self.helper(base, operands, [kind, kind, 'u32', 'u32'])

    def do_bfind(self, _, operands):
        amount, kind = self.take('shiftamt'), self.type('u32', 's32', 'u64', 's64')
        return self.set(operands[0], 'u32', f'ptx::bfind({self.value(operands[1], kind, True)}, '
                        f'{"true" if amount else "false"})')

    def do_prmt(self, base, operands):
        return self.helper(base, operands, [self.type('b32')] * 3)

    def do_lop3(self, base, operands):
        return self.helper(base, operands, [self.type('b32')] * 4)

    def do_shf(self, base, operands):
        left, wrap = self.must('l', 'r') == 'l', self.must('wrap', 'clamp') == 'wrap'
        return self.helper(base, operands, [self.type('b32')] * 3, f'{int(left)}, {int(wrap)}, ')

    def do_dp4a(self, base, operands):
        a, b = self.type('u32', 's32'), self.type('u32', 's32')
        types = ', '.join(c_type(k[0] + '8', True) for k in (a, b))
        return self.helper(f'{base}<{types}>', operands, ['u32'] * 3)

    def do_bra(self, _, operands):
        self.take('uni')
        return f'goto {name_of(operands[0])};'

    def do_brx(self, _, operands):
        self.must('idx')
        self.take('uni')
        index, table = operands
        if table not in self.targets:
            self.fail(f'unknown list {table}')
        cases = ' '.join(f'case {i}: goto {name_of(t)};' for i, t in enumerate(self.targets[table]))
        return (f'switch ({self.value(index, "u32")}) {{ {cases} }} '
                f'ptx::trap("index beyond the branch targets", {self.where()});')

    def do_call(self, _, operands):
        self.take('uni')
        results = operands.pop(0) if isinstance(operands[0], list) else []
        name, arguments = operands[0], operands[1] if operands[1:] else []
        if name not in self.functions:
            self.fail(f'function {name} is unknown here')
        pointers = [f'reinterpret_cast<char *>({self.symbol(a)})' for a in results + arguments]
        return f'char *passed[] = {{{", ".join(pointers + ["nullptr"])}}}; {name_of(name)}(passed);'

    def do_ret(self, _, operands):
        self.take('uni')
        return 'return;'

    def do_exit(self, _, operands):
        if not self.kernel:
            self.fail('only in kernels')
        return 'return;'

    def do_trap(self, _, operands):
        return f'ptx::trap("trap", {self.where()});'

    def do_wmma(self, _, operands):
        what = self.must('load', 'store', 'mma')
        part = what == 'load' and self.must('a', 'b', 'c') or what == 'store' and self.must('d')
        self.must('sync')
        self.must('aligned')
        layouts = [self.must('row', 'col')]
        if what == 'mma':
            layouts.append(self.must('row', 'col'))
        self.must('m16n16k8')
        if what == 'mma':
            kinds = [self.type() for _ in range(4)]
            d, a, b, c = operands
            if kinds != ['f32', 'tf32', 'tf32', 'f32'] or [len(x) for x in operands] != [8, 4, 4, 8]:
                self.fail('only .f32.tf32.tf32.f32 is known')
            lists = [', '.join(self.value(v, k) for v in x) for x, k in
                     ((a, 'b32'), (b, 'b32'), (c, 'f32'))]
            return (f'float d[8]; const uint32_t a[] = {{{lists[0]}}}, b[] = {{{lists[1]}}}; const float '
                    f'c[] = {{{lists[2]}}}; ptx::wmma_mma(d, a, b, c, {self.where()}); '
                    + ' '.join(self.set(v, 'f32', f'd[{i}]') for i, v in enumerate(d)))
        space = (self.take('global', 'shared') or 'generic').upper()
        self.type('tf32' if part in ('a', 'b') else 'f32')
        fragment, address = operands[:2] if what == 'load' else operands[1::-1]
        rows, columns = {'a': (16, 8), 'b': (8, 16)}.get(part, (16, 16))
        by_columns = 'true' if layouts[0] == 'col' else 'false'
        stride = self.value(operands[2], 'u32') if operands[2:] else \
            f'{columns if layouts[0] == "row" else rows}u'
        if len(fragment) != rows * columns // 32:
            self.fail('wrong number of registers')
        tail = f'{by_columns}, ptx::{space}, {self.address(address)}, {stride}, {self.where()});'
        if what == 'store':
            values = ', '.join(self.value(v, 'b32') for v in fragment)
            return f'const uint32_t m[] = {{{values}}}; ptx::wmma_store(m, {tail}'
        return (f'uint32_t m[8]; ptx::wmma_load(m, {rows}, {columns}, {tail} '
                + ' '.join(self.set(v, 'b32', f'm[{i}]') for i, v in enumerate(fragment)))

    def text(self):
        self.module()
        self.files[0] = f'"{self.file}"'
        places = ',\n'.join(self.place_text(*place) for place in self.places)
        head = ['#include "ptx.h"', f'static const ptx::Where at[] = {{\n{places or "    {nullptr, 0}"}}};']
        return '\n'.join(head + self.tables + self.prototypes + self.out) + '\n'


def main():
    if len(sys.argv) != 3:
        sys.exit('usage: translate.py IN.ptx OUT.cpp')
    with open(sys.argv[1], encoding='utf-8') as file:
        translator = Translator(sys.argv[1], file.read())
    try:
        text = translator.text()
    except Error as error:
        sys.exit(f'{sys.argv[1]}:{translator.line}: {error}')
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(text)


main()

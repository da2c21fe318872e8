"""translate.py IN.ptx OUT.cpp - makes C++ (for ptx.h) of the PTX that nvcc emits.

Registers become variables, labels labels, each instruction a block. Whatever is not known here
(instruction, modifier, type, directive, special register) is an error that names its line: nothing
is skipped that could mean something.
"""
import sys

from instructions import SIZE, Error, Instructions, c_type, name_of


def tokens_of(text):
    """(token, line) of a text: words, strings, and single characters."""
    tokens, at, line = [], 0, 1
    while at < len(text):
        c, start = text[at], at
        if c.isspace():
            line += c == '\n'
            at += 1
        elif text.startswith('//', at):
            at = text.index('\n', at)
        elif c == '"':
            at = text.index('"', at + 1) + 1
            tokens.append((text[start:at], line))
        else:
            at += 1
            while (c.isalnum() or c in '_$%.') and at < len(text) and \
                    (text[at].isalnum() or text[at] in '_$%.'):
                at += 1
            tokens.append((text[start:at], line))
    return tokens


class Translator(Instructions):
    def __init__(self, file, text):
        self.tokens, self.at, self.line = tokens_of(text), 0, 1
        self.files, self.places, self.place = {0: f'"{file}"'}, {}, None
        self.variables, self.functions = {}, {}
        self.tables, self.prototypes, self.out = [], [], []

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
        return self.peek() == token and self.next()

    def rest_of_line(self):
        got, line = [], self.line
        while self.at < len(self.tokens) and self.tokens[self.at][1] == line:
            got.append(self.next())
        return got

    def number(self):
        text = self.next()
        try:
            return -self.number() if text == '-' else int(text.rstrip('U'), 0)
        except ValueError:
            raise Error(f'a number expected, not {text}') from None

    def kind(self):
        kind = self.next()[1:]
        if kind not in SIZE:
            raise Error(f'unknown type .{kind}')
        return kind

    # --- the module ---

    def module(self):
        while self.peek():
            word = self.next()
            if word in ('.version', '.target', '.address_size'):
                self.rest_of_line()
            elif word == '.file':
                number, name = self.rest_of_line()[:2]
                self.files[int(number)] = name
            elif word == '.section':  # of debuggers
                self.next()
                self.next('{')
                while self.next() != '}':
                    pass
            elif word in ('.entry', '.func'):
                self.function(word == '.entry')
            elif word in ('.global', '.const', '.shared'):
                self.variable(word[1:])
            elif word not in ('.visible', '.weak', '.extern'):
                raise Error(f'unknown directive {word}')
        for name, (self.line, has_body) in self.functions.items():
            if not has_body:
                raise Error(f'function {name} has no body')

    def declarator(self):
        """[.align n] .type [.ptr [.global] [.align n]] name [count]: its parts; count may be 0"""
        align = self.number() if self.accept('.align') else 0
        kind = self.kind()
        if self.accept('.ptr'):
            self.accept('.global')
            if self.accept('.align'):
                self.number()
        name, count = self.next(), 1
        if self.accept('['):
            count = 0 if self.peek() == ']' else self.number()
            self.next(']')
        return align or SIZE[kind], kind, name, count

    def variable(self, space):
        """A declaration up to its semicolon; what it is inside a function."""
        align, kind, name, count = self.declarator()
        values, c_name, size = [], name_of(name), count * SIZE[kind]
        if self.accept('='):
            several = self.accept('{')
            values.append(self.literal(self.next(), kind))
            while several and self.accept(','):
                values.append(self.literal(self.next(), kind))
            if several:
                self.next('}')
        self.next(';')
        if space == 'shared':
            if align > 32:
                raise Error(f'variable {name}: shared arrays are aligned to 32 bytes at most')
            self.variables[name] = (space, size, c_name if count else '0u')  # 0: the launch's own
            self.tables.append(f'static char key_{c_name};')
            return ''
        self.variables[name] = (space, size, f'uint64_t({c_name})')
        if space in ('param', 'local'):
            frame = f' ptx::Frame frame_{c_name}({c_name}, {size});' if space == 'local' else ''
            return f'alignas({max(align, 8)}) char {c_name}[{size}];{frame}'
        self.tables.append(
            f'alignas({align}) static {c_type(kind, True)} {c_name}[{count}] = '
            f'{{{", ".join(values)}}};\nstatic ptx::Variable variable_{c_name}(reinterpret_cast'
            f'<char *>({c_name}), {size}, "{name}", {"true" if space == "const" else "false"});')
        return ''

    def parameters(self):
        """(.param .., .param ..): names and sizes"""
        found = []
        while self.accept('(' if not found else ','):
            if self.accept(')'):
                return []
            self.next('.param')
            _, kind, name, count = self.declarator()
            found.append((name, count * SIZE[kind]))
        if found:
            self.next(')')
        return found

    def function(self, kernel):
        passed = [] if kernel else self.parameters()
        name, line, most = self.next(), self.line, []
        passed += self.parameters()
        while self.peek() not in ('{', ';'):
            word = self.next()
            if word not in ('.maxntid', '.minnctapersm', '.maxnreg'):
                raise Error(f'unknown directive {word}')
            numbers = [self.number()]
            while self.accept(','):
                numbers.append(self.number())
            most = numbers if word == '.maxntid' else most
        c_name = name_of(name)
        head = f'static void {c_name}(char **parameters)'
        self.prototypes.append(head + ';')
        if self.accept(';'):
            self.functions.setdefault(name, (line, False))
            return
        self.functions[name] = (line, True)
        self.registers, self.used, self.shared_used, self.targets = {}, {}, {}, {}
        self.kernel, self.place, outside = kernel, None, dict(self.variables)
        for i, (parameter, size) in enumerate(passed):
            self.variables[parameter] = ('param', size, f'uint64_t(parameters[{i}])')
        self.next('{')
        body = self.body(True)
        self.variables = outside
        self.out += [head, '{'] + [f'{kind} {register};' for register, kind in self.used.items()]
        self.out += [f'const uint32_t {c} = ptx::shared(&key_{c}, {size}, "{array}");'
                     for array, (c, size) in self.shared_used.items()]
        self.out += body + ['}']
        if kernel:
            threads = 1
            for number in most:
                threads *= number
            self.out.append(
                f'static const size_t sizes_{c_name}[] = '
                f'{{{"".join(f"{size}, " for _, size in passed)}0}};\n'
                f'static ptx::Kernel kernel_{c_name}("{name}", {c_name}, sizes_{c_name}, '
                f'{threads if most else 1024}, {self.files[0]});')

    # --- bodies ---

    def body(self, outer):
        """Up to the closing brace."""
        lines, hidden = [], dict(self.registers)
        while True:
            word = self.next()
            if word == '}':
                self.registers = hidden
                return lines + [';']  # for a label before it
            if word == '{':
                lines += ['{'] + self.body(False) + ['}']
            elif word == '.reg':
                lines += self.declare_registers(outer)
            elif word in ('.shared', '.local', '.param'):
                lines.append(self.variable(word[1:]))
            elif word == '.loc':  # file line column[, .., inlined_at file line column]
                line = self.rest_of_line()
                at = line.index('inlined_at') + 1 if 'inlined_at' in line else 0
                self.place = [int(n) for n in line[:2] + line[at:at + 2]]
            elif word == '.pragma':
                while self.next() != ';':
                    pass
            elif self.peek() == ':' and word[0] not in '.@':
                self.next()
                if self.accept('.branchtargets'):
                    self.targets[word] = self.operands()
                else:
                    lines.append(f'{name_of(word)}:')
            elif word[0] == '.':
                raise Error(f'unknown directive {word}')
            else:
                lines.append(self.statement(word))

    def declare_registers(self, outer):
        """Those of a function are declared where it begins, if used: jumps may not pass them."""
        kind, lines = self.kind(), []
        while True:
            name = self.next()
            if self.accept('<'):
                names = [f'{name}{i}' for i in range(self.number())]
                self.next('>')
            else:
                names = [name]
            for name in names:
                self.registers[name] = (kind, outer)
                if not outer:
                    lines.append(f'{c_type(kind)} {name_of(name)};')
            if not self.accept(','):
                self.next(';')
                return lines

    def statement(self, word):
        guard = ''
        if word == '@':
            self.instruction = '@'
            sign = '!' if self.accept('!') else ''
            guard = f'if ({self.value(sign + self.next(), "pred")}) '
            word = self.next()
        line, operands = self.line, self.operands()
        self.line = line
        return f'{guard}{{ {self.translate(word, operands)} }}'

    def operands(self, end=';'):
        """Words; [address] as ('[', base, offset), a|b as ('|', a, b), {..} and (..) as lists."""
        found = []
        while not self.accept(end):
            found.append(self.operand())
            if self.accept('|'):
                found[-1] = ('|', found[-1], self.operand())
            if self.peek() != end:
                self.next(',')
        return found

    def operand(self):
        word = self.next()
        if word in '{(':
            return self.operands('}' if word == '{' else ')')
        if word == '[':
            base, offset = self.next(), self.number() if self.accept('+') else 0
            self.next(']')
            return ('[', base, offset)
        if word in '-!':
            return word + self.next()
        if not (word[0].isalnum() or word[0] in '_$%'):
            raise Error(f'operand {word} is not understood')
        return word

    def place_text(self, file, line, *caller):
        """As C++; for what is inlined from the toolkit's headers, its caller's."""
        if caller and '/include/' in self.files[file]:
            file, line = caller
        return f'{{{self.files[file]}, {line}}},'

    def text(self):
        self.module()
        places = [self.place_text(*place) for place in self.places]
        head = ['#include "ptx.h"', 'static const ptx::Where at[] = {', *places, '{"", 0}};']
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


if __name__ == '__main__':
    main()

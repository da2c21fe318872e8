"""translate.py PTX IN.ptx OUT.cpp - ../ptx/translate.py's C++ (PTX: its folder), in which each
instruction also tells count.h that it is executed, and each access where."""
import importlib.util
import sys

sys.path.insert(0, sys.argv[1])
SPEC = importlib.util.spec_from_file_location('ptx_translate', sys.argv[1] + '/translate.py')
ptx = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ptx)

NO_RESULT = ('st', 'bra', 'brx', 'bar', 'barrier', 'red', 'ret', 'exit', 'membar', 'fence', 'trap')


class Counting(ptx.Translator):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.sites, self.numbers = [], {}

    def registers_in(self, words):
        found = [w for w in words if w[0] == '%' and w[1:2] in 'rfp' or w[:3] == '%rd']
        return [self.numbers.setdefault(w, len(self.numbers)) for w in found]

    def statement(self, word):
        end = next(i for i in range(self.at, len(self.tokens)) if self.tokens[i][0] == ';')
        words = [token for token, _ in self.tokens[self.at:end]]
        guard = []
        if word == '@':
            skip = 1 + (words[0] == '!')
            guard, word, words = words[:skip], words[skip], words[skip + 1:]
        close = '}' if words[:1] == ['{'] else ','
        first = words.index(close) if close in words else len(words)
        if word.split('.')[0] in NO_RESULT or word.startswith('wmma.store'):
            first = 0
        self.sites.append((word, self.registers_in(words[:first]),
                           self.registers_in(words[first:] + guard)))
        return f'{{ count::hit({len(self.sites) - 1}); {super().statement("@" if guard else word)} }}'

    def access(self, *arguments):
        return f'count::at({len(self.sites) - 1}, {super().access(*arguments)})'

    def tile(self, place, rows, columns, stride, by_columns):
        by = 'true' if by_columns else 'false'
        return f'count::tile({len(self.sites) - 1}, {place}, {rows}, {columns}, {stride}, {by})'

    def text(self):
        text = super().text()
        rows = '\n'.join(f'    "{word} {len(to)} {" ".join(map(str, to + of))}\\n"'
                         for word, to, of in self.sites)
        know = f'static const bool known = count::know(\n{rows},\n    {len(self.numbers)});\n'
        return '#include "count.h"\n' + text + (know if self.sites else '')


def main():
    with open(sys.argv[2], encoding='utf-8') as file:
        translator = Counting(sys.argv[2], file.read())
    with open(sys.argv[3], 'w', encoding='utf-8') as file:
        file.write(translator.text())


main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Gives forms to the module and to the parsers of applications, and compares. See README.md."""
import argparse
import base64
import collections
import concurrent.futures
import os
import shutil
import subprocess
import sys
import threading

import forms

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.environ.get('RL_OUT', 'out'), 'differential')
WORKERS = os.path.join(HERE, 'workers')
HONEST_EACH = 7  # one in so many honest forms is given to the parsers
MINIMIZED = 6  # contradictions of a parser that are made small


def python(parser):
    return ['/usr/bin/python3', os.path.join(WORKERS, 'python.py'), parser]


def perl(parser):
    return ['perl', os.path.join(WORKERS, 'perl.pl'), parser]


def ruby(parser):
    return ['ruby', os.path.join(WORKERS, 'ruby.rb'), parser]


def node(parser):
    return ['node', os.path.join(WORKERS, 'node.js'), parser]


PARSERS = collections.OrderedDict()
PARSERS['php'] = ['/usr/bin/python3', os.path.join(WORKERS, 'php.py')]
for parser in ('cgi.pm', 'cgi.pm-mac', 'cgi-simple', 'plack', 'http-body', 'mojolicious', 'split', 'x2c'):
    PARSERS[parser] = perl(parser)
for parser in ('django', 'werkzeug', 'webob', 'bottle', 'cgi', 'aiohttp', 'tornado', 'starlette'):
    PARSERS['cgi.py' if parser == 'cgi' else parser] = python(parser)
for parser in ('rack', 'cgi.rb'):
    PARSERS[parser] = ruby(parser)
for parser in ('express-qs', 'express-querystring', 'multer', 'formidable', 'busboy', 'undici'):
    PARSERS[parser] = node(parser)
PARSERS['go'] = [os.path.join(OUT, 'go')]


def encode(data):
    return base64.b64encode(data).decode() or '-'


def decode(word):
    return b'' if word == '-' else base64.b64decode(word)


def question(form):
    name, media, body = form
    return encode(media), encode(body), encode(name)


class Worker:
    """A process that answers each line with a line."""

    def __init__(self, command):
        environment = dict(os.environ, NODE_PATH=os.path.abspath(os.path.join(OUT, 'node', 'node_modules')))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment)

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise EOFError('%s ended' % self.process.args)
        return line.decode().split()

    def _send(self, questions):
        for words in questions:
            self.process.stdin.write(' '.join(words).encode() + b'\n')
        self.process.stdin.flush()

    def ask(self, *words):
        self._send([words])
        return self._answer()

    def ask_all(self, questions):
        sender = threading.Thread(target=self._send, args=(questions,), daemon=True)
        sender.start()
        answers = [self._answer() for _ in questions]
        sender.join()
        return answers

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Module(Worker):
    def __init__(self):
        super().__init__([os.path.join(OUT, 'module')])
        self.folded = {}

    def form(self, form):
        return self.forms([form])[0]

    def forms(self, forms_):
        """Returns for each V and the folded value, N, or D and the reason."""
        return [(answer[0], answer[1] if len(answer) > 1 else '')
                for answer in self.ask_all([question(form) for form in forms_])]

    def fold(self, word):
        if word not in self.folded:
            answer = self.ask('fold', word)
            self.folded[word] = answer[1] if answer[0] == 'V' else None
        return self.folded[word]


class Parser(Worker):
    def form(self, form):
        return self.ask(*question(form))


def loses_padding(media, sure, word):
    """A token in a URL may end in one or two raw =, which programs that split at each = lose: one more spelling of a name."""
    return media == forms.QUERY and word is not None and decode(sure).rstrip(b'=') == decode(word)


def verdict(module, media, sure, answer):
    """What a parser's answer is to the module's, which was sure."""
    if answer[0] == 'V':
        words = [module.fold(word) for word in answer[1:]]
        return 'agrees' if all(word == sure or loses_padding(media, sure, word) for word in words) else 'contradicts'
    return 'refuses' if answer[0] == 'E' else 'lacks'


def contradicts(module, parser, form):
    kind, sure = module.form(form)
    if kind == 'N':  # sure that the field isn't there
        return parser.form(form)[0] == 'V'
    return kind == 'V' and verdict(module, form[1], sure, parser.form(form)) == 'contradicts'


def shorter(data):
    """Yields what is left when a piece is taken away, longest pieces first."""
    size = len(data) // 2
    while size > 0:
        for at in range(0, len(data) - size + 1, max(1, size // 2)):
            yield data[:at] + data[at + size:]
        size //= 2


def minimize(module, parser, form, budget=3000):
    name, media, body = form
    progress = True
    while progress and budget > 0:
        progress = False
        for part in (1, 2):
            for less in shorter((name, media, body)[part]):
                budget -= 1
                trial = (name, less, body) if part == 1 else (name, media, less)
                if trial[1] == forms.clean_header(trial[1]) and contradicts(module, parser, trial):
                    name, media, body = trial
                    progress = True
                    break
                if budget <= 0:
                    break
    return name, media, body


def show(data):
    return repr(data)[1:]


class Report:
    def __init__(self, parser):
        self.parser = parser
        self.counts = collections.Counter()
        self.found = []
        self.lacking = []


def compare(name, tricky, answers):
    """Asks one parser about all forms; answers are the module's."""
    try:
        return compare_all(name, tricky, answers)
    except Exception as error:
        raise RuntimeError('parser %s: %s' % (name, error)) from error


def compare_all(name, tricky, answers):
    report = Report(name)
    module, parser = Module(), Parser(PARSERS[name])
    asked = [(form, kind, sure) for form, (kind, sure) in zip(tricky, answers) if kind != 'D']
    for (form, kind, sure), answer in zip(asked, parser.ask_all([question(form) for form, _, _ in asked])):
        if kind == 'N':
            report.counts['absent'] += 1
            result = 'absent, but' if answer[0] == 'V' else 'agrees on none'
        else:
            result = verdict(module, form[1], sure, answer)
        report.counts[result] += 1
        if result in ('contradicts', 'absent, but'):
            report.found.append(form)
        elif result in ('refuses', 'lacks'):
            report.lacking.append((form, ' '.join(answer)))
    report.small = collections.OrderedDict()
    for form in report.found:
        if len(report.small) == MINIMIZED:
            break
        small = minimize(module, parser, form)
        report.small[small] = (module.form(small), parser.form(small))
    module.close()
    parser.close()
    return report


def print_contradictions(report, out):
    for (name, media, body), ((kind, sure), answer) in report.small.items():
        says = 'sure of %s' % show(decode(sure)) if kind == 'V' else 'sure that it is absent'
        reads = ', '.join(show(decode(word)) for word in answer[1:])
        print('%s: field %s\n    type %s\n    body %s\n    module: %s; parser: %s' %
              (report.parser, name.decode(), show(media), show(body), says, reads), file=out)


def print_table(reports, sure, absent, count):
    print('%d bodies; the module is sure of a value in %d, that there is none in %d, in doubt in %d.\n' %
          (count, sure, absent, count - sure - absent))
    columns = ('agrees', 'contradicts', 'refuses', 'lacks', 'absent', 'absent, but')
    print('%-20s' % 'parser' + ''.join('%13s' % c for c in columns))
    for report in reports:
        print('%-20s' % report.parser + ''.join('%13d' % report.counts[c] for c in columns))


def check_honest(module):
    """Returns how many honest forms there are, and prints those that the module isn't sure of."""
    count, unsure = 0, collections.OrderedDict()
    for client, name, media, body, value in forms.honest():
        count += 1
        kind, sure = module.form((name, media, body))
        if kind != 'V' or sure != module.fold(encode(value)):
            unsure.setdefault((client, value), (name, media, body, kind, sure))
    for (client, value), (name, media, body, kind, sure) in unsure.items():
        print('honest, but not sure: %s, %s\n    type %s\n    body %s\n    module: %s %s' %
              (client, value.decode(), show(media), show(body[:200]), kind, sure))
    return count, len(unsure)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--seed', default='1')
    options.add_argument('--count', type=int, default=20000)
    options.add_argument('--only', default='', help='parsers, with commas between them')
    options.add_argument('--lacking', action='store_true', help='also show forms that parsers refuse or read nothing from')
    given = options.parse_args()
    names = [n for n in (given.only.split(',') if given.only else PARSERS)
             if n in PARSERS and shutil.which(PARSERS[n][0])]
    module = Module()
    honest, unsure = check_honest(module)
    tricky = [form[1:4] for form in forms.honest()][::HONEST_EACH] + list(forms.bodies(given.seed, given.count))
    answers = module.forms(tricky)
    module.close()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda name: compare(name, tricky, answers), names))
    print('seed %s; %d honest forms, %d not sure' % (given.seed, honest, unsure))
    kinds = collections.Counter(kind for kind, _ in answers)
    print_table(reports, kinds['V'], kinds['N'], len(tricky))
    for report in reports:
        print_contradictions(report, sys.stdout)
        if given.lacking:
            for (name, media, body), answer in report.lacking[:20]:
                print('%s: field %s\n    type %s\n    body %s\n    parser: %s' %
                      (report.parser, name.decode(), show(media), show(body), answer))
    sys.exit(1 if unsure or any(report.found for report in reports) else 0)


if __name__ == '__main__':
    main()

"""Templates made at random over what the engine supports, for jinja_oracle.py. Most are right; some fail on both sides."""

VARIABLES = {
    "name": "Ünï <b>Bob</b> & co",
    "text": "  The quick brown fox\njumps over\tthe lazy dog. \n\n",
    "word": "hello",
    "empty": "",
    "number": 7,
    "negative": -3,
    "zero": 0,
    "real": 2.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "numbers": [3, 1, 2, 3, 10, -4],
    "words": ["pear", "Apple", "fig", "apple", ""],
    "mixed": [1, "two", 3.5, None, True, [1, 2], {"k": "v"}],
    "nested": [[1, 2], [3], []],
    "record": {"a": 1, "B": "two", "c": [1, 2, 3], "items": "shadow", "d": {"e": {"f": "deep"}}},
    "people": [{"name": "Ann", "age": 31, "tags": ["x", "y"]}, {"name": "bob", "age": 25, "tags": []}, {"name": "Cid", "age": 31, "active": True, "tags": ["y"]}],
    "messages": [{"role": "user", "content": "Hi <|im_end|>"}, {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1, "y": "ä"}}}]}],
}
TEXTS = ["name", "text", "word", "empty", "people[0].name", "messages[0].content", "record.B", "words[1]", "record['d'].e.f"]
NUMBERS = ["number", "negative", "zero", "real", "people[0].age", "numbers[2]", "record.a", "numbers|length"]
LISTS = ["numbers", "words", "mixed", "nested", "people", "messages", "record.c", "people[0].tags", "empty", "nested[2]"]
LITERALS = ["'a'", "\"b'c\"", "''", "'x y'", "'Zoë\\n'", "'\\t\\\\'", "'%s'", "'日本'", "'<i>'", "','"]
CONDITIONS = ["yes", "no", "nothing", "missing", "word", "empty", "numbers", "nested[2]", "zero", "number"]


# What the random ones seldom reach.
BY_HAND = [
    "{% set g = numbers | select('gt', 1) %}{{ g | first }} {{ 2 in g }} {{ g | list }} {{ g | list }} {{ 3 in g }}{% for x in g %}x{% else %}none{% endfor %}",
    "{{ strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %j %U %W %V %G %u %w %y %C %e %k %l %I %p %P %D %F %T %R %r %c %x %X %s %n%t%% %q %z%Z %-d %-m %_H %') }}",
    "{{ '%(a)s %(b)05.1f' % {'a': 1, 'b': 2} }}", "{{ '%s' % missing }}", "{{ '%s %s' % (1,) }}", "{{ '%d' % 'x' }}", "{{ '%q' % 1 }}", "{{ 'x' % 1 }}", "{{ '%*d|%-*d|%.*f' % (5, 1, 4, 2, 2, 3.14159) }}",
    "{{ '{0} {1} {0}'.format(1, 2) }}", "{{ '{a.k} {a[k]} {b[1]} {{}}'.format(a=mixed[6], b=numbers) }}", "{{ '{} {0}'.format(1) }}", "{{ '{!r:>6}'.format('a') }}", "{{ '{:{}}|'.format('a', 5) }}", "{{ '{'.format() }}", "{{ '}'.format() }}",
    "{{ ('<a>'|safe) + '<b>' }}", "{{ '<b>' + ('<a>'|safe) }}", "{{ ('%s'|safe) % '<x>' }}", "{{ ('a-'|safe).join(['<', '>']) }}", "{{ ('a'|safe).replace('a', '<') }}", "{{ ('&lt;&amp;&#39;x <b>y</b> <!-- z -->')|striptags }}",
    "{{ [1, [2, {'a': none}], 'é\\u2028\"'] | tojson(indent=2) }}", "{{ {2: 1, 'a': true, none: 1.0} | tojson }}", "{{ {(1, 2): 1} | tojson }}", "{{ missing | tojson }}", "{{ 1e16 }} {{ 1e-5 }} {{ 123456789.125 }} {{ 1e22 }} {{ 5e-324 }}",
    "{{ people | groupby('age') | map(attribute='grouper') | list }}", "{% for age, who in people | groupby('age') %}{{ age }}:{{ who | map(attribute='name') | join(',') }};{% endfor %}", "{{ people | groupby('name') | map(attribute='list') | map('length') | list }}",
    "{{ record.keys() }}{{ record.values() | list | length }}{{ record.items() | length }}{{ record.keys()[0] }}", "{{ messages.append(1) }}", "{{ messages.pop() }}", "{{ record.update({}) }}", "{{ messages.append }}|", "{{ record.__class__ }}|",
    "{% for m in messages %}{{ loop.previtem.role }}{% endfor %}", "{% for a in nested recursive %}{{ a if a is number else loop(a) }};{% endfor %}", "{{ raise_exception('No: ' ~ name) }}", "{% set x %}{% endset %}{{ x is string }}", "{{ 2 ** 63 }}", "{{ 7 // 0 }}", "{{ 7.0 % 0 }}",
    "{{ -7 // 2 }} {{ -7 % 2 }} {{ 7 // -2 }} {{ 7 % -2 }} {{ -7.5 // 2 }} {{ -7.5 % 2 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 0.1 + 0.2 }} {{ 7 / 2 }}", "{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 1234 | round(-2) }} {{ 15 | round(-1) }} {{ 25 | round(-1) }}",
    "{{ 'ﬁ ß ǆ İ'.upper() }} {{ 'ﬁ ß ǆ İ'.title() }} {{ 'ÀÉ'.lower() }} {{ 'straße'.capitalize() }}", "{{ '½²٣'.isdigit() }} {{ '²'.isdigit() }} {{ '٣'.isdecimal() }} {{ '½'.isnumeric() }} {{ 'ǅ'.istitle() }}", "{{ 'a\\x1cb\\u2028c\\u0085d'.splitlines() }}",
    "{{ ' a  b '.split(' ') }} {{ ' a  b '.split() }} {{ ' a b c '.split(none, 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ 'aXbXc'.rsplit('X', 1) }}", "{{ 'abc'.find('', 3) }} {{ 'abc'.find('', 4) }} {{ 'abc'.count('') }} {{ 'äbä'.rfind('ä') }} {{ 'abcabc'.index('c', -1) }}",
    "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaab'.find('aaaaaaaaaaaaaaaaaaab') }} {{ 'baaaaaaaaaaaaaaaaaaaaaaaa'.rfind('baaaaaaaaaaaaaaaaaaa') }} {{ 'xaaaaaaaaaaaaaaaaaaaaaaaay' | replace('aaaaaaaaaaaaaaaaaaaaaaaa', '-') }}",
    "{{ '42' | int }} {{ ' -4_2 ' | int }} {{ '0x1F' | int(0, 16) }} {{ '0b11' | int(0, 2) }} {{ '4.9' | int }} {{ 'x' | int(7) }} {{ none | int(8) }} {{ '1e3' | int }} {{ '1_' | int }} {{ 'inf' | int(3) }}", "{{ ' 1.5e1 ' | float }} {{ 'nan' | float }} {{ '-inf' | float }} {{ 'x' | float(2) }}",
    "{{ 'a b&c=d/é~' | urlencode }} {{ {'a b': 'c/d', 'e': 1} | urlencode }} {{ [('x', 'y z')] | urlencode }}", "{{ text | wordwrap(9) }}", "{{ 'ab' | center(7) }}|{{ 'ab'.center(7, '*') }}|{{ 'abc'.center(8, '*') }}|{{ '-5'.zfill(5) }}", "{{ 'x' is filter }} {{ 'upper' is filter }} {{ 'odd' is test }}",
]


class RandomTemplate:
    def __init__(self, random):
        self.random = random
        self.depth = 0
        self.names = []  # of loop variables and those that were set
        self.macros = []

    def pick(self, *choices):
        return self.random.choice(choices)

    # Expressions. Only texts and lists have slices: Jinja2 folds a slice of a constant number to undefined and refuses one of a variable.

    def text(self, d=0):
        r = self.random
        if d > 2 or r.random() < 0.25:
            return r.choice(TEXTS + LITERALS + self.names)
        a = lambda: self.text(d + 1)
        n = lambda: str(r.randint(-3, 9))
        return r.choice([
            lambda: f"({a()} ~ {a()})", lambda: f"({a()} + {a()})", lambda: f"({a()} * {r.randint(-1, 3)})",
            lambda: f"{a()}|{self.text_filter()}", lambda: f"{a()}|{self.text_filter()}|{self.text_filter()}",
            lambda: f"{self.atom(a())}.{self.text_method()}", lambda: f"({a()} ~ '')[{n()}:{n()}]", lambda: f"({a()} ~ '')[::{self.pick(-1, 2, -2, 3)}]",
            lambda: f"{self.atom(a())}[{n()}]", lambda: f"{self.any(d + 1)}|string", lambda: f"{self.any(d + 1)}|tojson{self.json_style()}",
            lambda: f"{self.list(d + 1)}|join({a()})", lambda: f"{self.list(d + 1)}|map('string')|join('|')",
            lambda: f"({a()} if {self.condition(d + 1)} else {a()})", lambda: f"('%s-%s' % ({a()}, {self.any(d + 1)}))",
            lambda: f"'{{}}+{{}}'.format({a()}, {self.number(d + 1)})", lambda: f"('{self.conversion()}' % {self.number(d + 1)})",
            lambda: f"'{{:{self.specification()}}}'.format({self.number(d + 1)})", lambda: f"'[{{0:{self.pick('>8', '^9', '*<6', '.2', '5')}}}]'.format({a()})",
            lambda: f"{self.macros and self.random.choice(self.macros) or 'upper_missing'}({a()})" if self.macros else a(),
        ])()

    def atom(self, expression):
        return expression if expression.replace("_", "").isalnum() else f"({expression})"

    def json_style(self):
        return self.pick("", "", "(indent=2)", "(indent=0)", "(ensure_ascii=True)", "(separators=(',', ':'))", "(sort_keys=true)", "(indent=4, sort_keys=true)")

    def conversion(self):
        return self.pick("%d", "%5d|", "%-5d|", "%05d", "%+d", "%x", "%X", "%#x", "%o", "%f", "%.2f", "%8.3f", "%-9.1f|", "%e", "%g", "%s", "%r", "%5s|", "%c", "%i%%", "%.3d", "% d", "%010.2f", "%.3g")

    def specification(self):
        return self.pick("d", "5", "<5", "^7", "05d", "+d", ",", "_", ".2f", "8.2f", "e", "g", "%", ".1%", "x", "#x", "b", "08b", "*^9", "=+6d", ">10.3f", ",.2f", "", "s", "o")

    def text_filter(self):
        return self.pick("upper", "lower", "title", "capitalize", "trim", "length", "string", "reverse", "wordcount", "first", "last", "list|length", "escape", "e|lower", "safe", "forceescape",
                         "striptags", "urlencode", "center(20)", "center(7)", "indent", "indent(2, true)", "indent('> ', blank=true)", "indent(width=3, first=True)", "truncate(9)", "truncate(12, true)",
                         "truncate(8, false, '..', 0)", "replace('o', '0')", "replace('', '-')", "replace('l', '', 1)", "default('d')", "default('d', true)", "d('q')", "trim('aeh ')", "int", "int(5)", "float",
                         "int(0, 16)", "list|join('.')", "tojson", "join('-')", "unique|join", "sort|join", "batch(3)|map('join')|join('/')", "slice(3)|map('join')|list", "format('x')", "abs", "round",
                         "select('in', 'aeiou')|join", "map('upper')|join", "count", "max", "min", "items|list", "dictsort", "sum")

    def text_method(self):
        t = self.random.choice(LITERALS)
        n = self.random.randint(-4, 12)
        return self.pick("upper()", "lower()", "title()", "capitalize()", "swapcase()", "casefold()", "strip()", "lstrip()", "rstrip()", f"strip({t})", "split()|join('|')", f"split({t})|join('|')",
                         f"split(' ', {n})|length", f"rsplit(' ', {n})|join('|')", f"rsplit(none, {n})|join('|')", f"split(maxsplit={n})|join('|')", "splitlines()|join('|')", "splitlines(true)|join('|')",
                         f"startswith({t})", f"endswith(('g', {t}))", f"replace({t}, '<>')", f"replace({t}, '_', {n})", f"find({t})", f"rfind({t}, {n})", f"find({t}, {n}, {n + 3})", f"index({t})",
                         f"count({t})", f"count({t}, {n})", "isdigit()", "isalpha()", "isalnum()", "isspace()", "isupper()", "islower()", "istitle()", "isnumeric()", "isdecimal()", f"zfill({n})", f"ljust({n}, '.')",
                         f"rjust({n})", f"center({n}, '*')", f"center({n})", f"removeprefix({t})", f"removesuffix({t})", f"partition({t})", f"rpartition({t})|list", f"partition({t})[0]", "expandtabs(4)", "expandtabs()",
                         f"join(words)", f"join({t})", "isascii()", "nothing_of_it", "strip(1)", "upper(1)", "split('')", "append('x')", "format()", "__class__", "missing")

    def number(self, d=0):
        r = self.random
        if d > 2 or r.random() < 0.35:
            return r.choice(NUMBERS + ["0", "1", "2", "3", "10", "1.5", "0.1", "1e3", "-2", "true", "100000", "3.0", "1_000"] + [n for n in self.names if n.startswith("n")])
        a = lambda: self.number(d + 1)
        return r.choice([
            lambda: f"({a()} {self.pick('+', '-', '*', '/', '//', '%')} {a()})", lambda: f"({a()} ** {r.randint(0, 3)})", lambda: f"-{self.atom(a())}", lambda: f"({a()} - {a()} * {a()})",
            lambda: f"{self.atom(a())}|abs", lambda: f"{self.atom(a())}|round", lambda: f"({a()})|round({r.randint(-1, 3)})", lambda: f"({a()})|round({r.randint(0, 2)}, '{self.pick('floor', 'ceil', 'common')}')",
            lambda: f"{self.list(d + 1)}|length", lambda: f"{self.list(d + 1)}|sum", lambda: f"{self.pick('numbers', 'record.c')}|{self.pick('max', 'min', 'sum', 'first', 'last', 'count')}",
            lambda: f"({self.text(d + 1)})|length", lambda: f"({self.text(d + 1)})|int", lambda: f"({a()})|int", lambda: f"({a()})|float", lambda: f"people|sum(attribute='age', start={a()})", lambda: f"(+{self.atom(a())})",
        ])()

    def list(self, d=0):
        r = self.random
        if d > 2 or r.random() < 0.35:
            return r.choice(LISTS)
        a = lambda: self.list(d + 1)
        return r.choice([
            lambda: f"[{self.any(d + 1)}, {self.any(d + 1)}]", lambda: f"({self.any(d + 1)}, {self.any(d + 1)})", lambda: f"({a()} + {a()})", lambda: f"({a()} * 2)", lambda: f"{self.atom(a())}[{r.randint(-3, 3)}:]",
            lambda: f"{self.atom(a())}[:{r.randint(-3, 3)}]", lambda: f"{self.atom(a())}[::-1]", lambda: f"{a()}|list", lambda: f"{a()}|sort", lambda: f"{a()}|sort(reverse=true)", lambda: f"words|sort(case_sensitive={self.pick('true', 'false')})",
            lambda: f"{a()}|reverse|list", lambda: f"{a()}|unique|list", lambda: f"{a()}|batch({r.randint(1, 3)}, {self.pick('0', 'none')})|list", lambda: f"{a()}|slice({r.randint(1, 4)})|list", lambda: f"{a()}|slice(2, 'x')|list",
            lambda: f"{a()}|select('{self.pick('string', 'number', 'defined', 'odd', 'none', 'mapping', 'iterable')}')|list", lambda: f"{a()}|reject('{self.pick('string', 'none', 'integer')}')|list", lambda: f"{a()}|select|list",
            lambda: f"numbers|{self.pick('select', 'reject')}('{self.pick('gt', '>', 'lessthan', '<=', 'ne', 'divisibleby')}', {r.randint(1, 4)})|list",
            lambda: f"people|map(attribute='{self.pick('name', 'age', 'tags', 'tags.0', 'missing', 'name.x')}')|list", lambda: "people|map(attribute='active', default='?')|list", lambda: f"people|sort(attribute='{self.pick('age', 'name', 'age,name', 'missing')}')|map(attribute='name')|list",
            lambda: "people|selectattr('active')|list", lambda: "people|selectattr('active', 'defined')|map(attribute='name')|list", lambda: f"people|{self.pick('selectattr', 'rejectattr')}('age', '{self.pick('equalto', '==', 'lt', 'in')}', {self.pick('31', '25', '[25]')})|list",
            lambda: f"people|{self.pick('min', 'max')}(attribute='{self.pick('age', 'name')}')|list", lambda: f"words|map('{self.pick('upper', 'length', 'first', 'title', 'nothing')}')|list", lambda: "words|map('replace', 'p', 'q')|list",
            lambda: f"range({r.randint(-2, 6)})|list", lambda: f"range({r.randint(0, 3)}, {r.randint(2, 9)}, {self.pick(1, 2, -1, 3)})|list", lambda: f"record|{self.pick('list', 'dictsort', 'items|list')}", lambda: f"record|dictsort({self.pick('true', 'false, by=' + repr('key'), 'reverse=true')})",
            lambda: f"people|groupby('age')", lambda: f"record.{self.pick('keys()|list', 'values()|list', 'keys()', 'values()', 'd.items()', 'd.items()|list', 'copy()')}", lambda: f"{self.text(d + 1)}|list", lambda: f"{a()}|map('{self.pick('string', 'tojson', 'length', 'default')}')|list",
            lambda: "people|groupby('age')|map('last')|map('length')|list", lambda: "[word, name]|map('e')|join('<')|list",
        ])()

    def any(self, d=0):
        r = self.random
        return r.choice([lambda: self.text(d + 1), lambda: self.number(d + 1), lambda: self.list(d + 1), lambda: r.choice(["yes", "no", "nothing", "none", "None", "true", "record", "record.d", "people[1]", "record.get('a')", "record.get('z', 4)"]),
                         lambda: f"{{'k': {self.number(d + 1)}, {self.number(d + 2)}: {self.text(d + 1)}}}", lambda: f"dict(a={self.number(d + 1)})", lambda: "missing", lambda: f"{self.list(d + 1)}|first", lambda: f"{self.list(d + 1)}|last",
                         lambda: "record['c'][1]", lambda: "record.missing", lambda: "messages[1].tool_calls[0].function.arguments", lambda: self.condition(d + 1)])()

    def condition(self, d=0):
        r = self.random
        if d > 2 or r.random() < 0.25:
            return r.choice(CONDITIONS)
        c = lambda: self.condition(d + 1)
        return r.choice([
            lambda: f"({c()} and {c()})", lambda: f"({c()} or {c()})", lambda: f"(not {c()})", lambda: f"({self.number(d + 1)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.number(d + 1)})", lambda: f"({self.text(d + 1)} {self.pick('==', '!=', '<', 'in', 'not in')} {self.text(d + 1)})",
            lambda: f"({self.any(d + 1)} in {self.list(d + 1)})", lambda: f"('{self.pick('a', 'z', 'items')}' {self.pick('in', 'not in')} record)", lambda: f"(1 < {self.number(d + 1)} <= 5)", lambda: f"({self.any(d + 1)} {self.pick('==', '!=')} {self.any(d + 1)})",
            lambda: f"({self.any(d + 1)} {self.pick('is', 'is not')} {self.test(d + 1)})", lambda: f"({self.any(d + 1)} {self.pick('is', 'is not')} {self.test(d + 1)})",
        ])()

    def test(self, d):
        n = self.random.randint(1, 4)
        return self.pick("defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "iterable", "sequence", "callable", "odd", "even", "lower", "upper", "escaped", f"divisibleby({n})", f"divisibleby {n}",
                         f"eq({n})", f"equalto {n}", f"ne {n}", f"lt {n}", f"gt({n})", f"ge {n}", f"in [1, {n}, 'a']", f"sameas none", "sameas true", "filter", "test", f"greaterthan({n})", f"lessthan {n}", "in words", "in 'hello'")

    # Statements.

    def tag(self, inside):
        return f"{{%{self.pick('', '', '-', '+')} {inside} {self.pick('', '', '-')}%}}"

    def output(self):
        expression = self.random.choice([self.text, self.text, self.number, self.list, self.any, self.condition])()
        return f"{{{{{self.pick('', '', '-')} {expression} {self.pick('', '', '-')}}}}}"

    def body(self):
        self.depth += 1
        out = "".join(self.statement() for _ in range(self.random.randint(1, 3)))
        self.depth -= 1
        return out

    def plain(self):
        return self.pick("x", " ", "\n", "  \n  ", "a b\n", "\t", "\n\n", "<|s|>", "{ }", "}}", "é", "\r\n", "# ", "%", "line\n    ")

    def statement(self):
        r = self.random
        if self.depth > 2 or r.random() < 0.55:
            return r.choice([self.plain, self.plain, self.output, self.output])()
        return r.choice([self.loop, self.loop, self.condition_block, self.condition_block, self.assignment, self.assignment, self.block_assignment, self.macro, self.namespace, self.comment, self.raw, self.filter_block, self.with_block,
                         self.call_block, self.generation])()

    def loop(self):
        r = self.random
        old = list(self.names)
        name = self.pick("item", "n1", "x")
        head, names = r.choice([(f"for {name} in {self.list()}", [name]), (f"for {name} in {self.list()} if {self.condition(1)}", [name]), ("for key, value in record.items()", ["key", "value"]), ("for key, value in record|dictsort", ["key", "value"]),
                                (f"for {name} in {self.list()} if {name} is {self.test(1)}", [name]), ("for p in people", ["p", "p.name", "p.age"]), ("for c in word", ["c"]), ("for key in record", ["key"]), ("for a, b in [[1, 2], (3, 4)]", ["a", "b"])])
        self.names += names
        body = self.body()
        extra = r.choice(["", "", "{{ loop.index }}/{{ loop.length }}", "{{ loop.first }}{{ loop.last }}", "{% if not loop.last %}, {% endif %}", "{{ loop.revindex0 }}{{ loop.cycle('a', 'b') }}", "{{ loop.previtem }}{{ loop.nextitem is defined }}", "{{ loop.changed(1) }}",
                          "{% if loop.index > 2 %}{% break %}{% endif %}", "{% if loop.index0 is odd %}{% continue %}{% endif %}", "{{ loop.index0 }}{{ loop.depth }}", "{{ loop.missing }}"])
        otherwise = r.choice(["", "", f"{self.tag('else')}none"])
        self.names = old
        return self.tag(head) + (extra + body if r.random() < 0.5 else body + extra) + otherwise + self.tag("endfor")

    def condition_block(self):
        out = self.tag(f"if {self.condition()}") + self.body()
        for _ in range(self.random.randint(0, 2)):
            out += self.tag(f"elif {self.condition()}") + self.body()
        if self.random.random() < 0.5:
            out += self.tag("else") + self.body()
        return out + self.tag("endif")

    def assignment(self):
        name = self.pick("s1", "n2", "s3")
        value = self.number() if name == "n2" else self.text()
        out = self.tag(f"set {name} = {value}")
        if self.random.random() < 0.2:
            out = self.tag(f"set {name}, n5 = {value}, {self.number()}")
        if name not in self.names:
            self.names.append(name)
        return out

    def block_assignment(self):
        out = self.tag(f"set b1{self.pick('', ' | upper', ' | trim', ' | replace(' + repr('a') + ', ' + repr('b') + ')')}") + self.body() + self.tag("endset")
        self.names.append("b1")
        return out

    def macro(self):
        name = f"m{len(self.macros)}"
        old = list(self.names)
        self.names += ["p1", "p2"]
        body = self.body() + self.pick("", "", "{{ varargs|length }}", "{{ kwargs|length }}", "{{ caller is defined }}", "{{ word }}")
        self.names = old
        out = self.tag(f"macro {name}(p1, p2={self.text(2)})") + body + self.tag("endmacro")
        self.macros.append(name)
        return out + "{{ " + f"{name}({self.pick('', self.text(1), self.text(1) + ', ' + self.text(1), 'p2=' + self.text(1), '1, 2, 3', 'p1=1, q=2', '*[1, 2]', '**' + repr(dict(p2=3)))})" + " }}"

    def namespace(self):
        return self.tag(f"set ns = namespace(a={self.number()}, b='')") + "{% for i in " + self.list() + " %}{% set ns.a = ns.a + 1 %}{% set ns.b = ns.b ~ i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}"

    def comment(self):
        return f"{{#{self.pick('', '-')} {self.plain()} {self.pick('', '-')}#}}"

    def raw(self):
        return self.tag("raw") + "{{ raw }} {% if %}" + self.plain() + self.tag("endraw")

    def filter_block(self):
        return self.tag(f"filter {self.pick('upper', 'trim', 'indent(2)', 'replace(' + repr('a') + ',' + repr('b') + ')|title', 'length')}") + self.body() + self.tag("endfilter")

    def with_block(self):
        return self.tag(f"with w1 = {self.text()}, w2 = {self.number()}") + "{{ w1 }}{{ w2 }}" + self.body() + self.tag("endwith")

    def call_block(self):
        return "{% macro wrap(a='') %}[{{ caller(1) }}{{ a }}]{% endmacro %}" + self.tag(f"call(u) wrap({self.text(1)})") + "{{ u }}" + self.body() + self.tag("endcall")

    def generation(self):
        return self.tag("generation") + self.body() + self.tag("endgeneration")

    def source(self):
        return "".join(self.statement() for _ in range(self.random.randint(2, 7)))

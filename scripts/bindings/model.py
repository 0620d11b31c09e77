"""A public header as data: constants, structs, callbacks, handles, functions, each with its comment.

libclang reads the header; what it says about types, sizes and offsets is taken, nothing is computed here. A header that breaks
a rule of the ABI that can be seen in it (only 32 and 64 bit integers, no padding, no struct by value ...) is refused.
"""

import re
from dataclasses import dataclass, field

SCALARS = {"int32_t": 4, "uint32_t": 4, "int64_t": 8, "uint64_t": 8, "float": 4, "double": 8}
POINTED_AT = {"char", "uint8_t", "void"}  # behind pointers only
# Words of Go, C#, Rust and Python that C has not: no field may be named so. (Parameters may: nobody sees them.)
KEYWORDS = set("""type func range var package map chan select defer interface import in out ref object string event base params lock checked
internal is as use match move mut impl trait where self loop fn let mod pub crate dyn async await yield def class from global lambda none
pass raise try with and or not del except finally""".split())


@dataclass
class Type:
    name: str  # of what lies under the pointers: "uint32_t", "rustml_event", or "rustml_callback.on_event" for a callback
    kind: str  # scalar, struct, handle, callback
    const: bool = False
    stars: tuple = ()  # one entry for each pointer, innermost first: is the pointer itself const?

    @property
    def depth(self):
        return len(self.stars)

    @property
    def c(self):
        return ("const " if self.const else "") + self.name + (" " if self.stars else "") + "".join(
            "*const " if const else "*" for const in self.stars).strip()


@dataclass
class Constant:
    name: str
    value: int
    type: str  # int32_t, uint32_t or uint64_t
    doc: str
    group: str  # the comment above its group


@dataclass
class Field:
    name: str
    type: Type
    offset: int
    size: int
    doc: str


@dataclass
class Struct:
    name: str
    size: int
    fields: list
    doc: str


@dataclass
class Parameter:
    name: str
    type: Type


@dataclass
class Function:
    name: str
    returns: Type
    parameters: list
    doc: str
    section: str = ""


@dataclass
class Header:
    path: str
    constants: list = field(default_factory=list)
    structs: list = field(default_factory=list)
    handles: list = field(default_factory=list)
    aliases: dict = field(default_factory=dict)
    callbacks: dict = field(default_factory=dict)  # "rustml_callback.on_event" -> Function
    functions: list = field(default_factory=list)

    def value(self, name):
        return next(c.value for c in self.constants if c.name == name)

    @property
    def version(self):
        return self.value("RUSTML_VERSION_MAJOR"), self.value("RUSTML_VERSION_MINOR")

    @property
    def callback_shapes(self):
        """Callbacks of different field name: `destroy` is in three structs and one shape."""
        shapes = {}
        for name, callback in self.callbacks.items():
            shape = shapes.setdefault(name.split(".")[1], callback)
            if [p.type for p in shape.parameters] != [p.type for p in callback.parameters] or shape.returns != callback.returns:
                raise SyntaxError(f"{self.path}: callbacks named {name.split('.')[1]} differ")
        return shapes


# The integers of <stdint.h> as the header sees them: the machine's own headers do not matter.
STDINT = """typedef int int32_t; typedef unsigned int uint32_t; typedef long long int64_t; typedef unsigned long long uint64_t;
typedef unsigned char uint8_t;
#define UINTPTR_MAX 0xFFFFFFFFFFFFFFFFu
"""


class Reader:
    def __init__(self, clang, path, text, folder):
        self.clang, self.path = clang, path
        unsaved = [(f"{folder}/stdint.h", STDINT), (f"{folder}/stddef.h", ""), (str(path), text)]
        self.unit = clang.Index.create().parse(
            str(path), args=["-x", "c", "-std=c11", "--target=x86_64-linux-gnu", "-nostdinc", f"-I{folder}"],
            unsaved_files=unsaved, options=clang.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        for problem in self.unit.diagnostics:
            raise SyntaxError(f"{path}:{problem.location.line}: {problem.spelling}")
        self.header = Header(str(path))
        self.read_comments(text)
        for cursor in self.unit.cursor.get_children():
            if cursor.location.file and cursor.location.file.name == str(path):
                self.read(cursor)

    # Comments: behind something on its line, or above it.
    def read_comments(self, text):
        lines = text.splitlines()
        self.behind, self.above, self.sections, self.code = {}, {}, [], set()
        for token in self.unit.get_tokens(extent=self.unit.cursor.extent):
            start, end = token.extent.start, token.extent.end
            if token.kind != self.clang.TokenKind.COMMENT:
                self.code.add(start.line)
                continue
            words = re.sub(r"\s*\n\s*\*?\s*", " ", token.spelling[2:-2]).strip()
            section = re.fullmatch(r"-{20,} (\w+)", words)
            if section:
                self.sections.append((start.line, section.group(1)))
            elif lines[start.line - 1][:start.column - 1].strip():
                self.behind[start.line] = words
            else:
                self.above[end.line] = (start.line, words)

    def doc(self, cursor):
        line, end = cursor.extent.start.line, cursor.extent.end.line
        return self.behind.get(end, "") or self.above.get(line - 1, (0, ""))[1]

    def section(self, line):
        return next((name for start, name in reversed(self.sections) if start < line), "")

    def group(self, line):
        """The comment above the run of lines that `line` is in."""
        while line - 1 in self.code:
            line -= 1
        return self.above.get(line - 1, (0, ""))[1]

    def wrong(self, cursor, what):
        raise SyntaxError(f"{self.path}:{cursor.location.line}: {cursor.spelling}: {what}")

    def read(self, cursor):
        kinds = self.clang.CursorKind
        if cursor.kind == kinds.MACRO_DEFINITION:
            self.read_constant(cursor)
        elif cursor.kind == kinds.STRUCT_DECL and cursor.is_definition():
            self.read_struct(cursor)
        elif cursor.kind == kinds.TYPEDEF_DECL:
            base = cursor.underlying_typedef_type.get_canonical().get_declaration()
            if not base.get_definition():
                self.header.handles.append(cursor.spelling)
            elif base.spelling != cursor.spelling:
                self.header.aliases[cursor.spelling] = base.spelling
        elif cursor.kind == kinds.FUNCTION_DECL:
            self.header.functions.append(self.read_function(cursor, cursor.spelling, cursor.type, cursor.get_arguments()))
        elif cursor.kind not in (kinds.STRUCT_DECL, kinds.MACRO_INSTANTIATION, kinds.INCLUSION_DIRECTIVE):
            self.wrong(cursor, f"{cursor.kind} has no place in the ABI")

    def read_constant(self, cursor):
        words = [token.spelling for token in cursor.get_tokens()][1:]
        if len(words) != 1 or not re.fullmatch(r"(0x[0-9A-Fa-f]+|\d+)u?", words[0]):
            return  # include guard, RUSTML_API
        value = int(words[0].rstrip("u"), 0)
        kind = "uint64_t" if value > 0xFFFFFFFF else "uint32_t" if words[0].endswith("u") else "int32_t"
        line = cursor.location.line
        group = self.group(line)
        self.header.constants.append(Constant(cursor.spelling, value, kind, self.behind.get(line, ""), group))

    def read_struct(self, cursor):
        at, fields = 0, []
        for member in cursor.type.get_fields():
            pointee = member.type.get_pointee()
            if pointee.get_canonical().kind == self.clang.TypeKind.FUNCTIONPROTO:
                name = f"{cursor.spelling}.{member.spelling}"
                arguments = [c for c in member.get_children() if c.kind == self.clang.CursorKind.PARM_DECL]
                self.header.callbacks[name] = self.read_function(member, name, pointee, arguments)
                kind = Type(name, "callback")
            else:
                kind = self.type(member, member.type)
            offset, size = cursor.type.get_offset(member.spelling) // 8, member.type.get_size()
            if offset != at:
                self.wrong(member, f"padding: at {offset}, the field before it ends at {at}")
            at = offset + size
            if member.spelling in KEYWORDS:
                self.wrong(member, "is a keyword of a binding's language")
            fields.append(Field(member.spelling, kind, offset, size, self.doc(member)))
        if at != cursor.type.get_size():
            self.wrong(cursor, "padding at the end")
        self.header.structs.append(Struct(cursor.spelling, at, fields, self.doc(cursor)))

    def read_function(self, cursor, name, kind, arguments):
        returns = self.type(cursor, kind.get_result())
        parameters = [Parameter(a.spelling, self.type(a, a.type)) for a in arguments]
        for parameter in [*parameters, Parameter("answer", returns)]:
            of = parameter.type
            if of.depth == 0 and (of.kind != "scalar" or of.name in ("float", "double")) and (of.name != "void" or of is not returns):
                self.wrong(cursor, f"{parameter.name} is {of.c}: integers and pointers only")
        return Function(name, returns, parameters, self.doc(cursor), self.section(cursor.location.line))

    def type(self, cursor, of):
        stars = []
        while of.kind == self.clang.TypeKind.POINTER:
            stars.insert(0, of.is_const_qualified())
            of = of.get_pointee()
        declaration = of.get_declaration()
        name = declaration.spelling or of.get_canonical().spelling.replace("const ", "")
        if name in SCALARS or name in POINTED_AT:
            if not stars and name in POINTED_AT - {"void"}:
                self.wrong(cursor, f"{name} may stand behind pointers only")
            return Type(name, "scalar", of.is_const_qualified(), tuple(stars))
        record = of.get_canonical().get_declaration()
        if record.kind != self.clang.CursorKind.STRUCT_DECL:
            self.wrong(cursor, f"type {of.spelling} may not cross the boundary")
        kind = "struct" if record.get_definition() else "handle"
        return Type(record.spelling, kind, of.is_const_qualified(), tuple(stars))


def read(clang, path, text=None):
    """`text` in place of what the file holds, for tests."""
    return Reader(clang, path, text or path.read_text(encoding="utf-8"), path.parent).header

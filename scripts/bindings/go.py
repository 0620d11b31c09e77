"""The raw layer of Go: types and constants once, the functions twice with the same signatures, through cgo and through purego.

Handles and user_data are integers: the garbage collector must never take them for addresses. All other pointers are typed, so
that cgo checks what they point at. Constant char pointers come back as copied strings.
"""

import re

from . import layout, words

SCALARS = {"int32_t": "int32", "uint32_t": "uint32", "int64_t": "int64", "uint64_t": "uint64", "float": "float32", "double": "float64",
           "char": "byte", "uint8_t": "byte"}
RENAMED = {"error": "err", "len": "n", "type": "kind", "range": "rng", "func": "fn"}
BANNER = f"// Code {words.BANNER.replace(', do not edit', '. DO NOT EDIT.')}"


def name(c_name):
    """RUSTML_TYPE_Q4_0 -> TypeQ4_0, rustml_model_open -> ModelOpen."""
    text = words.bare(c_name)
    text = words.camel(text.lower() if text.isupper() else text)
    text = re.sub(r"Q(\d)(\d)$", r"Q\1_\2", text)
    return re.sub(r"^Ok$", "OK", text)


def parameter(c_name):
    return RENAMED.get(c_name, words.lower_camel(c_name))


def of(kind, c_name=""):
    """The Go type of a field or parameter."""
    if kind.kind == "callback" or c_name == "user_data":
        return "uintptr"
    if kind.kind == "handle":
        return "*" * (kind.depth - 1) + name(kind.name)
    if kind.name == "void":
        return "unsafe.Pointer" if kind.depth else ""
    return "*" * kind.depth + (SCALARS[kind.name] if kind.kind == "scalar" else name(kind.name))


def is_string(kind):
    return kind.name == "char" and kind.const and kind.depth == 1


def answer(function):
    return "string" if is_string(function.returns) else of(function.returns)


def signature(function):
    arguments = ", ".join(f"{parameter(p.name)} {of(p.type, p.name)}" for p in function.parameters)
    return f"({arguments}) {answer(function)}".rstrip()


def comment(function):
    return words.wrap(f"{name(function.name)}: {function.doc}" if function.doc else "", "// ", 110)


def aligned(fields):
    """Lines of a struct as gofmt writes them: types of neighbouring lines in one column."""
    out, run = [], []

    def flush():
        width = max((len(left) for left, _ in run), default=0)
        out.extend(f"\t{left:<{width}} {right}" for left, right in run)
        run.clear()

    for doc, left, right in fields:
        if doc:
            flush()
            out.extend(words.wrap(doc, "\t// ", 110))
        run.append((left, right))
    flush()
    return out


def types(header):
    major, minor = header.version
    out = [BANNER, "", "// Package raw is rustml.h in Go: see there for what each name means.", "package raw", "", 'import "unsafe"', "",
           f"// The ABI this file was made from: version {major}.{minor}.",
           f"const LayoutHash uint64 = 0x{layout.layout_hash(header):016x}"]
    for group, constants in words.constant_groups(header):
        out += ["", *words.wrap(group, "// ", 110), "const ("]
        run = [(c.doc, name(c.name), f"= {hex(c.value) if c.type == 'uint64_t' else c.value}") for c in constants]
        out += [*aligned(run), ")"]
    for handle in header.handles:
        out += ["", f"// {name(handle)} is a handle: a value, not an address; 0 is none.", f"type {name(handle)} uintptr"]
    for struct in header.structs:
        out += ["", *words.wrap(f"{name(struct.name)}: {struct.doc}" if struct.doc else "", "// ", 110), f"type {name(struct.name)} struct {{"]
        out += [*aligned([(f.doc, words.camel(f.name), of(f.type, f.name)) for f in struct.fields]), "}"]
    out += ["", "// What the C functions of the addresses below call. Set by the package above before its first call; they must not panic.", "var ("]
    shapes = header.callback_shapes
    out += aligned([("", f"Handle{words.camel(key)}", "func" + signature(shape)) for key, shape in shapes.items()])
    out += [")", "", "// Sizes and offsets: an index other than 0 does not compile.", "var ("]
    for struct in header.structs:
        made = f"{name(struct.name)}{{}}"
        out.append(f"\t_ = [1]struct{{}}{{}}[unsafe.Sizeof({made})-{struct.size}]")
        out += [f"\t_ = [1]struct{{}}{{}}[unsafe.Offsetof({made}.{words.camel(f.name)})-{f.offset}]" for f in struct.fields]
    return "\n".join(out + [")"]) + "\n"


def cgo(header):
    """Static C wrappers take handles as integers; Go sees them instead of the functions themselves."""
    def c_type(kind, c_name=""):
        if c_name == "user_data" or kind.kind == "handle":
            return "uintptr_t" + " *" * (kind.depth - 1)
        return kind.c

    def wrapper(function):
        arguments = ", ".join(c_type(p.type, p.name) + " " + p.name for p in function.parameters) or "void"
        passed = ", ".join(f"({p.type.c}){p.name}" if p.type.kind == "handle" else p.name for p in function.parameters)
        back = "(uintptr_t)" if function.returns.kind == "handle" else ""
        return (f"static inline {c_type(function.returns)} raw_{words.bare(function.name)}({arguments}) "
                f"{{ return {back}{function.name}({passed}); }}")

    def converted(p):
        kind, arg = p.type, parameter(p.name)
        if kind.name == "void" and kind.depth:
            return arg
        if kind.kind == "handle":
            return f"C.uintptr_t({arg})" if kind.depth == 1 else f"(*C.uintptr_t)(unsafe.Pointer({arg}))"
        if kind.depth:
            return f"({'*' * kind.depth}C.{kind.name})(unsafe.Pointer({arg}))"
        return f"C.{kind.name}({arg})"

    def exported(key, shape):
        arguments = ", ".join(f"{parameter(p.name)} " + ("C.uintptr_t" if p.name == "user_data" else "unsafe.Pointer" if p.type.depth
                                                         else f"C.{p.type.name}") for p in shape.parameters)
        passed = ", ".join(f"uintptr({parameter(p.name)})" if p.name == "user_data" else
                           f"({of(p.type)})({parameter(p.name)})" if p.type.depth and p.type.name != "void" else
                           parameter(p.name) if p.type.depth else f"{of(p.type)}({parameter(p.name)})" for p in shape.parameters)
        result = f" C.{shape.returns.name}" if of(shape.returns) else ""
        call = f"Handle{words.camel(key)}({passed})"
        return ["", f"//export rustml_go_{key}", f"func rustml_go_{key}({arguments}){result} {{",
                f"\treturn C.{shape.returns.name}({call})" if result else f"\t{call}", "}", "",
                f"// {words.camel(key)}Address is a C function that calls Handle{words.camel(key)}.",
                f"func {words.camel(key)}Address() uintptr {{ return uintptr(C.rustml_go_{key}) }}"]

    def declared(key, shape):
        arguments = ", ".join("uintptr_t" if p.name == "user_data" else "void*" if p.type.depth else p.type.name for p in shape.parameters)
        return f"extern {shape.returns.name} rustml_go_{key}({arguments});"

    shapes = header.callback_shapes
    out = [BANNER, "", "//go:build cgo && !rustml_purego", "", "package raw", "", "/*", "#cgo pkg-config: rustml", "#include <rustml.h>", ""]
    out += [wrapper(function) for function in header.functions] + [declared(*item) for item in shapes.items()]
    out += ["*/", 'import "C"', "", 'import "unsafe"']
    for function in header.functions:
        call = f"C.raw_{words.bare(function.name)}({', '.join(converted(p) for p in function.parameters)})"
        out += ["", *comment(function), f"func {name(function.name)}{signature(function)} {{",
                f"\treturn C.GoString({call})" if is_string(function.returns) else f"\treturn {answer(function)}({call})", "}"]
    for item in shapes.items():
        out += exported(*item)
    return "\n".join(out) + "\n"


def purego(header):
    def passed(p):
        return f"uintptr(unsafe.Pointer({parameter(p.name)}))" if of(p.type, p.name).startswith(("*", "unsafe")) else f"uintptr({parameter(p.name)})"

    out = [BANNER, "", "//go:build !cgo || rustml_purego", "", "package raw", "", "import (", '\t"sync"', '\t"unsafe"', "",
           '\t"github.com/ebitengine/purego"', ")", "", "var symbols = [...]string{"]
    out += [f'\t"{function.name}",' for function in header.functions]
    out += ["}", "", "// at has the addresses of symbols; load fills it.", "var at [len(symbols)]uintptr"]
    for i, function in enumerate(header.functions):
        arguments = ", ".join([f"at[{i}]", *map(passed, function.parameters)])
        back = "goString(r)" if is_string(function.returns) else f"{answer(function)}(r)"
        out += ["", *comment(function), f"func {name(function.name)}{signature(function)} {{", f"\tr, _, _ := purego.SyscallN({arguments})",
                f"\treturn {back}", "}"]
    for key, shape in header.callback_shapes.items():
        # Windows wants an answer of a word's size from every callback.
        arguments = ", ".join(f"{parameter(p.name)} {of(p.type, p.name)}" for p in shape.parameters)
        call = f"Handle{words.camel(key)}({', '.join(parameter(p.name) for p in shape.parameters)})"
        body = [f"\t\treturn uintptr(uint32({call}))"] if of(shape.returns) else [f"\t\t{call}", "\t\treturn 0"]
        out += ["", f"var {words.lower_camel(key)}Address = sync.OnceValue(func() uintptr {{",
                f"\treturn purego.NewCallback(func({arguments}) uintptr {{", *body, "\t})", "})", "",
                f"// {words.camel(key)}Address is a C function that calls Handle{words.camel(key)}.",
                f"func {words.camel(key)}Address() uintptr {{ return {words.lower_camel(key)}Address() }}"]
    return "\n".join(out) + "\n"

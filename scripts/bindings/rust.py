"""rustml-sys/src/bindings.rs: the header's own names, extern "C", repr(C)."""

import re

from . import layout, words

SCALARS = {"int32_t": "i32", "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64", "float": "f32", "double": "f64", "uint8_t": "u8",
           "char": "c_char", "void": "c_void"}
KEYWORDS = {"type", "match", "move", "ref", "in", "fn", "use", "box", "where", "loop"}
WIDTH = 120


def name(c_name):
    return f"r#{c_name}" if c_name in KEYWORDS else c_name


def of(kind, callbacks):
    if kind.kind == "callback":
        callback = callbacks[kind.name]
        arguments = ", ".join(f"{p.name}: {of(p.type, callbacks)}" for p in callback.parameters)
        return f'Option<unsafe extern "C" fn({arguments}){answer(callback, callbacks)}>'
    text, const = SCALARS.get(kind.name, kind.name), kind.const
    for pointer_const in kind.stars:
        text, const = f"*{'const' if const else 'mut'} {text}", pointer_const
    return text


def answer(function, callbacks):
    return "" if function.returns.c == "void" else f" -> {of(function.returns, callbacks)}"


def doc(text, indent=""):
    # Brackets would be links, angle brackets HTML.
    return words.wrap(re.sub(r"([\[\]<>])", r"\\\1", text), f"{indent}/// ", WIDTH)


def broken(head, parts, tail, indent):
    """On one line if it fits, else one part a line."""
    line = f"{indent}{head}({', '.join(parts)}){tail}"
    return [line] if len(line) <= WIDTH else [f"{indent}{head}(", *(f"{indent}    {part}," for part in parts), f"{indent}){tail}"]


def assertions(header):
    out = ["// Sizes and offsets, checked by the compiler.", "const _: () = {"]
    for struct in header.structs:
        out.append(f"    assert!(size_of::<{struct.name}>() == {struct.size});")
        out += [f"    assert!(offset_of!({struct.name}, {name(f.name)}) == {f.offset});" for f in struct.fields]
    return out + ["};"]


def bindings(header):
    callbacks = header.callbacks
    out = [f"// {words.BANNER[0].upper()}{words.BANNER[1:]}.", "", "use core::ffi::{c_char, c_void};", "use core::mem::{offset_of, size_of};", "",
           *doc("The layout hash of the ABI version that these declarations were made from."),
           f"pub const RUSTML_ABI_LAYOUT_HASH: u64 = 0x{layout.layout_hash(header):016x};"]
    for group, constants in words.constant_groups(header):
        out += [""] + ([f"// {line[3:]}" for line in words.wrap(group, "// ", WIDTH)] if group else [])
        for c in constants:
            value = f"0x{c.value:X}" if c.value > 0xFFFF else c.value
            out += [*doc(c.doc), f"pub const {c.name}: {SCALARS[c.type]} = {value};"]
    for handle in header.handles:
        out += ["", "/// A handle is a value, not an address: never read through it.", "#[repr(C)]", f"pub struct {handle} {{", "    _opaque: [u8; 0],", "}"]
    for struct in header.structs:
        out += ["", *doc(struct.doc), "#[repr(C)]", "#[derive(Clone, Copy, Debug)]", f"pub struct {struct.name} {{"]
        for member in struct.fields:
            out += [*doc(member.doc, "    "), f"    pub {name(member.name)}: {of(member.type, callbacks)},"]
        out.append("}")
    for alias, target in header.aliases.items():
        out += ["", f"pub type {alias} = {target};"]
    out += ["", 'extern "C" {']
    for i, function in enumerate(header.functions):
        parts = [f"{name(p.name)}: {of(p.type, callbacks)}" for p in function.parameters]
        out += doc(function.doc, "    ")
        out += broken(f"pub fn {function.name}", parts, answer(function, callbacks) + ";", "    ")
    return "\n".join(out + ["}", "", *assertions(header)]) + "\n"

"""The layout hash and what it is made of: JSON inside the library, fields of structs, assertions for a C test."""

import json

from . import words

HISTORY_NOTE = "each released ABI: version, hashes, functions; appended by scripts/generate_bindings.py --freeze, never changed"


def canonical(header):
    """Everything that a caller's machine code depends on, as lines of text. Names of parameters are not part of it."""
    def signature(function):
        return f"{function.returns.c}({', '.join(p.type.c for p in function.parameters)})"

    lines = [f"constant {c.name} {c.type} {c.value}" for c in header.constants if not c.name.startswith("RUSTML_VERSION_")]
    lines += [f"handle {name}" for name in header.handles]
    for struct in header.structs:
        lines.append(f"struct {struct.name} {struct.size}")
        lines += [f"  {f.name} {f.type.c} {f.offset} {f.size}" for f in struct.fields]
    lines += [f"callback {name} {signature(callback)}" for name, callback in header.callbacks.items()]
    lines += [f"function {function.name} {signature(function)}" for function in sorted(header.functions, key=lambda f: f.name)]
    return "\n".join(lines) + "\n"


def layout_hash(header):
    """FNV-1a, 64 bits, of the canonical text; never 0, which means unknown."""
    value = 0xCBF29CE484222325
    for byte in canonical(header).encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value or 1


def as_json(header):
    def signature(name, function):
        return {"name": name, "returns": function.returns.c, "parameters": [{"name": p.name, "type": p.type.c} for p in function.parameters]}

    return {
        "version": list(header.version),
        "hash": f"0x{layout_hash(header):016x}",
        "constants": [{"name": c.name, "type": c.type, "value": c.value} for c in header.constants],
        "structs": [{"name": s.name, "size": s.size, "fields": [
            {"name": f.name, "type": f.type.c, "offset": f.offset, "size": f.size} for f in s.fields]} for s in header.structs],
        "callbacks": [signature(name, callback) for name, callback in header.callbacks.items()],
        "functions": [signature(f.name, f) for f in header.functions],
    }


def versions(header, history):
    """(major, minor, hash) of each released version and of this one."""
    known = {tuple(release["version"]): int(release["hash"], 16) for release in history}
    known[header.version] = layout_hash(header)
    return [(*version, value) for version, value in sorted(known.items())]


def table(header, history):
    """src/api/layout_generated.h"""
    out = [f"// Layout hashes of every known ABI version, and the layout of this one: {words.BANNER}.", "#pragma once", "#include <cstdint>", "",
           "namespace rustml::api {", "", "struct LayoutVersion {", "  uint32_t major, minor;", "  uint64_t hash;", "};",
           "inline constexpr LayoutVersion kLayoutVersions[] = {"]
    out += [f"    {{{major}, {minor}, 0x{value:016x}u}}," for major, minor, value in versions(header, history)]
    out += ["};", "", "inline constexpr const char* kLayoutJson ="]
    parts = as_json(header)
    pieces = []
    for key, value in parts.items():
        name = ("," if pieces else "{") + json.dumps(key) + ":"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            texts = [json.dumps(item, separators=(",", ":")) for item in value]
            pieces += [name + "[" + texts[0], *("," + text for text in texts[1:]), "]"]
        else:
            pieces.append(name + json.dumps(value, separators=(",", ":")))
    out += [f'    R"({piece})"' for piece in pieces] + ['    "}";', "", "}  // namespace rustml::api"]
    return "\n".join(out) + "\n"


def fields(header, before):
    """src/boundary/layouts_generated.h and src/hub/layouts_generated.h: where each field ends, of the structs that begin with struct_size.
    `before`: what the file begins with."""
    out = [f"// Where each field ends (bytes), of every struct that begins with struct_size: {words.BANNER}.", "#pragma once", *before]
    for struct in header.structs:
        if struct.fields[0].name == "struct_size":
            ends = ", ".join(str(f.offset + f.size) for f in struct.fields)
            out += [f'template <> struct Layout<{struct.name}> {{ static constexpr const char* kName = "{struct.name}";',
                    f"  static constexpr uint32_t kFieldEnds[] = {{{ends}}}; }};"]
    return "\n".join(out + ["", "}  // namespace rustml::boundary"]) + "\n"


def filled(header, names):
    """src/api/fields_generated.h: a call for each field of these structs beside the engine's field of that name."""
    out = [f"// Fields of structs that the library fills beside the engine's of the same names: {words.BANNER}.", "#pragma once",
           "#include <rustml.h>", "", "namespace rustml::api {"]
    for struct in header.structs:
        if struct.name in names:
            out += ["", "template <class From, class F>", f"void for_each_field({struct.name}& to, const From& from, F&& f) {{"]
            out += [f"  f(to.{f.name}, from.{f.name});" for f in struct.fields if f.name != "struct_size" and not f.name.startswith("reserved")]
            out.append("}")
    return "\n".join(out + ["", "}  // namespace rustml::api"]) + "\n"


def initializers(header):
    """src/api/init_generated.cpp: the functions that write a struct's defaults."""
    out = [f"// Defaults for callers: {words.BANNER}.", '#include "boundary/structs.h"', "", "using rustml::boundary::init_struct;", ""]
    for function in header.functions:
        if function.name.endswith("_init"):
            struct = function.parameters[0].type.name
            out.append(f"int32_t {function.name}({struct}* out, uint32_t size) {{ return init_struct(out, size); }}")
    return "\n".join(out) + "\n"


def c_assertions(header):
    """tests/api/layout_generated.h: sizes and offsets as the C compiler at hand sees them."""
    major, minor = header.version
    out = [f"/* {words.BANNER} */", "#ifndef RUSTML_TESTS_LAYOUT_GENERATED_H", "#define RUSTML_TESTS_LAYOUT_GENERATED_H",
           "#include <rustml.h>", "", f"#define LAYOUT_MAJOR {major}u", f"#define LAYOUT_MINOR {minor}u",
           f"#define LAYOUT_HASH 0x{layout_hash(header):016x}u", ""]
    for struct in header.structs:
        out.append(f'_Static_assert(sizeof({struct.name}) == {struct.size}, "{struct.name}");')
        out += [f'_Static_assert(offsetof({struct.name}, {f.name}) == {f.offset} && sizeof((({struct.name} *)0)->{f.name}) == {f.size}, '
                f'"{struct.name}.{f.name}");' for f in struct.fields]
    for constant in header.constants:
        out.append(f'_Static_assert({constant.name} == {constant.value}{"u" if constant.type != "int32_t" else ""}, "{constant.name}");')
    return "\n".join(out + ["", "#endif"]) + "\n"

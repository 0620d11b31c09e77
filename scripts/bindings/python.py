"""bindings/python/rustml/_raw.py: ctypes. Views with lengths are addresses (c_void_p): ctypes must not look for a NUL in them."""

import json

from . import layout, words

SCALARS = {"int32_t": "c_int32", "uint32_t": "c_uint32", "int64_t": "c_int64", "uint64_t": "c_uint64", "float": "c_float", "double": "c_double",
           "uint8_t": "c_uint8", "char": "c_char"}


def of(kind, in_struct=False):
    if kind.kind == "callback":
        return kind.name.replace(".", "_")
    if kind.c == "void":
        return "None"
    if kind.kind == "handle":
        return "c_void_p" if kind.depth == 1 else "POINTER(c_void_p)"
    if kind.depth == 1 and (kind.name == "void" or kind.name == "char" and in_struct):
        return "c_void_p"
    if kind.depth == 1 and kind.name == "char" and kind.const:
        return "c_char_p"
    text = SCALARS[kind.name] if kind.kind == "scalar" else kind.name
    for _ in kind.stars:
        text = f"POINTER({text})"
    return text


def callback(name, shape):
    arguments = [of(shape.returns)] + [of(p.type, True) for p in shape.parameters]
    return f"{name.replace('.', '_')} = CFUNCTYPE({', '.join(arguments)})"


def raw(header):
    major, minor = header.version
    out = [f'"""rustml.h for ctypes: {words.BANNER}. See the header for what each name means."""', "",
           "from ctypes import CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_uint8, c_uint32, \\",
           "    c_uint64, c_void_p, sizeof", "", f"LAYOUT_HASH = 0x{layout.layout_hash(header):016x}  # of ABI {major}.{minor}"]
    for group, constants in words.constant_groups(header):
        out += ["", *words.wrap(group, "# ", 120)]
        for c in constants:
            out.append(f"{c.name} = {hex(c.value) if c.type == 'uint64_t' else c.value}" + (f"  # {c.doc}" if c.doc else ""))
    waiting = dict(header.callbacks)
    for struct in header.structs:
        mine = {name: shape for name, shape in waiting.items() if name.startswith(struct.name + ".")}
        if mine:
            out += ["", "", *(callback(*item) for item in mine.items())]
        out += ["", "", f"class {struct.name}(Structure):"]
        if struct.doc:
            out += words.wrap(struct.doc, "    # ", 120)
        out.append("    _fields_ = [")
        for f in struct.fields:
            out += words.wrap(f.doc, "        # ", 120)
            out.append(f'        ("{f.name}", {of(f.type, True)}),')
        out.append("    ]")
    out += [""] + [f"\n{alias} = {target}" for alias, target in header.aliases.items()]
    out += ["", "# Size and offsets of each struct, compared when this module is imported.", "_LAYOUT = {"]
    out += [f"    {struct.name}: ({struct.size}, {json.dumps([f.offset for f in struct.fields])})," for struct in header.structs]
    out += ["}", "for _struct, (_size, _offsets) in _LAYOUT.items():",
            "    if (sizeof(_struct), [getattr(_struct, _field[0]).offset for _field in _struct._fields_]) != (_size, _offsets):",
            '        raise ImportError(f"{_struct.__name__} is laid out differently on this system; rustml needs 64 bits")', "", "",
            "def bind(library):", '    """Types of all functions of a ctypes.CDLL."""']
    for function in header.functions:
        out += words.wrap(function.doc, "    # ", 120)
        out += [f"    library.{function.name}.argtypes = [{', '.join(of(p.type) for p in function.parameters)}]",
                f"    library.{function.name}.restype = {of(function.returns)}"]
    return "\n".join(out) + "\n"

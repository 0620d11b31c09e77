"""header_readers.py READER INCLUDE LIBRARY MODEL: the installed headers as those read them who do not compile C.

READER is cffi, pycparser or swig. What they find is compared with what the library says of itself (rustml_abi_layout_json); through cffi a
model is used. Prints SKIPPED with the reason where a reader is absent.
"""

import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rustml/header_readers"
HEADERS = {"rustml.h": "RUSTML_API", "rustml_hub.h": "RUSTML_HUB_API"}
sys.path.insert(0, str(CACHE))


class Skipped(Exception):
    pass


def layout(library):
    functions = ctypes.CDLL(library)
    functions.rustml_abi_layout_json.restype = ctypes.c_char_p
    return json.loads(functions.rustml_abi_layout_json())


def fetched(name):
    try:
        return __import__(name)
    except ImportError as problem:
        raise Skipped(f"{problem}; scripts/setup_python fetches it") from None


def preprocessed(include, header, more_includes):
    """As `gcc -E` gives it without the system's headers, the exporting attributes defined as nothing."""
    words = ["cc", "-E", "-P", "-nostdinc", *(f"-I{folder}" for folder in (*more_includes, include)), "-DRUSTML_API=", "-DRUSTML_HUB_API=",
             f"{include}/{header}"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode or done.stderr:
        sys.exit(f"FAILED: {' '.join(words)}\n{done.stderr}")
    return done.stdout


def stripped(include, header):
    """The text as it is, less what cffi does not read: what many do instead of running a preprocessor."""
    text = (pathlib.Path(include) / header).read_text()
    constants = re.findall(r"^#define RUSTML_\w+ +(?:0x[0-9A-F]+|\d+)u?\b", text, re.M)
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", text, flags=re.S)
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    return re.sub(rf"\b{HEADERS[header]}\b", "", text) + "\n".join(constants)


def read_by_cffi(include, library, model):
    cffi, wanted = fetched("cffi"), layout(library)
    with tempfile.TemporaryDirectory() as nothing:
        for name in ("stddef.h", "stdint.h"):
            pathlib.Path(nothing, name).touch()
        texts = [preprocessed(include, "rustml_hub.h", [nothing]), "\n".join(stripped(include, header) for header in HEADERS)]
    for text in texts:
        ffi = cffi.FFI()
        ffi.cdef(text)
        ffi.typeof("rustml_hub_options")
        lib = ffi.dlopen(library)
        yield from differences(ffi, lib, wanted, constants=text is texts[1])
        yield from use(ffi, lib, model)


def differences(ffi, functions, wanted, constants):
    for struct in wanted["structs"]:
        found = ffi.typeof(struct["name"])
        if ffi.sizeof(found) != struct["size"]:
            yield f"{struct['name']} has {ffi.sizeof(found)} bytes, the library's has {struct['size']}"
        offsets = [(name, field.offset) for name, field in found.fields]
        if offsets != [(field["name"], field["offset"]) for field in struct["fields"]]:
            yield f"{struct['name']}: fields {offsets}"
    for function in wanted["functions"]:
        found = ffi.typeof(getattr(functions, function["name"]))
        if len(found.args) != len(function["parameters"]):
            yield f"{function['name']} takes {len(found.args)}"
    if constants:
        yield from (f"{constant['name']} is {getattr(functions, constant['name'], None)}" for constant in wanted["constants"]
                    if getattr(functions, constant["name"], None) != constant["value"])


def use(ffi, lib, path):
    model, session, error = ffi.new("rustml_model **"), ffi.new("rustml_session **"), ffi.new("rustml_error **")
    name, needed, ids = path.encode(), ffi.new("uint64_t *"), ffi.new("int32_t[8]")
    statuses = [lib.rustml_model_open(name, len(name), ffi.NULL, model, ffi.NULL, error),
                lib.rustml_session_create(model[0], ffi.NULL, session, ffi.NULL, error),
                lib.rustml_session_eval(session[0], [10, 20, 30], 3, ffi.NULL, error)]
    # What a host keeps of the handle that keeps numbers as doubles.
    again = ffi.cast("rustml_session *", int(float(int(ffi.cast("uintptr_t", session[0])))))
    statuses += [lib.rustml_session_tokens(again, ids, 8, needed, error), lib.rustml_session_release(again), lib.rustml_model_release(model[0])]
    if any(statuses) or list(ids[0:3]) != [10, 20, 30]:
        yield f"a session through cffi: {statuses}, {list(ids)}"


def read_by_pycparser(include, library, _):
    pycparser, fake = fetched("pycparser"), fetched("pycparser_fake_libc").directory
    wanted = layout(library)
    for header in HEADERS:
        tree = pycparser.CParser().parse(preprocessed(include, header, [fake]), header)
        declared = {node.name for node in tree.ext if node.name and node.name.startswith("rustml_")}
        names = {thing["name"] for kind in ("functions", "structs") for thing in wanted[kind]}
        yield from (f"{header}: not found: {name}" for name in sorted(names - declared))
        hub = {name for name in declared if name.startswith("rustml_hub_")}
        if len(hub) != (7 if header == "rustml_hub.h" else 0):
            yield f"{header}: of the hub {sorted(hub)}"


def read_by_swig(include, library, _):
    if not shutil.which("swig"):
        raise Skipped("no swig; apt-get install swig")
    wanted = {function["name"] for function in layout(library)["functions"]}
    with tempfile.TemporaryDirectory() as folder:
        for header in HEADERS:
            for options in ([], ["-c++"]):
                interface = pathlib.Path(folder, "rustml.i")
                interface.write_text(f'%module rustml\n%include "{header}"\n')
                done = subprocess.run(["swig", "-python", *options, f"-I{include}", "-o", f"{folder}/wrapper.c", interface], capture_output=True,
                                      text=True)
                if done.returncode:
                    yield f"{header} {options}: {done.stdout}{done.stderr}"
                    continue
                wrapped = set(re.findall(r"_wrap_(rustml_\w+)\(PyObject", pathlib.Path(folder, "wrapper.c").read_text()))
                missing = wanted - wrapped if header == "rustml.h" else {"rustml_hub_resolve", "rustml_hub_verify"} - wrapped
                yield from (f"{header} {options}: not wrapped: {name}" for name in sorted(missing))


def main():
    reader, include, library, model = sys.argv[1:]
    try:
        breaches = list(globals()[f"read_by_{reader}"](include, library, model))
    except Skipped as reason:
        print(f"SKIPPED {reader}: {reason}")
        return 77
    print("\n".join(breaches) if breaches else f"{reader}: good")
    return 1 if breaches else 0


sys.exit(main())

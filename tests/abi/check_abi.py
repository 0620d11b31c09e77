"""check_abi.py CHECK ...: the ABI of this tree against the released ones in tests/abi. Prints each breach, returns 1 if there is one.

baseline                          nothing that a released version has is gone, moved or of another type
planted                           the gate holds: a change of each kind is caught, what a later 1.x may add is not
names LIBRARY MAP NM READELF      the library exports what its version script says, in its nodes, and needs only what it should
earlier HUB MAP                   librustml-hub beside a librustml without its private node is refused by the loader, which names it
freeze                            writes the present headers and what abidw says of them to tests/abi/X.Y: once for each release

abidiff does the comparing. The library itself is optimized as a whole and has no debug information, so abidiff is given the same
declarations as empty functions, compiled with it; that the real functions are those of the header, the compiler sees to. abidiff
takes any growth of a struct for a break, so it sees the structs as a client of that version does: without members behind its own.
Constants are macros, which it cannot see: the layout hash of scripts/generate_bindings.py guards them.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

HEADERS = ("rustml", "rustml_hub")

# Libraries that librustml and librustml-hub may need.
NEEDED = {"librustml.so": "libtbb.so.12 libpcre2-8.so.0 libutf8proc.so.2 libxxhash.so.0",
          "librustml-hub.so": "librustml.so.1 libcurl.so.4 libcrypto.so.3 libxxhash.so.0"}
RUNTIME = "libstdc++.so.6 libgcc_s.so.1 libm.so.6 libc.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1"


def released():
    """"1.0", ... oldest first."""
    return [".".join(map(str, release["version"])) for release in json.loads((ROOT / "src/api/abi_history.json").read_text())]


def read(path, text=None):
    import clang.cindex

    from bindings import model
    return model.read(clang.cindex, path, text)


def types(header, known):
    """C text of handles and structs. `known`: how many members of each struct its client knows."""
    lines = [f"typedef struct {name} {name};" for name in header.handles]
    for struct in header.structs:
        members = struct.fields
        if struct.fields[0].name == "struct_size":
            members = members[:known.get(struct.name, len(members))]
        lines.append(f"typedef struct {struct.name} {struct.name};\nstruct {struct.name} {{")
        for member in members:
            callback = header.callbacks.get(member.type.name)
            lines.append(f"  {callback.returns.c} (*{member.name})({parameters(callback)});" if callback else f"  {member.type.c} {member.name};")
        lines.append("};")
    return lines


def parameters(function):
    return ", ".join(f"{p.type.c} p{i}" for i, p in enumerate(function.parameters)) or "void"


def described(header, known, folder):
    """A library of empty functions with the header's declarations and debug information."""
    core = [] if header.path.endswith("rustml.h") else types(read(ROOT / "include/rustml.h"), known)
    functions = [f"{f.returns.c} {f.name}({parameters(f)}) {{ return 0; }}" for f in header.functions]
    (folder / "empty.c").write_text("\n".join(["#include <stdint.h>", *core, *types(header, known), *functions, ""]))
    subprocess.run(["cc", "-g", "-O0", "-shared", "-fPIC", "-Wno-unused-parameter", "-o", "empty.so", "empty.c"], cwd=folder, check=True)
    return folder / "empty.so"


def compare(name, version, header, folder):
    """Why a client of `version` could not use what `header` declares: abidiff's words; empty if it can."""
    known = {struct.name: len(struct.fields) for of in HEADERS for struct in read(HERE / version / f"{of}.h").structs}
    command = ["abidiff", "--no-added-syms", "--harmless", HERE / version / f"{name}.abi", described(header, known, folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode & 3:
        raise RuntimeError(f"abidiff could not compare: {done.stdout}{done.stderr}")
    return done.stdout if done.returncode else ""


def check_baseline():
    with tempfile.TemporaryDirectory() as folder:
        for version in released():
            for name in HEADERS:
                problem = compare(name, version, read(ROOT / f"include/{name}.h"), pathlib.Path(folder))
                if problem:
                    yield f"include/{name}.h: a client of {version} would break:\n{problem}"
    if not released():
        yield "src/api/abi_history.json: no release is in it"


# Header, what there is, what there would be.
BREAKS = {
    "two members of the same size swapped": ("rustml", ("  float top_p;", "  float min_p;"), ("  float min_p;", "  float top_p;")),
    "swapped, and one appended": ("rustml", ("  uint64_t prompt_tokens;", "  uint64_t generated_tokens;", "\n} rustml_result;"),
                                  ("  uint64_t generated_tokens;", "  uint64_t prompt_tokens;", "\n  uint64_t later;\n} rustml_result;")),
    "a member of another type": ("rustml", ("  uint64_t seed;",), ("  int64_t seed;",)),
    "a member inserted": ("rustml", ("  uint64_t seed;",), ("  uint64_t more;\n  uint64_t seed;",)),
    "a member taken away": ("rustml", ("  uint64_t accepted_tokens;",), ("  /* gone */",)),
    "a struct without struct_size grown": ("rustml", ("\n} rustml_text;",), ("\n  uint64_t more;\n} rustml_text;",)),
    "a parameter of another type": ("rustml", ("rustml_deadline_after_ns(int64_t",), ("rustml_deadline_after_ns(uint64_t",)),
    "a parameter more": ("rustml", ("rustml_cancel_trigger(rustml_cancel *cancel, uint32_t reason)",),
                         ("rustml_cancel_trigger(rustml_cancel *cancel, uint32_t reason, uint32_t more)",)),
    "const taken away": ("rustml", ("rustml_session_get_info(const rustml_session",), ("rustml_session_get_info(rustml_session",)),
    "a callback's parameter of another type": ("rustml", ("(*write)(void *user_data, const void *data, uint64_t len)",),
                                               ("(*write)(void *user_data, const void *data, int64_t len)",)),
    "a function removed": ("rustml", ("RUSTML_API uint64_t rustml_now_ns(void);",), ("",)),
    "a function of the hub removed": ("rustml_hub", ("RUSTML_HUB_API const char *rustml_hub_version(void);",), ("",)),
    "two members of the hub's swapped": ("rustml_hub", ("  rustml_text endpoint;", "  rustml_text token;"),
                                         ("  rustml_text token;", "  rustml_text endpoint;")),
}
ADDITIONS = {
    "a function": ("rustml", ("RUSTML_API uint64_t rustml_now_ns(void);",),
                   ("RUSTML_API uint64_t rustml_now_ns(void);\nRUSTML_API uint64_t rustml_later(const rustml_model *model);",)),
    "members at the end": ("rustml", ("\n} rustml_generation_options;", "\n} rustml_event;"),
                           ("\n  uint64_t later;\n} rustml_generation_options;", "\n  uint64_t later;\n} rustml_event;")),
    "a struct": ("rustml", ("typedef struct rustml_prompt {",),
                 ("typedef struct rustml_later {\n  uint32_t struct_size, flags;\n} rustml_later;\ntypedef struct rustml_prompt {",)),
    "a constant": ("rustml", ("#define RUSTML_DONE 107 ",), ("#define RUSTML_LATER 108\n#define RUSTML_DONE 107 ",)),
}


def planted(name, old, new):
    path = ROOT / f"include/{name}.h"
    text = path.read_text(encoding="utf-8")
    for i, words in enumerate(old):
        if text.count(words) != 1:
            raise AssertionError(f"{path}: {words!r} is there {text.count(words)} times; the check no longer fits the header")
        text = text.replace(words, f"@{i}@")
    for i, words in enumerate(new):
        text = text.replace(f"@{i}@", words)
    return read(path, text)


def check_planted():
    with tempfile.TemporaryDirectory() as folder:
        for version in released()[-1:]:
            for what, (name, old, new) in BREAKS.items():
                if not compare(name, version, planted(name, old, new), pathlib.Path(folder)):
                    yield f"{what}: not caught"
            for what, (name, old, new) in ADDITIONS.items():
                problem = compare(name, version, planted(name, old, new), pathlib.Path(folder))
                if problem:
                    yield f"{what} added is compatible, and was refused:\n{problem}"
    from bindings import layout
    header = read(ROOT / "include/rustml.h")
    for old, new in (("#define RUSTML_BUSY 100 ", "#define RUSTML_BUSY 99 "), ("#define RUSTML_EVENT_LOG 4 ", "")):
        if layout.layout_hash(planted("rustml", (old,), (new,))) == layout.layout_hash(header):
            yield f"{old!r} changed, and the layout hash did not"


def check_names(library, version_script, nm, readelf):
    wanted, node = set(), None
    for line in pathlib.Path(version_script).read_text().splitlines():
        opened, name = re.match(r"(\S+) \{", line), re.match(r"    (\w+);", line)
        node = opened.group(1) if opened else node
        if name:
            wanted.add((name.group(1), node))
    def listed(*options):
        lines = subprocess.run([nm, "-D", *options, library], check=True, capture_output=True, text=True).stdout.splitlines()
        return [(line.split()[-2], line.split()[-1]) for line in lines]
    found = set()
    for kind, name in listed("--defined-only", "--with-symbol-versions"):
        if kind == "A":  # the nodes themselves
            continue
        bare, _, of = name.partition("@@")
        found.add((bare, of))
        if kind != "T":
            yield f"{library}: {name} is of kind {kind}; functions (T) only" + (": -fno-gnu-unique is missing" if kind == "u" else "")
    yield from (f"{library}: {name}@@{node} is not exported" for name, node in sorted(wanted - found))
    yield from (f"{library}: {name}@@{node} is exported and in no version script" for name, node in sorted(found - wanted))
    if len(wanted) < 6:
        yield f"{version_script}: only {len(wanted)} names found; the pattern no longer fits"
    for kind, name in listed("--undefined-only"):
        if kind in "wv" and not re.fullmatch(r"_ITM_\w+|__gmon_start__|__cxa_\w+|__pthread_key_create", name.split("@")[0]):
            yield f"{library}: {name} is a weak import: it may be absent at run time, and then a call of it is the end"
    dynamic = subprocess.run([readelf, "-dW", library], check=True, capture_output=True, text=True).stdout
    stem = re.match(r"[\w-]+\.so", pathlib.Path(library).name).group(0)
    if f"[{stem}.1]" not in "".join(line for line in dynamic.splitlines() if "(SONAME)" in line):
        yield f"{library}: its SONAME is not {stem}.1"
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    yield from (f"{library}: needs {name}" for name in needed if name not in (NEEDED[stem] + " " + RUNTIME).split())
    if "libc.so.6" not in needed:
        yield f"{library}: no NEEDED entries found; the pattern no longer fits"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic) and stem == "librustml.so":
        yield f"{library}: has a run path"


def check_earlier(hub, version_script):
    script = pathlib.Path(version_script).read_text()
    public = re.sub(r"RUSTML_PRIVATE_\d+ \{.*?\};\n", "", script, flags=re.S)
    if public == script:
        yield f"{version_script}: has no private node; this check no longer fits it"
    with tempfile.TemporaryDirectory() as folder:
        names = re.findall(r"    (\w+);", script)
        pathlib.Path(folder, "empty.c").write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in names))
        for nodes, refused in ((script, False), (public, True)):
            pathlib.Path(folder, "nodes.map").write_text(nodes)
            subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,librustml.so.1", "-Wl,--version-script=nodes.map", "-o", "librustml.so.1", "empty.c"],
                           cwd=folder, check=True)
            loaded = subprocess.run([sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", hub], capture_output=True, text=True,
                                    env={**os.environ, "LD_LIBRARY_PATH": folder})
            if not refused and loaded.returncode:
                yield f"{hub}: is not loaded beside a librustml with every node: {loaded.stderr}"
            if refused and not re.search(r"version .RUSTML_PRIVATE_1' not found \(required by .*librustml-hub", loaded.stderr):
                yield f"{hub}: an earlier librustml is not refused by the name of the node it lacks: {loaded.stderr}"


def check_freeze():
    place = HERE / released()[-1]
    if place.exists():
        yield f"{place} is there already"
        return
    place.mkdir()
    for name in HEADERS:
        header = ROOT / f"include/{name}.h"
        shutil.copy(header, place)
        with tempfile.TemporaryDirectory() as folder:
            library = described(read(header), {}, pathlib.Path(folder))
            subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed",
                            "--out-file", place / f"{name}.abi", library], check=True)


def main():
    if sys.argv[1] not in ("names", "earlier"):
        try:
            import clang.cindex
            clang.cindex.Index.create()
            subprocess.run(["abidiff", "--version"], capture_output=True)
        except (ImportError, OSError, RuntimeError) as problem:
            print(f"SKIPPED {sys.argv[1]}: {problem}; apt-get install python3-clang abigail-tools")
            return 77
    breaches = list(globals()[f"check_{sys.argv[1]}"](*sys.argv[2:]))
    for breach in breaches:
        print(breach)
    print(f"{sys.argv[1]}: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

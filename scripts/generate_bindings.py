#!/usr/bin/python3
"""generate_bindings.py [--out FOLDER] [--freeze]: everything that is made from include/rustml.h and src/api/options.toml, so that nothing drifts.

Writes into the tree (or, as the tree would be, into FOLDER): version scripts, .def files, the layout table of the library, the raw
layer of each binding, and what src/api/options.toml describes. Needs Python 3.11 and Debian's python3-clang; without them says so and returns 77.
--freeze adds the present ABI to src/api/abi_history.json: once for each release. A version that is there may not change.
"""

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from bindings import csharp, exports, go, layout, model, option_classes, options, python, rust  # noqa: E402

HISTORY = "src/api/abi_history.json"
OPTIONS = "src/api/options.toml"
# Structs whose fields the engine has under the same names.
FILLED = [f"rustml_{name}" for name in ("model_info", "memory_plan", "session_info", "snapshot_info", "restore_info", "result")]


def outputs(header, hub, history, sections):
    """path -> text of every generated file."""
    def released(key):
        return [(release["version"], release[key]) for release in history]

    return {
        "src/api/rustml.map": exports.version_script(header, header.version, released("functions"), "RUSTML"),
        "src/api/rustml.def": exports.module_definition(header, "rustml"),
        "src/hub/rustml_hub.map": exports.version_script(hub, header.version, released("hub_functions"), "RUSTML_HUB"),
        "src/hub/rustml_hub.def": exports.module_definition(hub, "rustml-hub"),
        "src/api/layout_generated.h": layout.table(header, history),
        "src/boundary/layouts_generated.h": layout.fields(header, ["#include <rustml.h>", "", "namespace rustml::boundary {", "",
                                                                   "template <class T>", "struct Layout;", ""]),
        "src/hub/layouts_generated.h": layout.fields(hub, ["#include <rustml_hub.h>", "", '#include "boundary/layouts_generated.h"', "",
                                                           "namespace rustml::boundary {", ""]),
        "src/api/init_generated.cpp": layout.initializers(header),
        "src/api/fields_generated.h": layout.filled(header, FILLED),
        "tests/api/layout_generated.h": layout.c_assertions(header),
        "bindings/go/internal/raw/types_generated.go": go.types(header),
        "bindings/go/internal/raw/cgo_generated.go": go.cgo(header),
        "bindings/go/internal/raw/purego_generated.go": go.purego(header),
        "bindings/csharp/Rustml/Native.generated.cs": csharp.native(header),
        "bindings/rust/rustml-sys/src/bindings.rs": rust.bindings(header),
        "bindings/python/rustml/_raw.py": python.raw(header),
        "src/base/options_generated.h": options.cpp_ranges(sections),
        "src/boundary/defaults_generated.h": options.cpp_defaults(header, sections),
        "bindings/go/generation_options_generated.go": option_classes.go_options(header, sections),
        "bindings/csharp/Rustml/Options.generated.cs": option_classes.csharp_options(header, sections),
        "bindings/rust/rustml/src/options_generated.rs": option_classes.rust_options(header, sections),
        "bindings/python/rustml/_options.py": option_classes.python_options(header, sections),
        "tests/bindings/cases_c_generated.h": option_classes.c_runner(header, sections),
        "tests/bindings/cases_go_generated.go": option_classes.go_runner(header, sections),
        "tests/bindings/csharp/Numbers.generated.cs": option_classes.csharp_runner(header, sections),
        "bindings/rust/cases/src/numbers_generated.rs": option_classes.rust_runner(header, sections),
    }


def check_history(header, hub, history):
    major, minor = header.version
    for release in history:
        for of, key in ((header, "hash"), (hub, "hub_hash")):
            now = f"0x{layout.layout_hash(of):016x}"
            if tuple(release["version"]) == header.version and release[key] != now:
                sys.exit(f"{of.path}: ABI {major}.{minor} is released and frozen with hash {release[key]}, the header now has {now}; "
                         "take the change back, or raise RUSTML_VERSION_MINOR if it only adds")


def freeze(header, hub, history):
    if header.version in [tuple(release["version"]) for release in history]:
        sys.exit(f"{HISTORY}: {header.version} is there already")
    history.append({"version": list(header.version), "hash": f"0x{layout.layout_hash(header):016x}",
                    "hub_hash": f"0x{layout.layout_hash(hub):016x}",
                    "functions": sorted(f.name for f in header.functions), "hub_functions": sorted(f.name for f in hub.functions)})
    (ROOT / HISTORY).write_text(json.dumps(history, indent=1) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=pathlib.Path, default=ROOT)
    arguments.add_argument("--freeze", action="store_true")
    given = arguments.parse_args()
    try:
        import tomllib  # noqa: F401

        import clang.cindex
        clang.cindex.Index.create()
    except (ImportError, OSError, RuntimeError) as problem:
        print(f"generate_bindings.py: {sys.executable}: {problem}; needs Python 3.11 and libclang: apt-get install python3-clang", file=sys.stderr)
        sys.exit(77)
    header, hub = (model.read(clang.cindex, ROOT / "include" / name) for name in ("rustml.h", "rustml_hub.h"))
    sections = options.read(ROOT / OPTIONS, header)
    history = json.loads((ROOT / HISTORY).read_text())
    check_history(header, hub, history)
    if given.freeze:
        freeze(header, hub, history)
    for name, text in outputs(header, hub, history, sections).items():
        path = given.out / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    main()

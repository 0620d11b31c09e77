"""make_next.py OUT: the sources of a library one minor version later than this tree's, in OUT (include/, src/api/, src/boundary/).

What 1.x allows is planted: a field at the end of an option struct and of a result struct, and a function in a version node of
its own. The tests run clients of each version on libraries of each version.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# file -> (what is there, what is to be there)
PLANTED = {
    "include/rustml.h": [
        (r"(#define RUSTML_VERSION_MINOR )(\d+)u", lambda m: f"{m[1]}{int(m[2]) + 1}u"),
        (r"\n\} rustml_generation_options;", "\n  uint64_t later_option; /* 0: off */\n} rustml_generation_options;"),
        (r"\n\} rustml_result;", "\n  uint64_t later_result; /* later_option, as it was understood */\n} rustml_result;"),
        (r"(\n#ifdef __cplusplus\n\}\n#endif\n#endif)", r"\n/* Came with this version. */\nRUSTML_API int32_t rustml_later(void);\n\1"),
    ],
    "src/api/options.toml": [(r"\[generation\]\nby_hand = \[", "[generation]\nby_hand = [\"later_option\", ")],
    "src/api/generation.cpp": [
        (r"result\.write\(filled<rustml_result>\(running_generation->result\(\)\)\);",
         "auto result_now = filled<rustml_result>(running_generation->result());\n    result_now.later_result = options.later_option;\n    result.write(result_now);"),
        (r"\Z", "\nint32_t rustml_later(void) { return 42; }\n"),
    ],
}

# The same of what is generated then: the engine, which is this version's, has no such field.
PLANTED_BEHIND = {"src/api/fields_generated.h": [(r"  f\(to\.later_result, from\.later_result\);\n", "")]}


def plant(out, planted):
    for name, changes in planted.items():
        text = (out / name).read_text(encoding="utf-8")
        for old, new in changes:
            text, n = re.subn(old, new, text)
            if n != 1:
                sys.exit(f"make_next.py: {old!r} is {n} times in {name}; the plan no longer fits the source")
        (out / name).write_text(text, encoding="utf-8")


def main():
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    for folder in ("include", "scripts", "src/api", "src/boundary", "src/hub"):
        shutil.copytree(ROOT / folder, out / folder, ignore=shutil.ignore_patterns("__pycache__"))
    plant(out, PLANTED)
    subprocess.run([sys.executable, out / "scripts/generate_bindings.py"], check=True, stdout=subprocess.DEVNULL)
    plant(out, PLANTED_BEHIND)


if __name__ == "__main__":
    main()

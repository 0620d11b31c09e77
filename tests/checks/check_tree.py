"""check_tree.py CHECK: one rule of src/README.md over the whole tree; prints each breach as file:line: what.

CHECK is includes, libraries, kernels, length, functions, mirror, words, locale, math, memory or format. Needs only Python's standard library (format also
clang-format 14). Exceptions stand in the tables below, each with its reason.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = (".c", ".cpp", ".h")
MOST_LINES = 600
MOST_FUNCTION_LINES = 60

# Rooms a room may include besides itself. Only downwards; the program knows the public headers, and of the rooms how text is written.
MAY_INCLUDE = {
    "base": set(),
    "runtime": {"base"},
    "tensor": {"base"},
    "kernels": {"tensor", "base"},
    "ops": {"kernels", "tensor", "runtime", "base"},
    "formats": {"tensor", "runtime", "base"},  # runtime: a load is a long call, its reader polls the deadline
    "tokenizer": {"formats", "runtime", "base"},  # runtime: encoding polls the deadline
    "chat": {"tokenizer", "runtime", "base"},
    "models": {"ops", "formats", "tensor", "runtime", "base"},
    "generation": {"models", "tokenizer", "chat", "ops", "formats", "kernels", "tensor", "runtime", "base"},
    "boundary": {"base"},  # static, in both libraries: knows them by rustml.h and library.h
    "api": {"boundary", "generation", "tokenizer", "chat", "runtime", "base"},
    "hub": {"boundary", "base"},  # its stateless parts, compiled in; the core is known by rustml.h alone
    "cli": {"base"},  # of which CLI_BASE_HEADERS alone
}
# How text and numbers are read and written; those that have a source are compiled into the program.
CLI_BASE_HEADERS = ("base/ascii.h", "base/error.h", "base/json_scanner.h", "base/json_writer.h", "base/number_text.h", "base/options_generated.h",
                    "base/utf8.h")
# (file, included room): why.
INCLUDE_EXCEPTIONS = {}

# Header pattern of an outside library -> files that may include it.
LIBRARY_OWNERS = {
    r"xsimd/": r"src/kernels/",
    r"(oneapi/)?tbb/": r"src/runtime/jobs\.",
    r"spdlog/": r"src/cli/terminal\.cpp",
    r"cjson/|cJSON": r"src/base/json\.cpp|tests/bindings/cases_c\.|tests/api/hooks_test",
    r"pcre2": r"src/tokenizer/pretokenize",
    r"utf8proc": r"src/tokenizer/normalize|src/chat/characters",
    r"xxhash|xxh3": r"src/base/hash\.cpp|tests/base/hash_test",
    r"curl/": r"src/hub/http\.cpp",
    r"openssl/": r"src/hub/digest\.cpp",
    r"CLI/": r"src/cli/options\.cpp",
    r"gtest/|gmock/|rapidcheck": r"tests/",
    r"simde/": r"tests/kernels/emulated_avx512\.h",
    r"benchmark/": r"bench/",
}

# Kernels never allocate, throw, log, start threads or use std containers.
KERNEL_WORDS = r"std::(vector|string|map|unordered_map|function|thread|mutex|unique_ptr|shared_ptr)\b|\bthrow\b|\bmalloc\(|\bnew \w|base::log\("

# What the locale changes: numbers with a fraction, classes of characters, the system's words. base/number_text.h, base/ascii.h and
# errno_text do not ask it. Whole numbers have std::to_string and %d; of a double it imports vsnprintf, which
# tests/api/check_library.py sees.
LOCALE_WORDS = (
    r"\b(strto(d|f|ld)|atof|is(alpha|digit|alnum|space|upper|lower|punct|print|cntrl|xdigit|graph)|to(upper|lower)|str(n?casecmp|coll|xfrm)"
    r"|setlocale|localeconv|(new|use)locale|strftime|localtime(_r)?|asctime(_r)?|ctime(_r)?|strerror(_r)?|perror)\("
    r"|std::(sto(d|f|ld)|locale|regex|put_time|get_time|setprecision|fixed|scientific|o?i?stringstream|(generic|system)_category)\b"
    r"|\bFormatMessage|<(cctype|clocale|locale|iomanip|sstream|regex)>"
)
LOCALE_FORMAT = r"%[-+#0']*(\d+|\*)?(\.(\d+|\*)?)?[lL]?[aAeEfFgG]"  # in a string
# (file, word): why.
LOCALE_EXCEPTIONS = {
    (r"src/cli/", r"strerror\("): "the program's own words: it never calls setlocale, as this check shows",
    (r"src/chat/time_text\.cpp", r"localtime_r\("): "asks the time zone alone; the words are our own",
    (r"src/chat/(time_text|percent_format)\.cpp", r"%a"): "names a letter of the template's own formats",
    (r"src/base/path_windows\.cpp", r"std::system_category"): "carries the number; its words are windows_message's",
}

# Functions of libm whose bits differ between systems: base/math.h has its own. Exact ones (sqrt, ldexp, nearbyint, fmax) may stay.
MATH_WORDS = (
    r"\bstd::(pow|sin|cos|tan|asin|acos|atan2?|sinh|cosh|tanh|asinh|acosh|atanh|exp|exp2|expm1|log|log2|log10|log1p|cbrt|hypot|erfc?"
    r"|[tl]gamma|fma|\w+_distribution)\b"
    r"|(?<![\w.>:])(pow|sin|cos|tan|a?tanh|atan2?|exp2|expm1|log2|log10|log1p|cbrt|hypot|(pow|sin|cos|tan|tanh|exp|log|fma)[fl])\("
    r"|\blong double\b"
)
MATH_EXCEPTIONS = {}  # (file, word): why

# Sources without a test file of their own: where they are tested instead.
MIRROR_EXCEPTIONS = {
    r"cli/main\.cpp": "tests/cli runs the whole program",
    r"cli/system_\w+\.cpp": "tests/cli and tests/windows run the whole program",
    r"\w+/\w+_linux\.cpp": "half of a header that has a test, or is used by everything",
    r"\w+/\w+_windows\.cpp": "tests/windows/platform_test.cpp",
    r"cli/(answer|load|long_call)\.cpp": "tests/cli/run_test.cpp and chat_test.cpp run the whole program",
    r"cli/hub_commands\.cpp": "tests/cli/hub_test.cpp runs the whole program",
    r"hub/(api|call|http|partial)\.cpp": "tests/hub/resolve_test.cpp and download_test.cpp run the library against a server",
    r"kernels/target_\w+\.cpp": "the kernel tests run every table entry on every target",
    r"chat/.*": "tests/chat/template_test.cpp runs whole templates, compared with Jinja2's results",
    r"api/.*": "tests/api tests the functions of rustml.h, in C",
}

# What ends or misleads the process when memory runs out: what is used instead. libstdc++ 12, OpenSSL 3.0.
WITHOUT_MEMORY = {
    r"\bdirectory_iterator\b|\brecursive_directory_iterator\b|\bremove_all\(|\bfs::is_empty\(|filesystem::is_empty\(":
        "allocates in a noexcept function: base/path.h, hub/disk.h",
    r"\bEVP_": "crashes where it fetches an algorithm: the functions of one algorithm (hub/digest.cpp)",
    r"\bstd::[io]?fstream\b": "swallows exhausted memory: base/system_file.h, base/file_writer.h",
}
# Files that may all the same: why.
WITHOUT_MEMORY_EXCEPTIONS = {
    "src/runtime/processors_linux.cpp": "what is not read is not known, and has a default",
    "src/cli/system_linux.cpp": "what is not read is not known, and is not shown",
}

WORDS = r"\b(TODO|FIXME|XXX|HACK|placeholder|DISABLED_\w+)\b"
# A test is skipped with its reason, and counted as skipped (tests/checks/count_results.py).
SKIPS = r"\bGTEST_SKIP\(\)(?! << [\"\w])"
SAID_SKIPS = r"\"SKIPPED "  # in a program of GoogleTest, where nobody counts it
FILE_NAMES = r"(^|_)(utils?|common|helpers?|manager|misc)(_|\.|$)"


def files(*folders, suffixes=SOURCES):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes:
                yield path, path.relative_to(ROOT).as_posix()


def lines(path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


def includes(path):
    for number, line in lines(path):
        found = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if found:
            yield number, found.group(1), found.group(2)


def check_includes():
    for path, name in files("src"):
        room = name.split("/")[1]
        for number, quote, header in includes(path):
            other = header.split("/")[0]
            if quote == '"' and other == room:
                continue
            if quote == '"' and other not in MAY_INCLUDE:
                if header in ("rustml.h", "rustml_hub.h"):
                    header = "<rustml.h>"
                elif not (path.parent / header).exists() or "/" in header:
                    yield f"{name}:{number}: includes {header}, which is no room's header"
                else:
                    yield f"{name}:{number}: includes {header} without its room: write \"{room}/{header}\""
            elif quote == '"' and other not in MAY_INCLUDE.get(room, set()) and (name, other) not in INCLUDE_EXCEPTIONS:
                yield f"{name}:{number}: {room} may not include {other}"
            if header in ("rustml.h", "<rustml.h>") and room not in ("boundary", "api", "hub", "cli"):
                yield f"{name}:{number}: only boundary, api, hub and cli include rustml.h"
            if header == "rustml_hub.h" and room not in ("hub", "cli"):
                yield f"{name}:{number}: only hub and cli include rustml_hub.h"
            if room == "cli" and other == "base" and header not in CLI_BASE_HEADERS:
                yield f"{name}:{number}: cli knows the library by rustml.h; {header} is not for it"
            if room == "hub" and header in ("base/log.h", "base/json.h"):
                yield f"{name}:{number}: hub uses the stateless parts of base alone"


def check_libraries():
    for path, name in files("src", "include", "tests", "bench", "examples"):
        for number, _, header in includes(path):
            for pattern, owner in LIBRARY_OWNERS.items():
                if re.match(pattern, header) and not re.match(owner, name):
                    yield f"{name}:{number}: {header} belongs to {owner}"


def check_kernels():
    for path, name in files("src/kernels"):
        if name.endswith("select.cpp"):  # chooses the target once, outside the token path
            continue
        for number, line in lines(path):
            code = line.split("//")[0]
            if re.search(KERNEL_WORDS, code):
                yield f"{name}:{number}: kernels neither allocate, throw, log, start threads nor use containers: {code.strip()}"


def check_length():
    for path, name in files("src", "tests", "bench", "examples", suffixes=SOURCES + (".py",)):
        n = sum(1 for _ in lines(path))
        if n > MOST_LINES and "generated" not in name and not re.match(r"tests/abi/\d", name):  # nor copies of released headers
            yield f"{name}:{n}: {n} lines, at most {MOST_LINES}"


def check_functions():
    """A function of src ends with the brace that stands below its first letter (clang-format); one in a class stands two columns in."""
    other = r"namespace|struct|class|enum|union|extern|if|for|while|switch|else|do\b|try|case|return|#|//|\}"
    for path, name in files("src", suffixes=(".cpp", ".h")):
        text = path.read_text(encoding="utf-8").split("\n")
        for i, line in enumerate(text):
            if not line.endswith("{") or re.search(r"(=|\() ?\{$", line) or "generated" in name:
                continue
            first = i  # of the head, which may take several lines
            while first > 0 and text[first - 1] and text[first - 1][-1] not in ";{}" and "//" not in text[first - 1]:
                first -= 1
            first += text[first].lstrip().startswith("template <") and first < i
            head = re.match(rf"(| {{2}})(?! )(?!{other})\S", text[first])
            if head is None:
                continue
            n = next((j for j in range(i, len(text)) if text[j].startswith(head[1] + "}")), i) - first + 1
            if n > MOST_FUNCTION_LINES:
                yield f"{name}:{first + 1}: a function of {n} lines, at most {MOST_FUNCTION_LINES}"


def check_mirror():
    for path, name in files("src", suffixes=(".cpp",)):
        room_file = name[len("src/"):]
        if any(re.fullmatch(pattern, room_file) for pattern in MIRROR_EXCEPTIONS):
            continue
        test = ROOT / "tests" / room_file.replace(".cpp", "_test.cpp")
        if not test.exists():
            yield f"{name}:1: no {test.relative_to(ROOT)}"
    for path, name in files("tests", suffixes=(".cpp",)):
        room = name.split("/")[1]
        if name.endswith("_test.cpp") and room in MAY_INCLUDE and room not in ("api", "cli"):
            stem = path.stem[:-len("_test")]
            sources = [source.stem for source in (ROOT / "src" / room).glob("*.*")]
            # gguf_corpus_test tests gguf, targets_test every target_<isa>.
            if not any(stem.startswith(source) or source.startswith(stem.rstrip("s")) for source in sources):
                yield f"{name}:1: tests no source of that name"


def check_words():
    for path, name in files("src", "include", "tests", "bench", "examples", "scripts", "cmake",
                            suffixes=SOURCES + (".py", ".cmake", ".sh", "")):
        if path.samefile(__file__) or "__pycache__" in name:
            continue
        if re.search(FILE_NAMES, path.stem):
            yield f"{name}:1: a file's name says what is in it, not that it is {path.stem}"
        gtest = path.suffix == ".cpp" and "<gtest/gtest.h>" in path.read_text(encoding="utf-8")
        for number, line in lines(path):
            found = re.search(WORDS, line)
            if found:
                yield f"{name}:{number}: {found.group(0)}"
            if re.search(SKIPS, line):
                yield f"{name}:{number}: GTEST_SKIP() << \"the reason\": a skip without one counts as a failure"
            if gtest and re.search(SAID_SKIPS, line):
                yield f"{name}:{number}: GTEST_SKIP() << \"the reason\" is counted, a printed line is not"


def uses(pattern, exceptions, also=None):
    for path, name in files("src"):
        for number, line in lines(path):
            code = re.sub(r"//.*", "", line)
            found = re.search(pattern, code)
            if also and not found:
                found = next(filter(None, (re.search(also, text) for text in re.findall(r'"(?:\\.|[^"\\])*"', line))), None)
            if found and not any(re.match(file, name) and re.match(word, found.group(0)) for file, word in exceptions):
                yield name, number, found.group(0)


def check_locale():
    for name, number, word in uses(LOCALE_WORDS, LOCALE_EXCEPTIONS, LOCALE_FORMAT):
        yield f"{name}:{number}: {word} asks the locale; base/number_text.h, base/ascii.h and errno_text do not"


def check_math():
    for name, number, word in uses(MATH_WORDS, MATH_EXCEPTIONS):
        yield f"{name}:{number}: {word} differs between systems; base/math.h does not"


def check_memory():
    for path, name in files("src"):
        for number, line in lines(path):
            code = line.split("//")[0]
            for pattern, why in WITHOUT_MEMORY.items():
                if re.search(pattern, code) and name not in WITHOUT_MEMORY_EXCEPTIONS:
                    yield f"{name}:{number}: {re.search(pattern, code).group(0)} {why}"


def check_format():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else "none"
    if "version 14." not in version:
        print(f"SKIPPED format: needs clang-format 14 (Debian 12: apt-get install clang-format), found {version.strip()}")
        sys.exit(77)
    names = [name for _, name in files("src", "tests", "bench", "examples") if "generated" not in name]
    run = subprocess.run([tool, "--dry-run", "--Werror", *names], cwd=ROOT, capture_output=True, text=True)
    for name, count in sorted({n: run.stderr.count(f"\n{n}:") + run.stderr.startswith(f"{n}:") for n in names}.items()):
        if count:
            yield f"{name}:1: {count} places differ from clang-format -i"


def main():
    check = globals()["check_" + sys.argv[1]]
    breaches = list(check())
    for breach in breaches:
        print(breach)
    print(f"{sys.argv[1]}: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

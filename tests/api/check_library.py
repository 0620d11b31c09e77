"""check_library.py CHECK ...: what can be said about the library without running it. Prints each breach, returns 1 if there is one.

names HEADER LIBRARY NM     exported names are exactly the header's functions and those of PRIVATE
imports LIBRARY NM          nothing is imported that could end, change or print into the host process, asks the locale, or has other bits elsewhere
guards HEADER SOURCES       every exported function runs inside guard(), and only guard.{h,cpp} catch
header HEADER COMPILER...   the header alone compiles as C11, C17, C++17 and C++20 without a warning, and refuses 32 bits
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# Functions that may not be in the library's import table. Prefixes end in *.
FORBIDDEN = """abort exit _exit _Exit quick_exit atexit on_exit __cxa_atexit at_quick_exit signal sigaction sigprocmask bsd_signal raise kill
setlocale putenv setenv unsetenv clearenv chdir fchdir umask fork vfork clone posix_spawn* exec* system popen dlopen dlmopen
printf vprintf __printf_chk puts putchar perror fprintf __fprintf_chk fputs fputc fwrite stdout stderr stdin _ZSt4cout _ZSt4cerr _ZSt4clog
_ZSt9terminatev socket connect bind listen gethostbyname getaddrinfo rand srand random longjmp __longjmp_chk setjmp _setjmp
vsnprintf __vsnprintf_chk localeconv newlocale uselocale strtod strtof strtold atof strerror* __ctype_* isalpha isalnum isdigit isspace tolower toupper strcoll* strftime*
localtime* _ZNSt6locale* _ZNKSt6locale* pow powf sin sinf cos cosf tan tanf sincos* atan* exp expf exp2* expm1* log logf
log2* log10* log1p* tanh* sinh* cosh* cbrt* hypot* erf* tgamma* lgamma* fma fmaf""".split()

# Imports that look forbidden and are not: why.
ALLOWED = {
    "_ZNSt6localeD1Ev": "every file stream holds a locale; reading bytes and lines does not ask it",
    "strtod": "cJSON, built in, reads numbers with it; it is only given zeros (base/json.cpp)",
    "__ctype_tolower_loc": "cJSON's comparison without case, which nothing calls",
    "localtime_r": "strftime_now of chat templates asks the time zone; no word of it is the locale's (chat/time_text.cpp)",
    "_ZSt9terminatev": "every noexcept function refers to it; no call reaches it",
}

# Exported by librustml, declared in no public header: for librustml-hub alone (src/boundary/private.h), in a version node of their own.
PRIVATE = {"rustml_private_cancel_reason"}

# Exported functions without guard(): why.
UNGUARDED = {
    r"rustml_(abi_version|abi_layout_hash|abi_layout_json|version|now_ns|deadline_after_ns)": "constants and the clock; nothing can fail",
    r"rustml_\w+_init": "writes into the caller's struct; nothing can fail",
    r"rustml_error_(code|message|detail_json|callback_value|release)": "reads an immutable object; must work when nothing else does",
    r"rustml_cancel_(trigger|is_triggered)": "async-signal-safe: no lock, no memory, no log",
    r"rustml_\w+_retain|rustml_cancel_release": "one compare-and-swap; destroys nothing that could throw",
}


def declared(header):
    return set(re.findall(r"RUSTML_(?:HUB_)?API[^;]*?\b(rustml_\w+)\(", pathlib.Path(header).read_text()))


def symbols(library, nm, which):
    out = subprocess.run([nm, "-D", which, library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()[-2] not in "A"}


def check_names(header, library, nm):
    wanted, found = declared(header), symbols(library, nm, "--defined-only")
    if len(wanted) < (6 if header.endswith("rustml_hub.h") else 60):
        yield f"{header}: only {len(wanted)} functions found; the pattern no longer fits the header"
    if not header.endswith("rustml_hub.h"):
        wanted |= PRIVATE
    yield from (f"{library}: declared and not exported: {name}" for name in sorted(wanted - found))
    yield from (f"{library}: exported and not declared: {name}" for name in sorted(found - wanted))


def check_imports(library, nm):
    for name in sorted(symbols(library, nm, "--undefined-only")):
        for forbidden in FORBIDDEN:
            matches = name.startswith(forbidden[:-1]) if forbidden.endswith("*") else name == forbidden
            if matches and name not in ALLOWED:
                yield f"{library}: imports {name}"


def check_guards(header, sources):
    bodies = {}
    for path in sorted(pathlib.Path(sources).glob("*")):
        if path.suffix not in (".cpp", ".h"):
            continue
        text = path.read_text()
        if path.stem != "guard" and re.search(r"\btry\b *\{|\bcatch\b *\(", text):
            yield f"{path}: catches; only guard.h and guard.cpp do"
        for found in re.finditer(r"^[\w *]+?\b(rustml_\w+)\([^;{]*\) \{(.*?)(?:^\}|\}$)", text, re.M | re.S):
            bodies[found.group(1)] = found.group(2)
    for name in sorted(declared(header)):
        if any(re.fullmatch(pattern, name) for pattern in UNGUARDED):
            continue
        if name not in bodies:
            yield f"{sources}: {name} is not defined here"
        elif "guard(" not in bodies[name]:
            yield f"{sources}: {name} does not run inside guard()"


def check_header(header, *compilers):
    with tempfile.TemporaryDirectory() as folder:
        for standard, name in (("c11", "a.c"), ("c17", "a.c"), ("c++17", "a.cpp"), ("c++20", "a.cpp")):
            source = pathlib.Path(folder, name)
            source.write_text(f"#include <{pathlib.Path(header).name}>\n" "int main(void) { return rustml_abi_version() == 0; }\n")
            for compiler in compilers:
                command = [compiler, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-fsyntax-only",
                           "-I", str(pathlib.Path(header).parent), "-x", "c++" if "++" in standard else "c", str(source)]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode != 0:
                    yield f"{' '.join(command)}\n{done.stderr}"
        source = pathlib.Path(folder, "narrow.c")
        source.write_text(f"#include <stdint.h>\n#undef UINTPTR_MAX\n#define UINTPTR_MAX 0xFFFFFFFFu\n#include <{pathlib.Path(header).name}>\n")
        for compiler in compilers:
            done = subprocess.run([compiler, "-fsyntax-only", "-I", str(pathlib.Path(header).parent), str(source)], capture_output=True, text=True)
            if "64-bit targets only" not in done.stderr:
                yield f"{compiler}: {header} does not refuse a target of 32 bits"


def main():
    breaches = list(globals()[f"check_{sys.argv[1]}"](*sys.argv[2:]))
    print("\n".join(breaches) if breaches else f"{sys.argv[1]}: good")
    sys.exit(1 if breaches else 0)


main()

"""csharp_test.py LIBRARY_DIR WORK_DIR: the C# layer on the built library: hosts, finding the library, package, README and examples.

Prints SKIPPED with the reason where a tool is absent. The shared cases are in cases.py, the raw layer in run.py.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import csharp_tools
from csharp_tools import HERE, ROOT

DATA = ROOT / "tests/golden/data"
TINY = DATA / "architectures/llama.gguf"
SMOLLM2 = os.environ.get("RUSTML_SMOLLM2")
PARTS = ("layer", "nothing found", "overhead on SmolLM2")
EXAMPLES = {"Hello": "", "Stream": "", "Chat": "Hello\nAnd you?\n", "Cancel": "", "Snapshot": ""}


class Test:
    def __init__(self, libraries, work):
        self.libraries, self.work, self.failures = libraries, work, 0
        self.tools = csharp_tools.Tools(work)

    def run(self, program, *arguments, text=None, library=None, **settings):
        environment = {key: value for key, value in os.environ.items() if key not in ("RUSTML_LIBRARY", "LD_LIBRARY_PATH")}
        if library:
            environment["RUSTML_LIBRARY"] = str(library)
        print("+", program.stem, *arguments, flush=True)
        done = subprocess.run([*self.tools.command(program), *map(str, arguments)], input=text, env={**environment, **self.tools.environment, **settings},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)
        print(done.stdout.rstrip())
        if done.returncode:
            self.failures += 1
            print(f"FAILED {program.stem}: exit {done.returncode}")
        return done.stdout

    def check(self, good, what):
        if not good:
            self.failures += 1
            print(f"FAILED {what}")

    def hosts(self, library):
        self.run(self.tools.program("HostTest", [HERE / "HostTest.cs", HERE / "Doubles.cs"]), TINY, DATA / "slow_q4_0.gguf", library=library,
                 COMPlus_TieredCompilation="0")  # no thread that compiles again: they are counted
        raw = ROOT / "bindings/csharp/Rustml/Native.generated.cs"
        program = self.tools.program("OverheadTest", [HERE / "OverheadTest.cs", raw], "-unsafe")
        self.run(program, TINY, *[SMOLLM2] * bool(SMOLLM2), library=library)
        print("PASSED overhead on SmolLM2" if SMOLLM2 else "SKIPPED overhead on SmolLM2: set RUSTML_SMOLLM2=$(scripts/fetch-model)")

    def finding(self, library):
        program = self.tools.program("LoaderTest", [HERE / "LoaderTest.cs"])
        self.run(program, "found", library, library=library)
        self.run(program, "absent", "/no/such/librustml.so", library="/no/such/librustml.so")
        broken = self.work / "broken.so"
        broken.write_text("no library\n")
        self.run(program, "absent", f"{broken}: ", library=broken)
        if "librustml" in subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout:
            print("SKIPPED nothing found: librustml is installed on this system")
        else:
            places = [f"{self.work}/{folder}{name}" for folder in ("", "runtimes/linux-x64/native/") for name in ("librustml.so.1", "librustml.so")]
            self.run(program, "absent", *places, "librustml.so.1: not among")
            print("PASSED nothing found")
        self.run(program, "refused", library=other_library(self.work))

    def package(self, library):
        """What a project gets that refers to the NuGet package: the README's program, compiled against it, finds the library in it."""
        folder = self.work / "packaged"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with zipfile.ZipFile(self.tools.package(library, self.work)) as package:
            names = package.namelist()
            package.extractall(folder)
        native = next(name for name in names if name.startswith("runtimes/"))
        shutil.copy(folder / "lib/netstandard2.1/Rustml.dll", folder)
        readme = re.search(r"```csharp\n(.*?)```", (ROOT / "bindings/csharp/README.md").read_text(), re.S).group(1)
        example = (ROOT / "examples/csharp/Stream.cs").read_text().split("\n", 1)[1]
        self.check(readme == example, "README.md's program is examples/csharp/Stream.cs")
        (folder / "Program.cs").write_text(readme)
        program = self.tools.program("packaged/Program", [folder / "Program.cs"])
        self.check(re.search(r"\[\d+ tokens, \w+, first", self.run(program, TINY)), "README.md's program answers")
        loader = shutil.copy(self.work / "LoaderTest.dll", folder)
        shutil.copy(self.work / "LoaderTest.runtimeconfig.json", folder)
        self.run(pathlib.Path(loader), "found", folder / native)

    def examples(self, library):
        for name, text in EXAMPLES.items():
            program = self.tools.program(name, [ROOT / f"examples/csharp/{name}.cs"])
            self.check(self.run(program, TINY, text=text, library=library).strip(), f"{name} prints something")
        program = self.tools.program("LongChat", [ROOT / "examples/csharp/LongChat.cs"])
        said = self.run(program, TINY, "160", text="".join(f"Say something about {i}.\n" for i in range(50)), library=library)
        self.check(said.count("prompt tokens were known)\n") == 50 and said.count("(dropped ") > 5, "LongChat goes on when the context is full")


def other_library(work):
    """A library with another layout hash; nothing else of it is called."""
    source, out = work / "other.c", work / "other.so"
    source.write_text("unsigned long long rustml_abi_layout_hash(unsigned a, unsigned b) { return a + b + 12345; }\n"
                      "unsigned rustml_abi_version(void) { return 1; }\n")
    csharp_tools.run(["cc", "-shared", "-fPIC", "-o", out, source])
    return out


def main():
    libraries, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    try:
        test = Test(libraries, work)
    except csharp_tools.Skipped as reason:
        print("".join(f"SKIPPED {part}: {reason}\n" for part in PARTS))
        return 77
    library = libraries / "librustml.so"
    test.finding(library)
    test.package(library.resolve())
    test.examples(library)
    test.hosts(library)
    if test.failures:
        return f"{test.failures} FAILED"
    print("PASSED layer")


sys.exit(main())

"""run.py BUILD_DIR WORK_DIR LANGUAGE: the program of one language in README.md or docs/languages.md, pasted into an empty folder, with the commands below it.

They know the prefix, which was moved after `cmake --install`, and the environment that README.md names: nothing of the repository. The
program must be the example hello of its language and print what rustml-infer prints. LANGUAGE is c, cpp, go, csharp, rust or python.
Prints SKIPPED with the reason where a tool is absent. Debian has no .NET SDK: without one the C# program is compiled with the sources and
the library that the installed project names, by the compiler of scripts/setup_csharp.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/golden/data/base_q8_0.gguf"
README = (ROOT / "README.md").read_text() + (ROOT / "docs/languages.md").read_text()
# language: (example, file of the program, tool, what has it)
LANGUAGES = {
    "c": ("c/hello.c", "hello.c", "cc", "apt-get install gcc"),
    "cpp": ("cpp/hello.cpp", "hello.cpp", "c++", "apt-get install g++"),
    "go": ("go/hello/main.go", "main.go", "go", "https://go.dev/dl"),
    "csharp": ("csharp/Hello.cs", "Program.cs", "cc", "apt-get install gcc"),
    "rust": ("rust/src/bin/hello.rs", "src/main.rs", "cargo", "https://rustup.rs"),
    "python": ("python/hello.py", "hello.py", "python3", "apt-get install python3"),
}


def run(command, folder, environment):
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True)
    if done.returncode:
        sys.exit(f"FAILED {command}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done.stdout


def named_environment(prefix):
    """What README.md tells to export, with $PREFIX."""
    line = re.search(r"^export (PKG_CONFIG_PATH=\S+ LD_LIBRARY_PATH=\S+)", README, re.M).group(1)
    return dict(word.replace("$PREFIX", str(prefix)).split("=", 1) for word in line.split())


def csharp(folder, prefix, environment):
    """As `dotnet run` would: the installed project's sources, and the library it puts beside the program."""
    sys.path.insert(0, str(ROOT / "tests/bindings"))
    import csharp_tools

    try:
        tools = csharp_tools.Tools(folder.parent / "csharp-tools")
    except csharp_tools.Skipped as reason:
        print(f"SKIPPED readme csharp: {reason}")
        sys.exit(77)
    project = prefix / "share/rustml/csharp/Rustml"
    named = re.search(r'Exists.*?Include="([^"]*)"', (project / "Rustml.csproj").read_text()).group(1)
    library = next(path for pattern in named.split(";") for path in sorted(project.glob(pattern)))
    shutil.copy(library, folder)
    tools.compile("-target:library", "-unsafe", "-nullable:enable", f"-out:{folder}/Rustml.dll", *sorted(project.glob("*.cs")), RUSTML_NETSTANDARD="1")
    tools.compile("-target:exe", f"-r:{folder}/Rustml.dll", f"-out:{folder}/Program.dll", folder / "Program.cs")
    shutil.copy(tools.compiler.with_suffix(".runtimeconfig.json"), folder / "Program.runtimeconfig.json")
    return run(f"{csharp_tools.FOLDER}/dotnet Program.dll model.gguf", folder, {**environment, **tools.environment})


def main():
    build, work, language = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve() / sys.argv[3], sys.argv[3]
    example, file, tool, package = LANGUAGES[language]
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    prefix, folder = work / "prefix", work / "empty"
    subprocess.run(["cmake", "--install", build, "--prefix", work / "first"], check=True, capture_output=True)
    (work / "first").rename(prefix)
    own = {name: value for name, value in os.environ.items()
           if not re.match(r"RUSTML|LD_LIBRARY|PKG_CONFIG|PYTHONPATH|CMAKE|CARGO_TARGET|CGO|RUSTFLAGS|GOFLAGS|C_INCLUDE|CPATH|LIBRARY_PATH", name)}
    environment = {**own, **named_environment(prefix), "PREFIX": str(prefix)}

    program, commands = re.search(rf"```{language}\n(.*?)```\n\s*```sh\n(.*?)```", README, re.S).groups()
    whole = (ROOT / "examples" / example).read_text()
    if not whole.endswith(program) or program.count("\n") < whole.count("\n") - 3:
        sys.exit(f"FAILED the documented program is not examples/{example}")
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text(program)
    shutil.copy(MODEL, folder / "model.gguf")

    if not shutil.which(tool):
        print(f"SKIPPED readme {language}: no {tool}; {package}")
        sys.exit(77)
    if language == "csharp" and not (shutil.which("dotnet") and subprocess.run(["dotnet", "--list-sdks"], capture_output=True).stdout):
        said = csharp(folder, prefix, environment)
    elif language == "csharp":
        said = run(commands.replace(" --force", f" --force; cp {shutil.copy(folder / file, work)} Program.cs"), folder, environment)
    else:
        said = run(commands, folder, environment)
    wanted = run(f"{prefix}/bin/rustml-infer --gguf model.gguf --prompt 'The capital of France is' --max-tokens 16 --quiet", folder, own)
    if not wanted.strip() or said.rstrip(b"\r\n") != wanted.rstrip(b"\r\n"):
        sys.exit(f"FAILED {language} prints {said!r}, rustml-infer {wanted!r}")
    print(f"ok {language}")


main()

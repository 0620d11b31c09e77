"""Builds C# with what scripts/setup_csharp fetched: Roslyn on the .NET Core runtime, both in ~/.cache/rustml/dotnet.

Tools(work) raises Skipped, with the reason, where something is absent. .library() compiles bindings/csharp/Rustml for netstandard 2.1;
.program(name, sources) a test against it; .command(program) and .environment run it; .package(library, folder) makes the NuGet package.
As a program: csharp_tools.py pack LIBRARY FOLDER.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/bindings/csharp"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
FOLDER = pathlib.Path(os.environ.get("RUSTML_DOTNET") or CACHE / "rustml/dotnet")
RUNTIME = {"runtimeOptions": {"tfm": "netcoreapp3.1", "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}


class Skipped(Exception):
    pass


def run(command, **environment):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))[:300]}\n{done.stdout}{done.stderr}")


class Tools:
    environment = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}  # no libicu is needed
    sources = ROOT / "bindings/csharp/Rustml"

    def __init__(self, work):
        if not (FOLDER / "complete-1").exists():
            raise Skipped("no .NET runtime and compiler; scripts/setup_csharp fetches them")
        for tool, package in (("mcs", "mono-mcs"), ("cc", "gcc")):
            if not shutil.which(tool):
                raise Skipped(f"no {tool}; apt-get install {package}")
        self.work = pathlib.Path(work)
        self.work.mkdir(parents=True, exist_ok=True)
        assemblies = next(iter(sorted((FOLDER / "shared/Microsoft.NETCore.App").iterdir())))
        self.references = [f"-r:{file}" for file in sorted(assemblies.glob("System*.dll")) + [assemblies / "netstandard.dll"]]
        self.compiler = self.work / "compiler/rustml-csc.dll"
        if not self.compiler.exists() or self.compiler.stat().st_mtime < (HERE / "Csc.cs").stat().st_mtime:
            self._build_compiler(assemblies)

    def _build_compiler(self, assemblies):
        folder = self.compiler.parent
        folder.mkdir(exist_ok=True)
        for file in (FOLDER / "roslyn").glob("*.dll"):
            shutil.copy2(file, folder)
        # The runtime asks for OpenSSL 1.1 by this name to hash with; Debian 12 has 3.
        run(["cc", "-shared", "-fPIC", "-o", folder / "libssl.so.1.1", HERE / "libssl.c", "-Wl,--no-as-needed", "-l:libssl.so.3", "-l:libcrypto.so.3"])
        run(["mcs", "-nostdlib", "-noconfig", "-nowarn:1685,1702", f"-out:{self.compiler}", *self.references, f"-r:{assemblies / 'mscorlib.dll'}",
             *[f"-r:{file}" for file in (FOLDER / "roslyn").glob("*.dll")], HERE / "Csc.cs"])
        self._runnable(self.compiler)

    def _runnable(self, program):
        program.with_suffix(".runtimeconfig.json").write_text(json.dumps(RUNTIME))

    def compile(self, *arguments, **environment):
        run([FOLDER / "dotnet", self.compiler, "-noconfig", "-nostdlib", "-langversion:8.0", "-optimize+", *self.references, *arguments],
            LD_LIBRARY_PATH=str(self.compiler.parent), **self.environment, **environment)

    def library(self):
        """Rustml.dll as NuGet users get it: refers to netstandard 2.1 alone. Warnings are errors, but for missing comments (1591)."""
        out = self.work / "Rustml.dll"
        sources = sorted(self.sources.glob("*.cs"))
        if not out.exists() or out.stat().st_mtime < max(file.stat().st_mtime for file in sources):
            self.compile("-target:library", "-unsafe", "-nullable:enable", "-nowarn:1591", f"-doc:{out.with_suffix('.xml')}", f"-out:{out}", *sources,
                         RUSTML_NETSTANDARD="1")
        return out

    def program(self, name, sources, *arguments):
        out = self.work / f"{name}.dll"
        self.compile("-target:exe", f"-r:{self.library()}", f"-out:{out}", *arguments, *sources)
        self._runnable(out)
        return out

    def command(self, program):
        return [str(FOLDER / "dotnet"), str(program)]

    def package(self, library, folder):
        """Rustml.VERSION.nupkg: the assembly for netstandard 2.1 and the library for this machine's kind."""
        project = (ROOT / "bindings/csharp/Rustml/Rustml.csproj").read_text()
        field = lambda name: re.search(f"<{name}>(.*?)</{name}>", project).group(1)
        assembly = self.library()
        rid = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}[platform.machine()]
        major = re.search(r"RUSTML_VERSION_MAJOR (\d+)", (ROOT / "include/rustml.h").read_text()).group(1)
        files = {"Rustml.nuspec": f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2012/06/nuspec.xsd">
  <metadata>
    <id>{field("PackageId")}</id>
    <version>{field("Version")}</version>
    <authors>{field("Authors")}</authors>
    <license type="expression">{field("PackageLicenseExpression")}</license>
    <readme>README.md</readme>
    <description>{field("Description")}</description>
    <dependencies><group targetFramework=".NETStandard2.1" /></dependencies>
  </metadata>
</package>
""", "[Content_Types].xml": """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />
""" + "".join(f'  <Default Extension="{kind}" ContentType="application/octet" />\n' for kind in ("nuspec", "dll", "xml", "md", major)) + "</Types>\n",
            "_rels/.rels": """<?xml version="1.0" encoding="utf-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/Rustml.nuspec" Id="R1" />
</Relationships>
"""}
        out = pathlib.Path(folder) / f"{field('PackageId')}.{field('Version')}.nupkg"
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
            for name, text in files.items():
                package.writestr(name, text)
            package.write(ROOT / "bindings/csharp/README.md", "README.md")
            for file in (assembly, assembly.with_suffix(".xml")):
                package.write(file, f"lib/netstandard2.1/{file.name}")
            package.write(library, f"runtimes/{rid}/native/librustml.so.{major}")
        return out


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "pack":
        sys.exit("csharp_tools.py pack LIBRARY FOLDER")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            print(Tools(scratch).package(sys.argv[2], sys.argv[3]))
        except Skipped as reason:
            sys.exit(f"csharp_tools.py: {reason}")

"""Finds librustml and refuses one of another layout."""

from __future__ import annotations

import ctypes
import functools
import os
import pathlib
import sys

from . import _raw


def candidates() -> list[str]:
    """RUSTML_LIBRARY alone if it is set; else the package's own folder, the prefix it was installed to, then the system's loader."""
    given = os.environ.get("RUSTML_LIBRARY")
    if given:
        return [given]
    major = _raw.RUSTML_VERSION_MAJOR
    if sys.platform == "win32":
        names = ["rustml.dll", "librustml.dll"]
    elif sys.platform == "darwin":
        names = [f"librustml.{major}.dylib", "librustml.dylib"]
    else:
        names = [f"librustml.so.{major}", "librustml.so"]
    here = pathlib.Path(__file__).resolve().parent
    beside = [here / name for name in names]
    if here.parts[-4:-1] == ("share", "rustml", "python"):  # `cmake --install` put both into one prefix
        prefix = here.parents[3]
        beside += [folder / name for folder in [prefix / "lib", *prefix.glob("lib/*-linux-*"), prefix / "lib64", prefix / "bin"] for name in names]
    local = [f"/usr/local/lib/{name}" for name in names] if sys.platform == "linux" else []  # known to the loader only after ldconfig
    return [str(path) for path in beside] + names + local


def refuse(path: str, library: ctypes.CDLL) -> None:
    """ImportError unless the library has the layout that _raw was made from."""
    try:
        version, layout = library.rustml_abi_version, library.rustml_abi_layout_hash
    except AttributeError as missing:
        raise ImportError(f"{path} is no librustml of ABI 1.0 or later: {missing}", path=path) from None
    version.argtypes, version.restype = [], ctypes.c_uint32
    layout.argtypes, layout.restype = [ctypes.c_uint32, ctypes.c_uint32], ctypes.c_uint64
    major, minor = _raw.RUSTML_VERSION_MAJOR, _raw.RUSTML_VERSION_MINOR
    found = layout(major, minor)
    if found == _raw.LAYOUT_HASH:
        return
    theirs = f"{path} has ABI {version() >> 16}.{version() & 0xFFFF}"
    if found == 0:
        raise ImportError(f"{theirs} and does not know {major}.{minor}, which this package was made for; install a matching librustml", path=path)
    raise ImportError(f"{theirs} and another layout of {major}.{minor} (hash {found:#x}, this package was made for {_raw.LAYOUT_HASH:#x}); "
                      "install a matching librustml", path=path)


@functools.cache
def load() -> ctypes.CDLL:
    """The library with typed functions; ImportError says where it was looked for."""
    tried = []
    for path in candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as problem:
            tried.append(f"\n  {problem}" if str(problem).startswith(path) else f"\n  {path}: {problem}")
            continue
        refuse(path, library)
        _raw.bind(library)
        return library
    raise ImportError("librustml not found; set RUSTML_LIBRARY to its path or install it. Tried:" + "".join(tried))

"""check_huggingface.py LIBRUSTML_HUB LIBRUSTML: one cache for librustml-hub and Python's huggingface_hub.

A cache that huggingface_hub wrote from server.py is read by us offline, and ours is read by it offline and is whole for its
scan_cache_dir. Needs huggingface_hub in the Python of $RUSTML_PYTHON, else of /opt/ref/venv; prints SKIPPED without it.
"""

import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


class Text(ctypes.Structure):
    _fields_ = [("ptr", ctypes.c_char_p), ("len", ctypes.c_uint64)]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("endpoint", Text), ("cache_dir", Text), ("token", Text)]


def resolve(libraries, model, endpoint, cache, offline):
    core, hub = libraries
    options = Options(ctypes.sizeof(Options), 1 if offline else 0, Text(endpoint.encode(), len(endpoint)), Text(str(cache).encode(), len(str(cache))))
    path, needed, error = ctypes.create_string_buffer(4096), ctypes.c_uint64(), ctypes.c_void_p()
    status = hub.rustml_hub_resolve(model.encode(), ctypes.c_uint64(len(model)), ctypes.byref(options), path, ctypes.c_uint64(4096),
                                    ctypes.byref(needed), None, ctypes.byref(error))
    core.rustml_error_message.restype = ctypes.c_char_p
    assert status == 0, core.rustml_error_message(error)
    return path.raw[:needed.value].decode()


def same(found, served):
    for file in pathlib.Path(served).rglob("*"):
        if file.is_file() and file.name not in ("README.md", "pytorch_model.bin"):
            assert (pathlib.Path(found) / file.relative_to(served)).read_bytes() == file.read_bytes(), file


def check(huggingface_hub, libraries, folder, port):
    served = pathlib.Path(folder, "served")
    theirs, ours = pathlib.Path(folder, "theirs"), pathlib.Path(folder, "ours")
    # The weights lie on another host, as at the real hub.
    endpoint, nowhere = f"http://127.0.0.1:{port}/1,to=host", "http://127.0.0.1:1"
    for repository, wanted in (("org/model", ["*.json", "*.safetensors"]), ("org/sharded", None)):
        huggingface_hub.snapshot_download(repository, cache_dir=theirs, endpoint=endpoint, allow_patterns=wanted)
        same(resolve(libraries, repository, nowhere, theirs, True), served / repository)

        path = resolve(libraries, repository, endpoint, ours, False)
        assert huggingface_hub.snapshot_download(repository, cache_dir=ours, endpoint=nowhere, local_files_only=True) == path
        same(path, served / repository)
        for name in ("config.json", "tokenizer.json"):
            found = huggingface_hub.hf_hub_download(repository, name, cache_dir=ours, endpoint=nowhere, local_files_only=True)
            assert found == os.path.join(path, name)
        absent = huggingface_hub.try_to_load_from_cache(repository, "special_tokens_map.json", cache_dir=ours)
        assert absent is huggingface_hub._CACHED_NO_EXIST, absent
        # What one began the other completes, without fetching a blob again.
        huggingface_hub.snapshot_download(repository, cache_dir=ours, endpoint=endpoint)
    huggingface_hub.hf_hub_download("org/gguf", "model Q4_0.gguf", cache_dir=theirs, endpoint=endpoint)
    assert resolve(libraries, "org/gguf/model Q4_0.gguf", nowhere, theirs, True).endswith("/model Q4_0.gguf")
    resolve(libraries, "org/gguf/sub/split-00001-of-00002.gguf", endpoint, ours, False)
    found = huggingface_hub.hf_hub_download("org/gguf", "sub/split-00002-of-00002.gguf", cache_dir=ours, endpoint=nowhere, local_files_only=True)
    assert pathlib.Path(found).read_bytes() == (served / "org/gguf/sub/split-00002-of-00002.gguf").read_bytes()

    info = huggingface_hub.scan_cache_dir(ours)
    assert not info.warnings, info.warnings
    assert sorted(repo.repo_id for repo in info.repos) == ["org/gguf", "org/model", "org/sharded"]
    for repo in info.repos:
        assert [sorted(revision.refs) for revision in repo.revisions] == [["main"]], repo
    print(f"huggingface_hub {huggingface_hub.__version__}: good")


def main():
    try:
        import huggingface_hub
    except ImportError:
        python = os.environ.get("RUSTML_PYTHON", "/opt/ref/venv/bin/python")
        if os.environ.get("RUSTML_HUGGINGFACE") or not pathlib.Path(python).exists():
            print(f"SKIPPED hub.huggingface: {python} has no huggingface_hub; pip-install it there, or set RUSTML_PYTHON to a Python that has")
            sys.exit(77)
        sys.exit(subprocess.run([python, *sys.argv], env={**os.environ, "RUSTML_HUGGINGFACE": "1"}).returncode)
    core = ctypes.CDLL(sys.argv[2], mode=ctypes.RTLD_GLOBAL)
    hub = ctypes.CDLL(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, HERE / "server.py", folder + "/served"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            check(huggingface_hub, (core, hub), folder, int(server.stdout.readline().split()[0]))
        finally:
            server.stdin.close()
            server.wait()


os.environ.update({"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "no_proxy": "127.0.0.1"})
main()

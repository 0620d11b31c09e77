"""server.py FOLDER: a hub on two loopback ports, which it prints; ends when its standard input does.

Writes its repositories' files to FOLDER/<org>/<name>/<file>. An endpoint is http://127.0.0.1:PORT/<scenario>, where a
scenario is a unique name and faults: "7", "8,cut=1000,norange". /log/<scenario> returns what was asked under it, as JSON.
Faults (of the weights unless said otherwise):
  cut=N        every answer ends after N bytes                 stop=N       as cut, and 503 for what begins at N or later
  slow=N       a pause after every N bytes                     stall=N      N bytes, then nothing
  head=S[xT]   status S to HEAD (the first T times)            get=S[xT]    the same to GET
  code=C       X-Error-Code of such statuses                   wait=S       Retry-After of such statuses
  norange      200 to a Range                                  badrange     a Content-Range elsewhere
  r416         416 to a Range                                  gzip         Content-Encoding: gzip
  body=K       wrong, html, long or short                      size=K       announced: absent, small, large, huge or beyond
  noclen       no Content-Length                               etag=K       weak, bare, path, none or other
  nocommit     no X-Repo-Commit                                commit=C     another one than before after the first
  drip=K       for ever, 5 bytes a second: headers or lines (whole header lines) of a HEAD, answer (headers of a GET), interim (100
               Continue), body
  silent=K     no answer at all to a head or get
  to=K         redirects to: loop, other (port), host, user, file, http, nowhere
"""

import hashlib
import http.server
import json
import pathlib
import random
import sys
import threading
import time
import urllib.parse

noise = random.Random(1)
WEIGHTS = noise.randbytes(3_000_000)
INDEX = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}
CONFIG = b'{"model_type":"gpt2"}'
FILES = {
    "org/model": {"config.json": CONFIG, "tokenizer.json": b"{}\n", "generation_config.json": b"", "model.safetensors": WEIGHTS,
                  "README.md": b"not needed", "pytorch_model.bin": b"not needed either"},
    "org/sharded": {"config.json": CONFIG, "tokenizer.json": b"{}\n", "chat_template.jinja": "{{ 'ä' }}".encode(),
                    "model.safetensors.index.json": json.dumps(INDEX).encode(),
                    "model-00001-of-00002.safetensors": noise.randbytes(70_000), "model-00002-of-00002.safetensors": noise.randbytes(50_000)},
    "org/gguf": {"model Q4_0.gguf": noise.randbytes(40_000), "sub/split-00001-of-00002.gguf": noise.randbytes(30_000),
                 "sub/split-00002-of-00002.gguf": noise.randbytes(20_000)},
    "org/lacks-part": {"x-00001-of-00002.gguf": noise.randbytes(1000)},
    "org/tiny": {"model.gguf": (pathlib.Path(__file__).parents[1] / "golden/data/base_q8_0.gguf").read_bytes()},
    "org/no-weights": {"config.json": CONFIG},
}
HOSTILE = ["../../../../evil.safetensors", "/tmp/evil.safetensors", "C:evil.safetensors", "a\\b.safetensors", "sub/x.safetensors", "CON.safetensors",
           "evil.bin", "", "\u0000.safetensors", "x.safetensors.", "..", "nul"]
for i, name in enumerate(HOSTILE):
    FILES[f"org/hostile{i}"] = {"config.json": CONFIG, "tokenizer.json": b"{}",
                                "model.safetensors.index.json": json.dumps({"weight_map": {"t": name}}).encode()}
logs, counts, guard = {}, {}, threading.Lock()


def is_large(name):
    return name.endswith((".safetensors", ".gguf"))


def blob_of(name, data):
    return hashlib.sha256(data).hexdigest() if is_large(name) else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def commit_of(repository):
    return hashlib.sha1(repository.encode()).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        scenario, _, rest = self.path.split("?")[0][1:].partition("/")
        if scenario == "log":
            with guard:
                return self.send(200, {}, json.dumps(logs.get(rest, [])).encode())
        self.faults = dict((part.split("=", 1) + [""])[:2] for part in scenario.split(",")[1:])
        self.entry = {"method": self.command, "path": rest, "range": self.headers.get("Range", ""), "token": self.headers.get("Authorization", ""),
                      "encoding": self.headers.get("Accept-Encoding", ""), "port": self.server.server_port, "sent": 0}
        with guard:
            logs.setdefault(scenario, []).append(self.entry)
            seen = counts[scenario, self.command] = counts.get((scenario, self.command), 0) + 1
        if self.refused(seen) or self.starved(rest):
            return None
        if rest.startswith("cdn/"):
            _, org, name, file = rest.split("/", 3)
            return self.content(FILES[f"{org}/{name}"][urllib.parse.unquote(file)])
        if rest.startswith("api/models/"):
            return self.listing(*rest.split("/")[2:5])
        repository, _, tail = rest.partition("/resolve/")
        revision, _, file = tail.partition("/")
        return self.resolve(scenario, repository, urllib.parse.unquote(revision), urllib.parse.unquote(file), seen)

    def refused(self, seen):
        status, _, times = self.faults.get(self.command.lower(), "").partition("x")
        if not status or (times and seen > int(times)):
            return False
        headers = {"Retry-After": self.faults.get("wait", "0")} if status in ("429", "500", "503") else {}
        if "code" in self.faults:
            headers["X-Error-Code"] = self.faults["code"]
        self.send(int(status), headers, b"<html>no</html>")
        return True

    def starved(self, path):
        kind, silent = self.faults.get("drip"), self.faults.get("silent")
        if silent == self.command.lower() and path.endswith("model.safetensors"):
            time.sleep(600)
        pieces = {"headers": [b"HTTP/1.1 200 OK\r\nX-Slow: "] + [b"a"] * 3000, "lines": [b"HTTP/1.1 200 OK\r\n"] + [b"A: b\r\n"] * 3000,
                  "answer": [b"HTTP/1.1 200 OK\r\nX-Slow: "] + [b"a"] * 3000, "interim": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 3000,
                  "body": [b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"] + [b"a"] * 3000}.get(kind, [])
        if not pieces or self.command != ("GET" if kind in ("answer", "body") else "HEAD") or (self.command == "GET" and "cdn/" not in path):
            return False
        self.close_connection = True
        try:
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(0.2)
        except OSError:
            pass
        return True

    def resolve(self, scenario, repository, revision, file, seen):
        commit = commit_of(repository)
        files = FILES.get(repository)
        if files is None:
            return self.send(401, {"X-Error-Code": "RepoNotFound"}, b"no")
        if revision not in ("main", "refs/pr/1", commit):
            return self.send(404, {"X-Error-Code": "RevisionNotFound"}, b"no")
        if "commit" in self.faults and seen > 1:
            commit = self.faults["commit"]
        headers = {} if "nocommit" in self.faults else {"X-Repo-Commit": commit}
        if file not in files:
            return self.send(404, headers | {"X-Error-Code": "EntryNotFound"}, b"no")
        data = files[file]
        blob = blob_of(file, data)
        if not is_large(file):
            return self.send(200, headers | {"ETag": f'"{blob}"'}, data)
        etag = {"weak": f'W/"{blob}"', "bare": blob, "path": '"../../evil"', "none": "", "other": '"0123-abc"'}.get(self.faults.get("etag"), f'"{blob}"')
        size = {"absent": "", "small": len(data) - 1, "large": len(data) + 1, "huge": 1 << 60, "beyond": 1 << 64}.get(self.faults.get("size"), len(data))
        headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(size)}
        return self.send(302, {k: v for k, v in headers.items() if v} | {"Location": self.target(scenario, repository, file)}, b"")

    def listing(self, org, name, kind):  # for Python's huggingface_hub; librustml-hub never asks
        repository = f"{org}/{name}"
        entries = [{"type": "file", "path": file, "size": len(data), "oid": blob_of("", data)} |
                   ({"lfs": {"oid": blob_of(file, data), "size": len(data), "pointerSize": 100}} if is_large(file) else {})
                   for file, data in FILES[repository].items()]
        about = {"id": repository, "sha": commit_of(repository), "siblings": [{"rfilename": file} for file in FILES[repository]]}
        return self.send(200, {"Content-Type": "application/json"}, json.dumps(entries if kind == "tree" else about).encode())

    def target(self, scenario, repository, file):
        here = f"/{scenario}/cdn/{repository}/{urllib.parse.quote(file)}?signature=secret"
        other = [port for port in PORTS if port != self.server.server_port][0]
        return {"loop": self.path, "other": f"http://127.0.0.1:{other}{here}", "host": f"http://localhost:{self.server.server_port}{here}",
                "user": f"http://me:too@127.0.0.1:{other}{here}", "file": "file:///etc/hostname", "http": "http://example.invalid/x",
                "nowhere": ""}.get(self.faults.get("to"), here)

    def content(self, data):
        faults = self.faults
        kind = faults.get("body")
        whole = {"wrong": data[:-1] + bytes([data[-1] ^ 1]), "html": b"<html>log in</html>", "long": data + b"x", "short": data[:-1]}.get(kind, data)
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if "stop" in faults and first >= int(faults["stop"]):
            return self.send(503, {"Retry-After": "0"}, b"")
        if first and "r416" in faults or first > 0 and first >= len(whole):
            return self.send(416, {"Content-Range": f"bytes */{len(whole)}"}, b"")
        headers, status = {}, 200
        if first and "norange" not in faults:
            status = 206
            start = first + 1 if "badrange" in faults else first
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            whole = whole[first:]
        if "gzip" in faults:
            headers["Content-Encoding"] = "gzip"
        return self.send(status, headers, whole)

    def send(self, status, headers, body):
        faults = getattr(self, "faults", {}) if self.path.find("/cdn/") > 0 else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "noclen" in faults:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        limit = min(int(faults.get(k, len(body))) - (int(self.headers.get("Range", "bytes=0-")[6:-1]) if k == "stop" else 0) if k in faults else len(body)
                    for k in ("cut", "stop", "stall"))
        step = int(faults.get("slow", 65536))
        try:
            for begin in range(0, min(limit, len(body)), step):
                piece = body[begin:min(begin + step, limit)]
                if hasattr(self, "entry"):  # before: whoever has received it may ask for the log at once
                    self.entry["sent"] += len(piece)
                self.wfile.write(piece)
                if "slow" in faults:
                    time.sleep(0.05)
            self.wfile.flush()
            if limit < len(body):
                if "stall" in faults:
                    time.sleep(60)
                self.close_connection = True
        except OSError:
            self.close_connection = True


def main():
    global PORTS
    folder = pathlib.Path(sys.argv[1])
    for repository, files in FILES.items():
        for name, data in files.items():
            path = folder / repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    PORTS = [server.server_port for server in servers]
    for server in servers:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # clients that go away are what is tested
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*PORTS, flush=True)
    sys.stdin.read()


main()

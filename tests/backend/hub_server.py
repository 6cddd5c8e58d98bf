"""A model hub on this machine, as far as a download asks: file list with hashes, files with ranges, gates, and faults on demand."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """files: by name. gated: files ask for an account. cut: bytes after which each answer stops. lie: the hash named is another's.

    asked: (name, first byte) of every file request. ranges: whether the server resumes.
    """

    files: dict[str, bytes]
    name: str = "owner/model"
    gated: bool = False
    cut: int | None = None
    lie: bool = False
    ranges: bool = True
    asked: list[tuple[str, int]] = field(default_factory=list)
    endpoint: str = ""

    def listing(self) -> bytes:
        siblings = []
        for name, content in self.files.items():
            row = {"rfilename": name, "size": len(content), "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}
            if name.endswith(".safetensors"):
                digest = hashlib.sha256(content + (b"x" if self.lie else b"")).hexdigest()
                row["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            siblings.append(row)
        facts = {"id": self.name, "modelId": self.name, "sha": COMMIT, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
        return json.dumps(facts | {"private": False}).encode()


@contextmanager
def served(hub: Hub) -> Iterator[Hub]:
    """The hub on a free port of this machine; ``endpoint`` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_words):
            pass

        def do_GET(self):
            if self.path.startswith("/api/models/"):
                known = self.path.startswith(f"/api/models/{hub.name}")
                return self._send(200, hub.listing()) if known else self._refuse(404, "RepoNotFound")
            prefix = f"/{hub.name}/resolve/{COMMIT}/"
            name = self.path.split("?")[0].removeprefix(prefix)
            if hub.gated:
                return self._refuse(401, "GatedRepo")
            if name not in hub.files:
                return self._refuse(404, "EntryNotFound")
            content, start = hub.files[name], 0
            asked = self.headers.get("Range")
            if asked and hub.ranges:
                start = int(asked.removeprefix("bytes=").split("-")[0])
            hub.asked.append((name, start))
            return self._send(206 if asked and hub.ranges else 200, content[start:], f"bytes {start}-{len(content) - 1}/{len(content)}")

        def _send(self, status, body, place=""):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 206:
                self.send_header("Content-Range", place)
            self.end_headers()
            if hub.cut is not None and len(body) > hub.cut:
                self.wfile.write(body[: hub.cut])
                self.wfile.flush()
                self.connection.close()
                self.close_connection = True
                return
            self.wfile.write(body)

        def _refuse(self, status, code):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "no")
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

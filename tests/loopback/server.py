"""A web server with files at paths, a log of what was asked, and faults that can be set."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


@dataclass
class Answer:
    """What is to be sent: status, headers, body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Route = Callable[[Asked], Answer | None]
Fault = Callable[["Handler", Answer], None]


class Handler(BaseHTTPRequestHandler):
    """Answer from the server's routes, through a fault where one is set."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        lowered = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, url.path, url.query, lowered)
        with self.server.lock:
            self.server.asked.append(asked)
        answer = self.server.answer(asked)
        fault = self.server.fault_for(asked)
        if fault is not None:
            fault(self, answer)
        else:
            self.send(answer)

    def begin(self, answer: Answer, length: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        self.end_headers()

    def send(self, answer: Answer) -> None:
        self.begin(answer)
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Hold routes, files, faults and the log; a context manager that serves while open."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.asked: list[Asked] = []
        self.files: dict[str, bytes] = {}
        self.routes: list[Route] = []
        self.faults: list[list[object]] = []
        self.closing = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def elsewhere(self) -> str:
        """The same server under another host name, which is another origin."""
        return f"http://localhost:{self.server_address[1]}"

    def __enter__(self) -> Server:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what the tests are about."""

    def fail(self, part: str, fault: Fault, times: int | None = None) -> None:
        """Set a fault for the paths that contain `part`, for ever or for some requests."""
        self.faults.append([part, fault, times])

    def fault_for(self, asked: Asked) -> Fault | None:
        with self.lock:
            for entry in self.faults:
                part, fault, times = entry
                if str(part) in asked.path and times != 0:
                    if isinstance(times, int):
                        entry[2] = times - 1
                    return fault  # type: ignore[return-value]
        return None

    def answer(self, asked: Asked) -> Answer:
        for route in self.routes:
            found = route(asked)
            if found is not None:
                return found
        body = self.files.get(asked.path)
        if body is None:
            return Answer(b"no such page", 404)
        return content(body, asked)

    def paths(self, method: str = "GET") -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]


def content(body: bytes, asked: Asked, headers: dict[str, str] | None = None) -> Answer:
    """Serve bytes with a strong ETag and byte ranges, clamped to the size."""
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    sent = {"ETag": etag, "Accept-Ranges": "bytes", **(headers or {})}
    if asked.headers.get("if-none-match") == sent["ETag"]:
        return Answer(b"", 304, sent)
    wanted = asked.headers.get("range", "")
    if wanted.startswith("bytes=") and asked.headers.get("if-range", sent["ETag"]) == sent["ETag"]:
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) if last else len(body), len(body) - 1)
        if start >= len(body):
            return Answer(b"", 416, {"Content-Range": f"bytes */{len(body)}"})
        sent["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return Answer(body[start : end + 1], 206, sent)
    return Answer(body, 200, sent)

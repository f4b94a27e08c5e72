"""What stands before the routes: kept answers, ETag, compression, CORS, methods, the site.

A state of the store is immutable, and so is its answer to a request: it is made once for each
state, and sent from memory after that.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from caniload.publish.service import problems
from caniload.publish.service.kept import Headers, Reply, etag
from caniload.publish.service.snapshots import Keeper, Snapshot

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SNAPSHOT = "caniload.snapshot"
"""Where the scope of a request holds the snapshot that answers it."""

CACHE_CONTROL = b"public, max-age=60, stale-while-revalidate=600"
WARM_ANSWERS = 512
WARM_SECONDS = 10.0
_PACK_FROM = 1024
_log = logging.getLogger("caniload.serve")
_OPEN: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Caniload-Generation, Retry-After"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
_PREFLIGHT: Headers = [
    *_OPEN,
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"If-None-Match"),
    (b"access-control-max-age", b"86400"),
    (b"allow", b"GET, HEAD, OPTIONS"),
]
_OWN = re.compile(r"/(?:v1(?:/.*)?|healthz|openapi\.json)?\Z", re.DOTALL)


class Front:
    """Answer requests: from memory, else by the routes; whatever is not theirs by the site."""

    def __init__(self, routes: App, keeper: Keeper, site: App | None = None) -> None:
        """Put this before the routes, and before a static site, if there is one."""
        self.routes = routes
        self.keeper = keeper
        self.site = site
        self._made: dict[tuple[str, bytes], asyncio.Future[Answered]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.routes(scope, receive, send)
            return
        path: str = scope["path"]
        if self.site is not None and (path == "/" or not _OWN.match(path)):
            await self.site(scope, receive, send)
            return
        method: str = scope["method"]
        if method not in ("GET", "HEAD"):
            await _say(send, *_refused(method))
            return
        snapshot = self.keeper.current
        key: bytes = scope["raw_path"] + b"?" + scope["query_string"]
        reply = snapshot.kept.get(key)
        if reply is None:
            status, headers, body, reply = await self._ask(snapshot, key, scope)
            if reply is None:
                await _say(send, status, headers, body if method == "GET" else b"")
                return
        await self._send(scope, send, reply, body=method == "GET")

    async def warm(self, former: Snapshot, fresh: Snapshot) -> None:
        """Let a new snapshot answer what the former was asked last, before it takes its place."""
        loop = asyncio.get_running_loop()
        until = loop.time() + WARM_SECONDS
        for key in former.kept.latest(WARM_ANSWERS):
            if loop.time() > until:
                return
            path, _, query = key.partition(b"?")
            await self._ask(fresh, key, _scope(path, query))

    async def _ask(self, snapshot: Snapshot, key: bytes, scope: Scope) -> Answered:
        """Let the routes answer, once for all who ask the same at the same time."""
        place = (snapshot.token, key)
        asked = self._made.get(place)
        if asked is None:
            asked = asyncio.ensure_future(self._answer(snapshot, key, scope))
            self._made[place] = asked
            asked.add_done_callback(lambda _: self._made.pop(place, None))
        return await asyncio.shield(asked)

    async def _answer(self, snapshot: Snapshot, key: bytes, scope: Scope) -> Answered:
        inner = {**scope, "method": "GET", SNAPSHOT: snapshot, "headers": []}
        try:
            status, headers, body = await _collected(self.routes, inner)
        except Exception as error:  # noqa: BLE001 - the boundary
            _log.exception("a request was not answered")
            told = problems.of(error)
            kind = (b"content-type", problems.MEDIA_TYPE.encode())
            status, headers, body = told.status, [kind], told.body()
        own = [pair for pair in headers if pair[0] not in (b"content-length", b"vary")]
        more = [(b"caniload-generation", str(snapshot.number).encode()), *_OPEN]
        if status != 200 or any(pair[0] == b"cache-control" for pair in own):
            length = (b"content-length", str(len(body)).encode())
            if status != 200:
                own.append((b"cache-control", b"no-store"))
            return status, [*own, *more, length], body, None
        tag = etag(body)
        own += [*more, (b"etag", tag), (b"cache-control", CACHE_CONTROL)]
        own.append((b"vary", b"Accept-Encoding"))
        reply = Reply(body, tag, [*own, (b"content-length", str(len(body)).encode())])
        if len(body) >= _PACK_FROM:
            loop = asyncio.get_running_loop()
            packed = await loop.run_in_executor(None, gzip.compress, body, 6)
            reply.packed = packed
            length = (b"content-length", str(len(packed)).encode())
            reply.packed_headers = [*own, (b"content-encoding", b"gzip"), length]
        snapshot.kept.put(key, reply)
        return status, reply.headers, body, reply

    async def _send(self, scope: Scope, send: Send, reply: Reply, *, body: bool) -> None:
        """Send an answer whole, compressed where the client takes it, or that it has it."""
        packed = False
        for name, value in scope["headers"]:
            if name == b"if-none-match" and _has(value, reply.etag):
                same = [
                    pair
                    for pair in reply.headers
                    if pair[0] not in (b"content-length", b"content-type")
                ]
                await _say(send, 304, same, b"")
                return
            if name == b"accept-encoding" and reply.packed is not None:
                packed = _takes_gzip(value)
        text = reply.packed if packed and reply.packed is not None else reply.body
        headers = reply.packed_headers if packed else reply.headers
        await _say(send, 200, headers, text if body else b"")


Answered = tuple[int, Headers, bytes, Reply | None]


async def _say(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _collected(app: App, scope: Scope) -> tuple[int, Headers, bytes]:
    """Run an application and return its whole response."""
    status = 500
    headers: Headers = []
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, headers, b"".join(parts)


def _scope(path: bytes, query: bytes) -> Scope:
    """Return the scope of a request that nobody sent."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "root_path": "",
        "query_string": query,
        "headers": [],
        "client": None,
        "server": None,
        "state": {},
    }


def _refused(method: str) -> tuple[int, Headers, bytes]:
    """Answer a method that is not for reading: a preflight, or a mistake."""
    if method == "OPTIONS":
        return 204, _PREFLIGHT, b""
    body = problems.problem(
        "method-not-allowed", 405, f"{quote(method[:20])} is not answered here: GET is"
    ).body()
    length = (b"content-length", str(len(body)).encode())
    kind = (b"content-type", problems.MEDIA_TYPE.encode())
    allow = (b"allow", b"GET, HEAD, OPTIONS")
    return 405, [*_OPEN, allow, kind, length], body


@lru_cache(maxsize=256)
def _takes_gzip(value: bytes) -> bool:
    """Tell whether an Accept-Encoding takes gzip (RFC 9110, 12.5.3)."""
    weights: dict[bytes, float] = {}
    for part in value.lower().split(b","):
        coding, _, rest = part.strip().partition(b";")
        _, _, number = rest.strip().partition(b"q=")
        try:
            weights[coding.strip()] = float(number) if number else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get(b"gzip", weights.get(b"*", 0.0)) > 0


def _has(value: bytes, tag: bytes) -> bool:
    """Tell whether an If-None-Match names an answer; compared weakly (RFC 9110, 13.1.2)."""
    if value.strip() == b"*":
        return True
    wanted = tag.removeprefix(b"W/")
    return any(part.strip().removeprefix(b"W/") == wanted for part in value.split(b","))

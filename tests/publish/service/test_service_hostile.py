from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from serving import Served, Start

pytestmark = pytest.mark.slow

NASTY = (
    "'; DROP TABLE models; --", "' OR 1=1 --", "bert' UNION SELECT * FROM store.meta --",
    "read_csv('/etc/passwd')", "$1", "?1", "%", "_", "*", "\x00", "a\x00b", "\u202e", "🤗" * 40,
    "../../../../etc/passwd", "..%2f..%2fetc/passwd", "file:///etc/passwd", "file:/etc/passwd",
    "hf:" + "a/" * 100, "hf:@@@###", "url:http://169.254.169.254/", "pypi:x@y/z#w:v:u",
    "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "__control__", "nan", "-1", "1e999",
    "\r\nSet-Cookie: a=b", "[]", "{}", "null", "true", "a" * 299, "a" * 5000,
)  # fmt: skip


def raw(served: Served, data: bytes, *, end: bool = False) -> bytes:
    """Send bytes as they are, and perhaps an end; return all that comes back until it closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        line.sendall(data)
        if end:
            line.shutdown(socket.SHUT_WR)
        parts = []
        with contextlib.suppress(ConnectionResetError):
            while part := line.recv(65536):
                parts.append(part)
        return b"".join(parts)


def test_nothing_that_is_asked_makes_it_fail(served: Served) -> None:
    """Names, words and cursors of every kind: told in problems, never by a 5xx."""
    places = (
        "/v1/check/{}", "/v1/matrix/{}", "/v1/history/{}", "/v1/models/{}", "/v1/tools/{}",
        "/v1/datasets/{}", "/v1/runs/{}", "/v1/observations/{}", "/{}", "/v1/{}",
        "/v1/check/bert?framework={}", "/v1/check/bert?device={}", "/v1/check/bert?loader={}",
        "/v1/check/bert?env={}", "/v1/check/bert?from={}", "/v1/check/bert?{}=1",
        "/v1/search?q={}", "/v1/search?task={}", "/v1/search?max_bytes={}", "/v1/models?limit={}",
        "/v1/models?cursor={}", "/v1/results?verdict={}", "/v1/observations?cursor={}",
        "/v1/observations?model={}", "/v1/observations?run={}", "/v1/observations?cell={}",
        "/v1/history/bert?package={}", "/v1/results?model={}",
    )  # fmt: skip
    for place in places:
        for text in NASTY:
            answer = served.get(place.format(quote(text, safe="")))
            assert answer.status_code in (200, 404, 422, 431), (place, text, answer.text)
            assert "root:" not in answer.text
            assert "Traceback" not in answer.text
            assert "set-cookie" not in answer.headers
            assert len(answer.content) < 700_000
            if answer.status_code in (404, 422):
                assert answer.headers["content-type"] == "application/problem+json"
    assert served.process.poll() is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /v1/check/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /v1/check/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET http://elsewhere/v1/check/bert HTTP/1.0\r\n\r\n", b"200"),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 900_000 + b"\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
    ids=range(9),
)
def test_what_is_no_request_is_told_so(served: Served, data: bytes, status: bytes) -> None:
    assert raw(served, data).startswith(b"HTTP/1.1 " + status)


def test_noise_ends_in_a_closed_connection(served: Served) -> None:
    chance = random.Random(6)
    for _ in range(200):
        told = raw(served, chance.randbytes(chance.randrange(1, 3000)), end=True)
        assert not told or told.startswith(b"HTTP/1.1 4"), told
    assert served.get("/v1/check/bert").status_code == 200


def test_clients_that_never_finish_are_cut_off_and_keep_nobody_waiting(start: Start) -> None:
    """Half a head, a body drop by drop, an answer that nobody reads: none holds on for ever."""
    served = start()
    fresh = len(lines(served))
    half = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(200)]
    for line in half:
        line.sendall(b"GET /v1/check/bert HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    empty = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(50)]
    drops = socket.create_connection(("127.0.0.1", served.port))
    drops.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    deaf = socket.create_connection(("127.0.0.1", served.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(b"GET /v1/models/bert HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
    began = time.monotonic()
    served.get("/v1/check/bert")
    assert time.monotonic() - began < 5, "others wait for slow clients"
    until = time.monotonic() + 75
    while len(lines(served)) > fresh and time.monotonic() < until:
        with contextlib.suppress(OSError):
            drops.sendall(b"x")
        time.sleep(0.5)
    assert len(lines(served)) <= fresh, "connections are left open"
    for line in (*half, *empty, drops, deaf):
        line.close()
    assert served.get("/v1/check/bert").status_code == 200


def lines(served: Served) -> list[str]:
    """The sockets that the service has open."""
    found = []
    for link in Path(f"/proc/{served.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            name = str(link.readlink())
            if name.startswith("socket:"):
                found.append(name)
    return found


def test_the_specification_is_kept_in_all_that_it_says(served: Served) -> None:
    """schemathesis makes requests, good and bad, of every operation; every check is on."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{served.url}/openapi.json",
            "--phases",
            "examples,coverage,fuzzing",
            "--checks",
            "all",
            "--seed",
            "6",
            "--max-examples",
            "40",
            "--continue-on-failure",
            "--no-color",
            "--request-timeout",
            "60",
        ],
        env={**served.environ, "PYTHONWARNINGS": "default"},
        cwd=served.home,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]

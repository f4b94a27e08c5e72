"""Ways in which a hub can fail; each replaces the answer that would have been given."""

from __future__ import annotations

from loopback.server import Answer, Fault, Handler

PAGE = b"<!DOCTYPE html><html><title>Log in</title><body>Please log in.</body></html>"
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def status(code: int, **headers: str) -> Fault:
    """Answer with a status; `Retry_After="1"` writes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(handler: Handler, answer: Answer) -> None:
        handler.send(Answer(b"no", code, named))

    return fault


def instead(body: bytes, kind: str = "text/html") -> Fault:
    """Answer 200 with something else."""

    def fault(handler: Handler, answer: Answer) -> None:
        handler.send(Answer(body, 200, {"Content-Type": kind}))

    return fault


def truncated(handler: Handler, answer: Answer) -> None:
    """Announce the whole body, send half, and hang up."""
    handler.begin(answer)
    if handler.command != "HEAD":
        handler.wfile.write(answer.body[: len(answer.body) // 2])
        handler.wfile.flush()
    handler.close_connection = True


def corrupted(handler: Handler, answer: Answer) -> None:
    """Change one byte in the middle of the body."""
    middle = len(answer.body) // 2
    flipped = bytes([answer.body[middle] ^ 1]) if answer.body else b""
    body = answer.body[:middle] + flipped + answer.body[middle + 1 :]
    handler.send(Answer(body, answer.status, answer.headers))


def dripping(handler: Handler, answer: Answer) -> None:
    """Send a byte now and then, so that no silence is ever long."""
    handler.begin(answer)
    if handler.command == "HEAD":
        return
    for position in range(len(answer.body)):
        handler.wfile.write(answer.body[position : position + 1])
        handler.wfile.flush()
        if handler.server.closing.wait(0.05):
            break
    handler.close_connection = True


def slow(handler: Handler, answer: Answer) -> None:
    """Send the body in ten pieces, slowly but surely."""
    handler.begin(answer)
    step = len(answer.body) // 10 + 1
    for start in range(0, len(answer.body), step):
        handler.wfile.write(answer.body[start : start + step])
        handler.wfile.flush()
        handler.server.closing.wait(0.03)


def hanging(handler: Handler, answer: Answer) -> None:
    """Say nothing until the server closes."""
    handler.server.closing.wait(60)
    handler.close_connection = True


def looping(handler: Handler, answer: Answer) -> None:
    """Redirect to the same address for ever."""
    handler.send(Answer(b"", 302, {"Location": handler.path}))


def redirected(base: str) -> Fault:
    """Redirect to the same path at another origin."""

    def fault(handler: Handler, answer: Answer) -> None:
        handler.send(Answer(b"", 302, {"Location": base + handler.path}))

    return fault


def boasting(handler: Handler, answer: Answer) -> None:
    """Announce more bytes than any disk has."""
    handler.begin(answer, length=10**18)
    handler.close_connection = True


REFUSALS: dict[str, tuple[Fault, str]] = {
    "missing": (status(404), "missing"),
    "unauthorised": (status(401), "gated"),
    "forbidden": (status(403), "gated"),
    "broken": (status(500), "server"),
    "throttled": (status(429), "throttled"),
    "throttled for long": (status(429, Retry_After="3600"), "throttled"),
    "truncated": (truncated, "unreachable"),
    "hanging": (hanging, "unreachable"),
    "dripping": (dripping, "unreachable"),
    "looping": (looping, "server"),
    "corrupted": (corrupted, "artefact"),
    "page": (instead(PAGE), "artefact"),
    "json error": (instead(b'{"error": "Not found"}', "application/json"), "artefact"),
    "pointer": (instead(POINTER, "text/plain"), "artefact"),
}
"""What a hub can do to a download, and the reason that must come of it."""

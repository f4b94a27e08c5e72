"""A forwarding HTTP proxy: what it is asked for it asks for itself, and notes it."""

from __future__ import annotations

from http.client import HTTPConnection

from loopback.server import Answer, Asked, Server

_OWN = {
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
}
"""Headers between the client and the proxy alone."""


def forwarding(server: Server) -> Server:
    """Let a server forward every request to the host that the request names."""
    server.routes.append(_forward)
    return server


def _forward(asked: Asked) -> Answer:
    sent = {name: value for name, value in asked.headers.items() if name not in _OWN}
    connection = HTTPConnection(asked.headers["host"], timeout=10)
    try:
        query = f"?{asked.query}" if asked.query else ""
        connection.request(asked.method, asked.path + query, headers=sent)
        got = connection.getresponse()
        headers = {n: v for n, v in got.getheaders() if n.lower() not in _OWN}
        return Answer(got.read(), got.status, headers)
    finally:
        connection.close()

"""Connections that neither wait for ever nor read without end.

uvicorn's own protocol closes an idle connection after a response, but waits for ever for the
rest of a request's head, and for a client to read what was sent.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 10.0
"""In which a request must have come whole."""

READ_SECONDS = 30.0
"""After which a client that has not read its answer is cut off."""

TOLD_SECONDS = 1.0
"""For which a client that sent too much may go on, unheard, to read that it did."""

HEAD_BYTES = 32_768
"""The most that the head of a request may take, its address included."""

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class PatientProtocol(HttpToolsProtocol):
    """Speak HTTP/1.1 as uvicorn does, with limits on time and size."""

    _head_bytes = 0
    _in_head = True
    _refused = False
    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._late = self.loop.call_later(REQUEST_SECONDS, self._cut)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._on_time()
        self._moving()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, and begin to wait for the rest of a request that is not whole."""
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self._refused:
            return
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse()
        elif self._late is None and not self._is_answering():
            self._late = self.loop.call_later(REQUEST_SECONDS, self._cut)

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head was too long; one that came in pieces is cut before."""
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._refused = True
            raise ValueError("the head is too long")
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that a request is none, or that it is too long."""
        if self._refused:
            self._refuse()
        else:
            super().send_400_response(msg)

    def on_message_complete(self) -> None:
        """Know that the request came whole."""
        super().on_message_complete()
        self._on_time()
        self._in_head = True

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, soon also one on which something was not read."""
        super().timeout_keep_alive_handler()
        self._stuck = self._stuck or self.loop.call_later(READ_SECONDS, self._cut)

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._stuck = self._stuck or self.loop.call_later(READ_SECONDS, self._cut)

    def resume_writing(self) -> None:
        """Stop to wait: it reads."""
        super().resume_writing()
        self._moving()

    def _refuse(self) -> None:
        """Say that a request is too long, and hear no more.

        Closing while the client still sends would reset the connection, and lose what it is told.
        """
        self._refused = True
        self.transport.write(_TOO_LONG)
        self._stuck = self._stuck or self.loop.call_later(TOLD_SECONDS, self._cut)

    def _is_answering(self) -> bool:
        """Tell whether an answer is on its way, or the wait for the next request began."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return (answering and self._in_head) or self.timeout_keep_alive_task is not None

    def _on_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _moving(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _cut(self) -> None:
        """Close at once, whatever was not sent."""
        transport: Any = self.transport
        if transport is not None:
            transport.abort()

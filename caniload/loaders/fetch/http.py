"""The HTTP client of the hubs: explicit time limits, and answers turned into hub errors.

httpx2 is what huggingface_hub itself uses. It drops the Authorization header when a redirect
leads to another origin, so no token reaches another host.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from urllib.parse import urlsplit

import httpx2

from caniload import __version__
from caniload.errors import BadInputError, HubError
from caniload.loaders.fetch.retry import TRANSIENT, TransientError, retry_after
from caniload.settings import Settings

CONNECT_SECONDS = 10.0
"""How long a connection may take to open."""


def open_client(settings: Settings, auth: httpx2.Auth | None = None) -> httpx2.Client:
    """Return a client that follows redirects and honours the proxy and certificate variables.

    Those are HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.
    Raises `BadInputError` for a variable that names nothing that can be used.
    """
    seconds = settings.http_timeout_seconds
    try:
        return httpx2.Client(
            verify=_trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            auth=auth,
            follow_redirects=True,
            max_redirects=10,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            headers={"User-Agent": f"caniload/{__version__}", "Accept-Encoding": "identity"},
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        raise BadInputError(
            f"a proxy variable cannot be used: {str(error).splitlines()[0]}",
            "write HTTPS_PROXY=http://host:port",
        ) from error
    except OSError as error:
        raise BadInputError(
            f"the certificates cannot be read: {error}", "check SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


@cache
def _trusted(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Load the trusted certificates once a process; that takes longer than a small download."""
    return httpx2.create_ssl_context()


def shown(url: str) -> str:
    """Return a URL fit for a message: without credentials, query or fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def raise_for_status(response: httpx2.Response, hub: str, what: str) -> None:
    """Raise the `HubError` that a refusing answer means; a transient one as `TransientError`."""
    status = response.status_code
    if status < 400:
        return
    throttled = status == 429 or (
        status == 403
        and (
            "Retry-After" in response.headers
            or response.headers.get("X-RateLimit-Remaining") == "0"
        )
    )
    if throttled:
        wait = retry_after(response.headers)
        hint = "try again later" if wait is None else f"try again in {wait:.0f} s"
        raise TransientError(HubError(hub, "throttled", f"{what}: too many requests", hint), wait)
    if status in TRANSIENT:
        error = HubError(hub, "server", f"{what}: the server answered {status}", "try again later")
        raise TransientError(error, retry_after(response.headers))
    if status == 407:
        raise HubError(
            hub,
            "unreachable",
            f"{what}: the proxy wants credentials (407)",
            "set them in HTTPS_PROXY=http://name:password@host:port",
        )
    if status in (401, 403):
        raise HubError(
            hub, "gated", f"{what}: access is refused ({status})", "credentials are needed"
        )
    if status in (404, 410):
        raise HubError(hub, "missing", f"{what}: not there ({status})", "check the name")
    if status == 451:
        raise HubError(hub, "disabled", f"{what}: withheld for legal reasons (451)")
    raise HubError(hub, "server", f"{what}: the server answered {status}")


def translate(error: httpx2.HTTPError, hub: str, what: str) -> HubError:
    """Return the `HubError` that a failure below HTTP means."""
    if isinstance(error, httpx2.TooManyRedirects):
        return HubError(hub, "server", f"{what}: redirected in circles", "report it to the hub")
    if isinstance(error, httpx2.UnsupportedProtocol):
        return HubError(hub, "server", f"{what}: redirected to something that is not HTTP")
    if isinstance(error, httpx2.DecodingError):
        return HubError(hub, "server", f"{what}: the answer cannot be decoded ({error})")
    if isinstance(error, httpx2.TimeoutException):
        why = "no answer in time"
    elif isinstance(error, httpx2.ProxyError):
        why = f"the proxy refused ({error})"
    elif isinstance(error, httpx2.ConnectError):
        why = f"no connection ({error})"
    else:
        why = f"the connection broke ({error})" if str(error) else "the connection broke"
    return HubError(
        hub, "unreachable", f"{what}: {why}", "check the network, proxy and CANILOAD_HTTP_TIMEOUT"
    )


def transient(error: httpx2.HTTPError) -> bool:
    """Tell whether a failure below HTTP may be gone at the next try."""
    return isinstance(
        error, (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)
    )

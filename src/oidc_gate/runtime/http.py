"""Outgoing HTTP: performs a `Fetch` with ``requests``, and does nothing beyond it.

No redirect is followed, no cookie is stored, and ``.netrc`` is not read. The time limit applies to the whole exchange,
and the size limit to the body after decompression. The HTTP libraries are imported before the first exchange, in
`libraries`: they would take half of a worker's start time.

``requests`` determines once for each URL how to reach it: the normal form of the URL, the proxy, the certificates and
the connection pool. An exchange uses this pool directly, because preparing each request anew took two thirds of the
time of an exchange.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ..effects import Fetch, Fetched
from ..errors import GateError, ProviderError, ProviderUnavailable
from ..settings import Settings
from . import libraries

if TYPE_CHECKING:
    import requests
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

# Compression gains nothing at these sizes.
_HEADERS = {"User-Agent": "oidc_gate", "Accept-Encoding": "identity", "Accept": "*/*"}
_CHUNK = 16 * 1024
MAX_ROUTES = 32
AWAY = "The sign-in service cannot be reached at the moment."
_UNTRUSTED_MESSAGE = "The sign-in service sent an answer that cannot be trusted."


class _Route(NamedTuple):
    """How a URL is reached: the connections to its host or to a proxy, and the target in the request line."""

    pool: HTTPConnectionPool
    target: str


@dataclass(frozen=True, slots=True)
class _Process:
    """The connections and routes of one process, which must not survive a fork."""

    pid: int
    session: requests.Session
    routes: dict[str, _Route] = field(default_factory=dict)

    def route_to(self, url: str) -> _Route:
        """Return how `url` is reached. This is determined once for each URL of the provider."""
        route = self.routes.get(url)
        if route is None:
            if len(self.routes) >= MAX_ROUTES:
                self.routes.clear()
            self.routes[url] = route = _route(self.session, url)
        return route


class Outbound:
    """Performs requests to the provider. It is safe under threads, under gevent, and after a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: _Process | None = None

    def perform(self, effect: Fetch) -> Fetched:
        """Perform `effect`.

        Raises:
            ProviderUnavailable: ``provider_name``, ``provider_tls``, ``provider_unreachable``,
                ``provider_timeout``.
            ProviderError: ``answer_too_large``, ``answer_broken``.
        """
        libraries.load()
        return self._exchange(effect, self._mine())

    def _mine(self) -> _Process:
        process = self._process
        if process is None or process.pid != os.getpid():
            # Two threads that arrive first may create two. One of them is dropped, which does no harm.
            self._process = process = _Process(os.getpid(), _session(self._settings))
        return process

    def _exchange(self, effect: Fetch, mine: _Process) -> Fetched:
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        from .deadline import deadline
        from .failures import is_stale

        with deadline(self._settings.provider_timeout_seconds):
            try:
                try:
                    return _once(effect, mine)
                except HTTPError as error:
                    # The server had just closed a kept-alive connection. Only what may be sent twice is sent again.
                    if effect.method != "GET" or not is_stale(error):
                        raise
                    return _once(effect, mine)
            except GateError:
                raise
            except (RequestException, HTTPError, OSError, ValueError) as error:
                # Without "from error", whose text contains the whole URL, and the password of a proxy.
                raise _failure(effect, error) from None


def _session(settings: Settings) -> requests.Session:
    import requests

    from .deadline import DeadlineAdapter

    session = requests.Session()
    session.mount("https://", DeadlineAdapter(pool_connections=MAX_ROUTES, pool_maxsize=8))
    session.mount("http://", DeadlineAdapter(pool_connections=MAX_ROUTES, pool_maxsize=8))
    # The session would read these only for requests of its own.
    bundles = (settings.ca_file, os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("CURL_CA_BUNDLE"))
    session.verify = next(filter(None, bundles), True)
    if settings.client_certificate:
        certificate, key = settings.client_certificate, settings.client_certificate_key
        session.cert = (certificate, key) if key else certificate
    return session


def _route(session: requests.Session, url: str) -> _Route:
    from requests import Request
    from requests.utils import get_environ_proxies

    # Not through the session, which would add what `.netrc` says, store cookies, and read the whole body of a redirect,
    # however long, to see where it leads.
    request = Request("GET", url, auth=_no_credentials).prepare()
    adapter: Any = session.get_adapter(url)
    proxies, verify = get_environ_proxies(url), session.verify
    pool = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=session.cert)
    adapter.cert_verify(pool, request.url, verify, session.cert)
    return _Route(pool, adapter.request_url(request, proxies))


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Take the place of credentials, because otherwise requests searches `.netrc` for some."""
    return request


def _once(effect: Fetch, mine: _Process) -> Fetched:
    from .deadline import send_once

    pool, target = mine.route_to(effect.url)
    response = send_once(
        pool, effect.method, target, headers=_HEADERS | dict(effect.headers), body=effect.body
    )
    try:
        body = _read(effect, response)
    except BaseException:
        response.close()  # the connection is in the middle of an answer and cannot be used again
        raise
    finally:
        response.release_conn()
    headers = response.headers
    return Fetched(response.status, {name.lower(): headers[name] for name in headers}, body)


def _read(effect: Fetch, response: BaseHTTPResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.stream(_CHUNK, decode_content=True):
        size += len(part)
        if size > effect.max_bytes:
            raise ProviderError(
                "answer_too_large",
                _UNTRUSTED_MESSAGE,
                detail=f"{_describe(effect)}: more than {effect.max_bytes} bytes",
            )
        parts.append(part)
    return b"".join(parts)


def _failure(effect: Fetch, error: BaseException) -> GateError:
    from .deadline import is_over
    from .failures import explain_failure

    kind, detail = explain_failure(error, is_over=is_over())
    where = _describe(effect)
    match kind:
        case "certificate":
            return _unreachable("provider_tls", f"{where}: certificate not accepted: {detail}")
        case "tls":
            return _unreachable("provider_tls", f"{where}: TLS: {detail}")
        case "name":
            return _unreachable("provider_name", f"{where}: the name does not resolve: {detail}")
        case "timeout":
            return _unreachable("provider_timeout", f"{where}: {detail}")
        case "broken":
            return ProviderError("answer_broken", _UNTRUSTED_MESSAGE, detail=f"{where}: {detail}")
        case _:
            return _unreachable("provider_unreachable", f"{where}: {detail}")


def _unreachable(code: str, detail: str) -> ProviderUnavailable:
    return ProviderUnavailable(code, AWAY, detail=detail)


def _describe(effect: Fetch) -> str:
    """Return method and URL for the log, without query and user information."""
    parts = urlsplit(effect.url)
    return f"{effect.method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

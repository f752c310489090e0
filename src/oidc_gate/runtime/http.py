"""Outgoing HTTP: performs a `Fetch` with ``requests``, and does nothing beyond it.

No redirect is followed, no cookie is stored, and ``.netrc`` is not read. The time limit applies to the whole exchange,
and the size limit to the body after decompression. The HTTP libraries are imported before the first exchange, in
`libraries`: they would take half of a worker's start time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..effects import Fetch, Fetched
from ..errors import GateError, ProviderError, ProviderUnavailable
from ..settings import Settings
from . import libraries

if TYPE_CHECKING:
    import requests

# Compression gains nothing at these sizes.
_HEADERS = {"User-Agent": "oidc_gate", "Accept-Encoding": "identity", "Accept": "*/*"}
_CHUNK = 16 * 1024
AWAY = "The sign-in service cannot be reached at the moment."
_UNTRUSTED_MESSAGE = "The sign-in service sent an answer that cannot be trusted."


@dataclass(frozen=True, slots=True)
class _Process:
    """What belongs to one process and must not survive a fork: connections, and known proxies."""

    pid: int
    session: requests.Session
    proxies: dict[str, dict[str, str]] = field(default_factory=dict)

    def proxies_for(self, url: str) -> dict[str, str]:
        """Return the proxies from the environment for `url`. They are looked up once for each origin."""
        from requests.utils import get_environ_proxies

        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self.proxies:
            self.proxies[origin] = get_environ_proxies(url)
        return self.proxies[origin]


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
        import requests
        from urllib3.exceptions import HTTPError

        from .deadline import deadline, left

        with deadline(self._settings.provider_timeout_seconds):
            try:
                try:
                    return _once(effect, mine)
                except requests.ConnectionError as error:
                    # The server had just closed a kept-alive connection. Only what may be sent twice is sent again.
                    if effect.method != "GET" or not _is_stale(error):
                        raise
                    return _once(effect, mine)
            except GateError:
                raise
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                # Without "from error", whose text contains the whole URL, and the password of a proxy.
                raise _failure(effect, error, _is_over(left)) from None


def _session(settings: Settings) -> requests.Session:
    import requests

    from .deadline import DeadlineAdapter

    session = requests.Session()
    session.mount("https://", DeadlineAdapter(pool_connections=8, pool_maxsize=8))
    session.mount("http://", DeadlineAdapter(pool_connections=8, pool_maxsize=8))
    # What requests would look up in the environment for each request is looked up once.
    bundles = (settings.ca_file, os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("CURL_CA_BUNDLE"))
    session.verify = next(filter(None, bundles), True)
    if settings.client_certificate:
        certificate, key = settings.client_certificate, settings.client_certificate_key
        session.cert = (certificate, key) if key else certificate
    return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Prevent requests from replacing the Authorization header by the credentials of a URL."""
    return request


def _once(effect: Fetch, mine: _Process) -> Fetched:
    import requests

    from .deadline import left

    # Not through the session, which would add defaults and what `.netrc` says, store cookies, and read the whole body
    # of a redirect, however long, to see where it leads.
    session = mine.session
    request = requests.Request(
        effect.method,
        effect.url,
        _HEADERS | dict(effect.headers),
        data=effect.body,
        auth=_no_credentials,
    )
    response = session.get_adapter(effect.url).send(
        request.prepare(),
        stream=True,
        timeout=left(),
        verify=session.verify or True,
        cert=session.cert,
        proxies=mine.proxies_for(effect.url),
    )
    try:
        body = _read(effect, response)
    except BaseException:
        response.raw.close()  # the connection is in the middle of an answer and cannot be used again
        raise
    finally:
        response.close()
    return Fetched(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, body
    )


def _read(effect: Fetch, response: requests.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.raw.stream(_CHUNK, decode_content=True):
        size += len(part)
        if size > effect.max_bytes:
            raise ProviderError(
                "answer_too_large",
                _UNTRUSTED_MESSAGE,
                detail=f"{_describe(effect)}: more than {effect.max_bytes} bytes",
            )
        parts.append(part)
    return b"".join(parts)


def _failure(effect: Fetch, error: BaseException, is_over: bool) -> GateError:
    import ssl
    from socket import gaierror

    causes = list(_causes(error))
    where = _describe(effect)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _unreachable("provider_tls", f"{where}: certificate not accepted: {cause.verify_message}")
        if isinstance(cause, gaierror):
            return _unreachable("provider_name", f"{where}: the name does not resolve: {cause.strerror}")
    if is_over or any(isinstance(cause, TimeoutError) for cause in causes):
        return _unreachable("provider_timeout", f"{where}: no answer in time")
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _unreachable("provider_tls", f"{where}: TLS: {cause.reason or type(cause).__name__}")
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno is not None:
            return _unreachable("provider_unreachable", f"{where}: {os.strerror(cause.errno)}")
    if _is_answer(causes):
        return ProviderError(
            "answer_broken", _UNTRUSTED_MESSAGE, detail=f"{where}: {type(causes[-1]).__name__}"
        )
    return _unreachable("provider_unreachable", f"{where}: {type(causes[-1]).__name__}")


def _is_answer(causes: list[BaseException]) -> bool:
    """Return whether the provider sent something that is not HTTP."""
    from http.client import HTTPException, IncompleteRead, RemoteDisconnected

    from requests.exceptions import InvalidURL
    from urllib3.exceptions import DecodeError, InvalidChunkLength

    if any(isinstance(cause, DecodeError | InvalidChunkLength) for cause in causes):
        return True
    if any(isinstance(cause, RemoteDisconnected | IncompleteRead | InvalidURL) for cause in causes):
        return False
    return any(isinstance(cause, HTTPException) for cause in causes)


def _is_stale(error: BaseException) -> bool:
    from http.client import RemoteDisconnected

    gone = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)
    return any(isinstance(cause, gone) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes, outermost first."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting and len(seen) < 50:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _is_over(left: Any) -> bool:
    try:
        left()
    except TimeoutError:
        return True
    return False


def _unreachable(code: str, detail: str) -> ProviderUnavailable:
    return ProviderUnavailable(code, AWAY, detail=detail)


def _describe(effect: Fetch) -> str:
    """Return method and URL for the log, without query and user information."""
    parts = urlsplit(effect.url)
    return f"{effect.method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

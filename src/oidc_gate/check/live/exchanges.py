"""The requests that the check sends to the page. Each has a deadline and a limited body, and follows no redirects."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import HTTPError

from ...provider.responses import printable
from ...runtime.deadline import DeadlineAdapter, deadline, is_over, send_once
from ...runtime.failures import explain_failure

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool

MAX_BYTES = 256 * 1024
SECONDS = 10.0
"""The time limit of one exchange."""
MAX_EXCHANGES = 40
"""The maximum number of requests that one check sends to the page. It needs about 15."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Response:
    """The response of the page, or the reason why there was none.

    Args:
        url: The URL that was requested.
        sent: The request in a few words, without the values of cookies.
        failure: Why there is no answer: ``name``, ``refused``, ``timeout``, ``tls``, ``broken``; empty if there is one.
        detail: More about the failure.
    """

    url: str
    sent: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    failure: str = ""
    detail: str = ""

    def header(self, name: str) -> str:
        """Return the header `name`, or an empty string."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Return every value of the header `name`."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        """Return the ``Location`` of a redirect as it was sent, or an empty string."""
        return self.header("location") if 300 <= self.status < 400 else ""

    @property
    def target(self) -> str:
        """Return the absolute URL that a redirect leads to, or an empty string, also if it is not a URL."""
        try:
            return urljoin(self.url, self.location) if self.location else ""
        except ValueError:
            return ""

    @property
    def received(self) -> str:
        """Return the answer in a few words, without queries and cookies."""
        if self.failure:
            return printable(f"no answer: {self.detail}", 200)
        words = [f"status {self.status}"]
        if self.location:
            words.append(f"to {printable(self.location.partition('?')[0], 150)}")
        else:
            words.append(printable(self.header("content-type").partition(";")[0], 60))
        if server := self.header("server"):
            words.append(f"from {printable(server, 40)}")
        return ", ".join(filter(None, words))

    @property
    def cookies(self) -> list[Cookie]:
        """Return the cookies that the answer sets, without their values."""
        return [cookie for value in self.all("set-cookie") if (cookie := read_cookie(value))]


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie that an answer sets. Its value is not shown."""

    name: str
    value: str = field(repr=False)
    domain: str = ""
    path: str = ""
    secure: bool = False


def read_cookie(value: str) -> Cookie | None:
    """Return the cookie in a ``Set-Cookie`` header, or None if it cannot be read."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(value)
    except CookieError:
        return None
    for name, morsel in jar.items():
        domain = str(morsel["domain"]).lstrip(".").lower()
        return Cookie(name, morsel.value, domain, str(morsel["path"]), bool(morsel["secure"]))
    return None


class Browser:
    """Sends requests without cookies and without following redirects.

    Args:
        connect: ``HOST:PORT`` for every connection, instead of the host of the URL, to check a server before its name
            resolves to it. The host of the URL is still sent, and its certificate is expected.
        ca_file: A PEM file with the certificate authorities to trust, instead of those of the system.
        post: Whether a POST may be sent.
    """

    def __init__(self, *, connect: str = "", ca_file: str = "", post: bool = False) -> None:
        self._connect, self._ca_file, self._post = connect, ca_file, post
        self.sent: list[Response] = []

    def send(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        method: str = "GET",
        sent: str = "",
        direct: bool = False,
    ) -> Response:
        """Send one request.

        Args:
            sent: A description of the request, for the report.
            direct: Whether to connect to the host of the URL even if `connect` is set, as for the provider's page.
        """
        if method not in READING and not (method == "POST" and self._post):
            raise ValueError(f"the check sends no {method}")
        described = f"{method} {printable(url.partition('?')[0], 200)}{f' ({sent})' if sent else ''}"
        if len(self.sent) >= MAX_EXCHANGES:
            return Response(url, described, failure="limit", detail="the check sends no more requests")
        response = self._exchange(url, headers, method, described, "" if direct else self._connect)
        self.sent.append(response)
        return response

    def _exchange(
        self, url: str, headers: Mapping[str, str], method: str, described: str, connect: str
    ) -> Response:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        given = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "oidc-gate check"} | dict(headers)
        with deadline(SECONDS):
            try:
                with self._pool(url, connect) as pool:
                    response = send_once(pool, method, target, headers=given, body=None)
                    with response:
                        pairs = tuple((str(name), str(value)) for name, value in response.headers.iteritems())
                        return Response(url, described, response.status, pairs, _read(response))
            except (HTTPError, HTTPException, OSError, ValueError) as error:
                failure, detail = _failure(error)
                return Response(url, described, failure=failure, detail=detail)

    @contextmanager
    def _pool(self, url: str, connect: str) -> Iterator[HTTPConnectionPool]:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        place, place_port = host, port
        if connect:
            name, _, number = connect.rpartition(":")
            place, place_port = name.strip("[]"), int(number)
        keywords: dict[str, Any] = {}
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file or None)
            keywords = {"ssl_context": context, "server_hostname": host}
        manager: Any = DeadlineAdapter(pool_connections=1, pool_maxsize=1).poolmanager
        pool = manager.connection_from_host(place, place_port, parts.scheme, pool_kwargs=keywords or None)
        try:
            yield pool
        finally:
            pool.close()


def _read(response: Any) -> bytes:
    """Return the body up to the limit. The rest is not read."""
    content = bytearray()
    for part in response.stream(16 * 1024):
        content += part
        if len(content) >= MAX_BYTES:
            break
    return bytes(content[:MAX_BYTES])


def _failure(error: BaseException) -> tuple[str, str]:
    """Return the kind of a failure, and its details."""
    failure = explain_failure(error, is_over=is_over())
    match failure.kind:
        case "certificate":
            return "tls", failure.detail
        case "timeout":
            return "timeout", f"nothing within {SECONDS:.0f} seconds"
        case "broken" | "closed":
            return "broken", f"the answer is not HTTP ({failure.detail})"
        case kind:
            return kind, failure.detail

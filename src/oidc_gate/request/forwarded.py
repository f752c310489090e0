"""The URL at which browsers reach the application, and the headers in which proxies report it.

``public_url`` determines it. Without that setting it follows from the scheme, host and mount of the request.
``X-Forwarded-*`` headers are used only from a peer that ``trusted_proxies`` names; by default there is none
(CVE-2026-40575, oauth2-proxy #3506).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from ..model import Request
from ..settings import Settings
from ..syntax.hosts import normal_host
from ..syntax.paths import is_plain_path

_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_ABSOLUTE = re.compile(r"https?://[^/?#@\\]+(?=/)", re.IGNORECASE)
_TWO_TARGETS = re.compile(r", *(?:/|https?:)", re.IGNORECASE)
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_MAX_HOPS = 32  # of X-Forwarded-For; no real chain is longer, and the client can write the rest

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Site:
    """The URL at which browsers reach the application.

    Attributes:
        scheme: ``http`` or ``https``.
        host: ``app.example.com`` or ``app.example.com:8443``, in lower case and without the default port. It is empty
            if the request names no acceptable host, which the gate answers with 400.
        mount: The path prefix of the application for the browser: empty or ``/base``.
    """

    scheme: str
    host: str
    mount: str

    @property
    def origin(self) -> str:
        """Return the origin, such as ``https://app.example.com``, as in an ``Origin`` header (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.host}"

    def url(self, path_below_mount: str) -> str:
        """Return the absolute URL of a path below the mount, which begins with ``/``."""
        return f"{self.scheme}://{self.host}{self.mount}{path_below_mount}"


class OriginalTarget(NamedTuple):
    """The address that the client requested from the proxy, as a trusted proxy reports it.

    Attributes:
        path: The path below the path of ``public_url``, decoded once, with surrogate escapes for undecodable bytes.
        raw: The path and query as received, percent-encoded, with the path of ``public_url``.
        raw_path: The path below the path of ``public_url``, percent-encoded as received.
    """

    method: str
    path: str
    raw: str
    raw_path: str


class TrustedProxies:
    """The peers whose ``X-Forwarded-*`` headers are used.

    Args:
        networks: Addresses and networks (``10.0.0.0/8``, ``::1``), or ``unix`` for peers on a Unix socket.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        names = tuple(networks)
        self._unix = "unix" in names
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(name, strict=False) for name in names if name != "unix"
        )
        # Few proxies send all requests. The limit is for X-Forwarded-For, which any client can fill.
        self._contains = lru_cache(maxsize=1024)(self._look_up)

    def trusts(self, peer: str) -> bool:
        """Return whether `peer`, an address or ``unix``, is trusted."""
        if peer == "unix":
            return self._unix
        return bool(self._networks) and bool(peer) and self._contains(peer)

    def _look_up(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)


def trusts(peer: str, networks: Iterable[str]) -> bool:
    """Return whether `peer` is in one of `networks`. `TrustedProxies` compiles the networks once."""
    return TrustedProxies(networks).trusts(peer)


def site_of(request: Request, settings: Settings, trusted: TrustedProxies) -> Site:
    """Return the URL at which the browser reaches the application.

    Returns:
        A site whose ``host`` is empty if the ``Host`` header, or the header of a trusted proxy that replaces it, is
        missing, repeated or malformed.

    Spec: RFC 9112 §3.2; RFC 9110 §7.2.
    """
    if settings.public_url:
        return _site_of_url(settings.public_url)
    scheme = "https" if request.scheme == "https" else "http"
    if not trusted.trusts(request.peer):
        return Site(scheme, normal_host(request.host, scheme), request.mount)
    hops = 1 + _trusted_hops(request, trusted)
    scheme = _SCHEMES.get(_written(request, "x-forwarded-proto", hops).lower(), scheme)
    host = _written(request, "x-forwarded-host", hops) or request.host
    return Site(scheme, normal_host(host, scheme), _mount(request, hops))


def browser_host(request: Request, trusted: TrustedProxies) -> str:
    """Return the host that the browser used, not normalized: ``Host``, or the header of a trusted proxy."""
    if not trusted.trusts(request.peer):
        return request.host
    return _written(request, "x-forwarded-host", 1 + _trusted_hops(request, trusted)) or request.host


def client_address(request: Request, trusted: TrustedProxies) -> str:
    """Return the address of the client, for the log.

    ``X-Forwarded-For`` is read from right to left as long as the writer is a trusted peer. The client may have
    invented everything to the left of that.
    """
    client = request.peer
    if not trusted.trusts(client):
        return client
    for item in _last_items(request, "x-forwarded-for"):
        address = _address(item)
        if address is None:
            return client
        client = str(address)
        if not trusted.trusts(client):
            break
    return client


def original_target(request: Request, settings: Settings, trusted: TrustedProxies) -> OriginalTarget | None:
    r"""Return the address that the client requested from the proxy, or None, in which case no path is public.

    It is None

    - if only one of the two headers is configured or sent, if one is repeated, or if the peer is not trusted;
    - for a target that proxies and applications read differently (``#``, ``\``, bytes over 127, the path of
      ``public_url`` in another spelling or twice);
    - for a value that may be two targets joined by a comma (CVE-2025-64484).
    """
    uri_name, method_name = settings.original_uri_header, settings.original_method_header
    if not uri_name or not method_name or not trusted.trusts(request.peer):
        return None
    uris, methods = request.headers.all(uri_name.lower()), request.headers.all(method_name.lower())
    if len(uris) != 1 or len(methods) != 1 or not _METHOD.fullmatch(methods[0]):
        return None
    raw = uris[0]
    if match := _ABSOLUTE.match(raw):
        raw = raw[match.end() :]
    if not raw.isascii() or not raw.isprintable() or "#" in raw or "\\" in raw:
        return None
    # Some WSGI servers put what a client sent with underscores in front of what the proxy sent with dashes.
    if _TWO_TARGETS.search(raw):
        return None
    mount = _site_of_url(settings.public_url).mount if settings.public_url else ""
    if not raw.startswith(mount + "/"):
        return None
    raw_path = raw.partition("?")[0][len(mount) :]
    path = unquote_to_bytes(raw_path).decode("utf-8", "surrogateescape")
    if mount and f"{path}/".startswith(f"{unquote(mount)}/"):
        return None
    return OriginalTarget(methods[0], path, raw, raw_path)


def client_queries(request: Request, settings: Settings, trusted: TrustedProxies) -> tuple[str, ...]:
    """Return the query strings of the client's request as trusted proxies report it; usually one, or none."""
    if not trusted.trusts(request.peer):
        return ()
    names = {"x-forwarded-uri", (settings.original_uri_header or "").lower()}
    reported = [request.headers.all(name) for name in names]
    return tuple(values[0].partition("?")[2] for values in reported if len(values) == 1)


@lru_cache(maxsize=16)
def _site_of_url(url: str) -> Site:
    """Return the site of ``public_url``, which the settings keep without a slash at its end."""
    parts = urlsplit(url)
    return Site(parts.scheme, normal_host(parts.netloc, parts.scheme), parts.path)


def _mount(request: Request, hops: int) -> str:
    """Return the mount, with the prefix that the proxy removed in front of it."""
    prefix = _written(request, "x-forwarded-prefix", hops).rstrip("/")
    if not is_plain_path(prefix):
        return request.mount
    # Many servers are configured with the same prefix as their root path.
    known = request.mount == prefix or request.mount.startswith(prefix + "/")
    return request.mount if known else prefix + request.mount


def _trusted_hops(request: Request, trusted: TrustedProxies) -> int:
    """Return the number of trusted proxies behind the peer."""
    hops = 0
    for item in _last_items(request, "x-forwarded-for"):
        address = _address(item)
        if address is None or not trusted.trusts(str(address)):
            break
        hops += 1
    return hops


def _written(request: Request, name: str, hops: int) -> str:
    """Return the value that the outermost trusted proxy wrote into header `name`.

    Each of `hops` proxies may have appended an item or replaced the list, so the value is at most that far from the
    end.
    """
    items = _last_items(request, name)
    return items[min(hops, len(items)) - 1] if items else ""


def _last_items(request: Request, name: str) -> list[str]:
    """Return the items of a comma-separated header, starting with the last one."""
    if name not in request.headers:
        return []
    items = ",".join(request.headers.all(name)).rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]
    return [item.strip(" \t") for item in reversed(items) if item.strip(" \t")]


def _address(text: str) -> Address | None:
    """Return the IP address in `text`, which may have a port (Azure) or brackets. IPv4 in IPv6 becomes IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # a zone (fe80::1%eth0) can contain any text
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address

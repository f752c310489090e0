"""Where a browser reaches us, and what a proxy may tell about it.

``public_url`` settles it. Without one, the request's own scheme, host and mount count, and ``X-Forwarded-*``
only from a peer that ``trusted_proxies`` names: nobody by default (CVE-2026-40575, oauth2-proxy #3506).
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
_MAX_HOPS = 32  # of X-Forwarded-For; no real chain is longer, and the client chooses the rest

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Site:
    """Where a browser reaches this application.

    Attributes:
        scheme: ``http`` or ``https``.
        host: ``app.example.com`` or ``app.example.com:8443``: lower case, no default port; empty when the
            request names no host that can be believed, which the gate answers with 400.
        mount: Path prefix of the application in the browser's eyes: empty or ``/base``.
    """

    scheme: str
    host: str
    mount: str

    @property
    def origin(self) -> str:
        """``https://app.example.com``, as in an ``Origin`` header (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.host}"

    def url(self, path_below_mount: str) -> str:
        """Return the absolute URL of a path that begins with ``/`` and is below the mount."""
        return f"{self.scheme}://{self.host}{self.mount}{path_below_mount}"


class OriginalTarget(NamedTuple):
    """What the visitor asked the proxy for, as a trusted proxy tells it.

    Attributes:
        path: Below the path of ``public_url``, decoded once; undecodable bytes stand as surrogate escapes.
        raw: Path and query as they came, percent-encoded, the path of ``public_url`` included.
        raw_path: Below the path of ``public_url``, percent-encoded as it came.
    """

    method: str
    path: str
    raw: str
    raw_path: str


class TrustedProxies:
    """The peers whose ``X-Forwarded-*`` headers count.

    Args:
        networks: Addresses and networks (``10.0.0.0/8``, ``::1``), or ``unix`` for peers on a Unix socket.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        names = tuple(networks)
        self._unix = "unix" in names
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(name, strict=False) for name in names if name != "unix"
        )
        # The same few proxies ask again and again; the bound is for X-Forwarded-For, which anybody fills.
        self._contains = lru_cache(maxsize=1024)(self._look_up)

    def trusts(self, peer: str) -> bool:
        """Tell whether `peer`, an address or ``unix``, is one of them."""
        if peer == "unix":
            return self._unix
        return bool(self._networks) and bool(peer) and self._contains(peer)

    def _look_up(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)


def trusts(peer: str, networks: Iterable[str]) -> bool:
    """Tell whether `peer` is in one of `networks`; `TrustedProxies` compiles them once."""
    return TrustedProxies(networks).trusts(peer)


def site_of(request: Request, settings: Settings, trusted: TrustedProxies) -> Site:
    """Return where a browser reaches this application.

    Returns:
        A site whose ``host`` is empty if ``Host``, or the trusted proxy's word for it, is missing, repeated
        or malformed.

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
    """Return the host that the browser used: ``Host``, or what a trusted proxy says in its place. Not normalised."""
    if not trusted.trusts(request.peer):
        return request.host
    return _written(request, "x-forwarded-host", 1 + _trusted_hops(request, trusted)) or request.host


def client_address(request: Request, trusted: TrustedProxies) -> str:
    """Return the address of the client, for the log.

    ``X-Forwarded-For`` is walked from right to left for as long as trusted peers wrote it. What stands left
    of that, the client may have made up.
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
    r"""Return what the visitor asked the proxy for, or None: then everything is protected.

    None, too, when only one of both headers is configured or sent, when one is repeated, when the peer is not
    trusted, and for a target that proxies and applications read differently (``#``, ``\``, bytes over 127, the
    path of ``public_url`` in another spelling or twice) or that may be two, joined by a comma (CVE-2025-64484).
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
    # Some WSGI servers join what a client sent with underscores in front of what the proxy sent with dashes.
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


@lru_cache(maxsize=16)
def _site_of_url(url: str) -> Site:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return Site(scheme, normal_host(parts.netloc, scheme), parts.path.rstrip("/"))


def _mount(request: Request, hops: int) -> str:
    """Return the mount with what the proxy took off in front of it."""
    prefix = _written(request, "x-forwarded-prefix", hops).rstrip("/")
    if not is_plain_path(prefix):
        return request.mount
    # Servers are often told the same prefix as their root path.
    known = request.mount == prefix or request.mount.startswith(prefix + "/")
    return request.mount if known else prefix + request.mount


def _trusted_hops(request: Request, trusted: TrustedProxies) -> int:
    """Count the trusted proxies behind the peer."""
    hops = 0
    for item in _last_items(request, "x-forwarded-for"):
        address = _address(item)
        if address is None or not trusted.trusts(str(address)):
            break
        hops += 1
    return hops


def _written(request: Request, name: str, hops: int) -> str:
    """Return what the outermost trusted proxy wrote into `name`.

    Each of `hops` proxies may have appended an item or replaced the list, so it is at most that far from the
    end.
    """
    items = _last_items(request, name)
    return items[min(hops, len(items)) - 1] if items else ""


def _last_items(request: Request, name: str) -> list[str]:
    """Return the items of a comma-separated header, the last one first."""
    if name not in request.headers:
        return []
    items = ",".join(request.headers.all(name)).rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]
    return [item.strip(" \t") for item in reversed(items) if item.strip(" \t")]


def _address(text: str) -> Address | None:
    """Return the IP address in `text`, which may carry a port (Azure) or brackets; IPv4 in IPv6 as IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # a zone (fe80::1%eth0) may hold any text
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address

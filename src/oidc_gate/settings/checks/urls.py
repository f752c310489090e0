"""Checks of the URLs of the application, and of the proxies, hosts and origins that it trusts."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from ...syntax.hosts import DEFAULT_PORTS, is_ip, is_loopback, normal_domain, normal_hostname
from ...syntax.paths import AMBIGUOUS_SEGMENTS, is_plain_path
from ..report import Derived, Draft, Findings, Unusable, Wrong, unusable, wrong

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 §5.6.2
_PORT = re.compile(r":([1-9][0-9]{0,4})\Z")
_BAD_PORT = re.compile(  # after a host name, or an IPv6 address in brackets: 0, above 65535, or not a number
    r"\A(?:[^:\[\]/@]+|\[[^\]/@]*\]):"
    r"(?!(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])\Z)[^:/]*\Z"
)
_PLACEHOLDER = re.compile(r"[<>{}]|\$[A-Za-z(]")
_NOT_IN_URL = re.compile(r"[\s\\\"^`|\x00-\x20\x7f-\x9f]")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Address(NamedTuple):
    """The parts of an ``http`` or ``https`` URL.

    Attributes:
        host: Lower case, ASCII (IDNA), IPv6 in brackets.
        port: With its colon, or empty if it is the default of the scheme.
    """

    scheme: str
    host: str
    port: str
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port as browsers write them (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.host}{self.port}"


def read_url(setting: str, url: str) -> Address | Wrong:
    """Return the parts of the URL in `setting`, or why it cannot be used.

    Spec: RFC 3986 §3, without userinfo, query and fragment.
    """
    try:
        parts = urlsplit(url)
        host = normal_hostname(parts.hostname or "")
    except ValueError:
        return _malformed(setting, url, "url_malformed")
    try:
        port = parts.port
    except ValueError:
        port = 0
    code = _problem_of(url, parts.scheme) or ("url_port" if port == 0 and host else "")
    if not code and not host and normal_domain(parts.hostname or ""):
        code = "url_host"
    if code or "@" in parts.netloc or not host:
        return _malformed(setting, url, code or "url_malformed")
    if "?" in url or "#" in url:
        return wrong(setting, "url_query", value=_without_query(url) + "...")
    shown_port = "" if port is None or port == DEFAULT_PORTS[parts.scheme] else f":{port}"
    return Address(parts.scheme, host, shown_port, parts.path)


def _problem_of(url: str, scheme: str) -> str:
    if _PLACEHOLDER.search(url):
        return "url_placeholder"
    if _NOT_IN_URL.search(url) or not _ABSOLUTE.match(url):
        return "url_malformed"
    return "" if scheme in DEFAULT_PORTS else "url_scheme"


def _malformed(setting: str, url: str, code: str) -> Wrong:
    if "@" in _without_query(url):
        return wrong(setting, "url_userinfo")  # without the value, which may contain a password
    return wrong(setting, code, value=url)


def _without_query(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def check_public_url(draft: Draft) -> Findings:
    """Check `public_url`, and write it as browsers do and without a trailing slash."""
    settings = draft.settings
    if settings.public_url is None:
        return
    address = read_url("public_url", settings.public_url)
    if isinstance(address, Wrong):
        yield address
        yield Unusable("public_url")
        return
    path = address.path.rstrip("/")
    if path and not is_plain_path(path):
        yield from unusable("public_url", "url_path", value=settings.public_url)
        return
    if address.scheme == "http" and not (settings.insecure_cookies or is_loopback(address.host)):
        hint = "write https; or set insecure_cookies, if no attacker can listen on the network"
        yield wrong("public_url", "url_http", value=settings.public_url, host=address.host, hint=hint)
    if address.scheme == "https" and settings.insecure_cookies:
        yield wrong("insecure_cookies", "insecure_needless")
    yield from _check_not_an_endpoint(address.origin, path, draft.settings.prefix)
    yield Derived("public_url", address.origin + path)


def _check_not_an_endpoint(origin: str, path: str, prefix: str) -> Findings:
    """Check that the path is that of the application: the redirect URI is often given instead."""
    before, found, endpoint = f"{path}/".rpartition(f"{prefix}/")
    if not found or "/" in endpoint.rstrip("/"):
        before, _, endpoint = path.rpartition("/")
        if endpoint != "callback":
            return
    tail = path[len(before) :]
    yield wrong(
        "public_url", "url_endpoint", because=("prefix",), value=origin + path, tail=tail, url=origin + before,
        redirect_uri=f"{origin}{before}{prefix}/callback",
    )  # fmt: skip


def check_prefix(draft: Draft) -> Findings:
    """Check the path below which the endpoints are."""
    prefix = draft.settings.prefix
    before, _, last = prefix.rpartition("/")
    if not is_plain_path(prefix):
        yield wrong("prefix", "prefix_malformed", value=prefix)
    elif before and last == "callback":
        yield wrong("prefix", "prefix_endpoint", value=prefix, prefix=before)


def check_trusted_proxies(draft: Draft) -> Findings:
    """Check the addresses of trusted proxies, and write them in their normal form."""
    normal = []
    for item in draft.settings.trusted_proxies:
        try:
            network = ip_network(item) if "/" in item else None
            normal.append(str(network or (item if item == "unix" else ip_address(item))))
        except ValueError:
            yield wrong("trusted_proxies", "network_malformed", value=item, hint=_network_hint(item))
            continue
        if network is not None and network.prefixlen == 0:
            yield wrong("trusted_proxies", "network_everything", value=item)
    yield Derived("trusted_proxies", tuple(normal))


def _network_hint(item: str) -> str:
    if item in ("*", "all", "any"):
        return "name the addresses of the proxies: any other client could claim any host and address"
    try:
        return f"write {ip_network(item, strict=False)}"
    except ValueError:
        return "write addresses as 10.0.0.5, networks as 10.0.0.0/8, or unix; names are not looked up"


def check_original_headers(draft: Draft) -> Findings:
    """Check the two headers in which a trusted proxy sends what the user requested."""
    settings = draft.settings
    uri, method = settings.original_uri_header, settings.original_method_header
    for name, value, other, other_value in (
        ("original_uri_header", uri, "original_method_header", method),
        ("original_method_header", method, "original_uri_header", uri),
    ):
        if value is None:
            continue
        if not _HEADER.fullmatch(value):
            yield wrong(name, "header_malformed", value=value)
        if other_value is None:
            yield wrong(name, "needs", because=(other,), needs=other)
        if not settings.trusted_proxies:
            yield wrong(name, "needs", because=("trusted_proxies",), needs="trusted_proxies")
    if uri and method and uri.lower() == method.lower():
        yield wrong("original_method_header", "header_same", value=method)


def check_redirect_hosts(draft: Draft) -> Findings:
    """Check the other hosts to return to, and write them in lower case and ASCII."""
    normal = []
    for item in draft.settings.allowed_redirect_hosts:
        star, name = ("*.", item[2:]) if item.startswith("*.") else ("", item)
        match = _PORT.search(name)
        if _BAD_PORT.search(name):
            yield wrong("allowed_redirect_hosts", "url_port", value=_without_userinfo(item))
            continue
        host = normal_hostname(name[: match.start()] if match else name)
        hint = "write the host alone, as app.example.com, *.example.com or app.example.com:8443"
        if not host or (":" in host and not name.startswith("[")):
            code = "host_too_wide" if item in ("*", "*.*", "*.") else "host_malformed"
            yield wrong("allowed_redirect_hosts", code, value=_without_userinfo(item), hint=hint)
        elif star and ("." not in host or is_ip(host)) and host != "localhost":
            yield wrong("allowed_redirect_hosts", "host_too_wide", value=item)
        else:
            normal.append(star + host + (match[0] if match else ""))
    yield Derived("allowed_redirect_hosts", tuple(normal))


def check_after_sign_out(draft: Draft) -> Findings:
    """Check the page to which users go after sign-out, which must not be an endpoint of the gate."""
    url, prefix = draft.settings.after_sign_out_url, draft.settings.prefix
    if url is None:
        return
    plain = re.split("[?#]", url, maxsplit=1)[0]
    path = plain
    if not url.startswith("/") or url.startswith("//"):
        address = read_url("after_sign_out_url", plain)
        if isinstance(address, Wrong):
            yield address
            return
        path = address.path
        if address.scheme == "http" and not (is_loopback(address.host) or draft.settings.insecure_cookies):
            hint = "write https"
            yield wrong("after_sign_out_url", "url_http", value=plain, host=address.host, hint=hint)
    if AMBIGUOUS_SEGMENTS.search(path) or _NOT_IN_URL.search(url) or not url.isascii():
        yield wrong("after_sign_out_url", "url_path", value=plain)
    elif f"{prefix}/" in f"{path}/":
        because = ("prefix",)
        yield wrong(
            "after_sign_out_url", "after_sign_out_endpoint", because=because, value=plain, prefix=prefix
        )


def check_origins(draft: Draft) -> Findings:
    """Check the other origins that may open WebSockets, and write them as browsers do.

    Spec: RFC 6454 §6.2; RFC 6455 §10.2.
    """
    normal = []
    for item in draft.settings.allowed_origins:
        if "://" not in item or "*" in item or item.count("/") > 2:
            yield wrong("allowed_origins", "origin_malformed", value=_without_userinfo(item))
            continue
        address = read_url("allowed_origins", item)
        if isinstance(address, Wrong):
            yield address
            continue
        if address.scheme == "http" and not (is_loopback(address.host) or draft.settings.insecure_cookies):
            hint = "write https: an attacker on the network can take the place of any http origin"
            yield wrong("allowed_origins", "url_http", value=item, host=address.host, hint=hint)
        normal.append(address.origin)
    yield Derived("allowed_origins", tuple(normal))


def _without_userinfo(text: str) -> str:
    return "a text with an @" if "@" in text else text

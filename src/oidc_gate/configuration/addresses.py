"""Reading URLs and host names as strictly as a setting has to be."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from .report import Report

_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_PLACEHOLDER = re.compile(r"[<>{}]|\$[A-Za-z(]")
_NOT_IN_URL = re.compile(r"[\s\\\"^`|\x00-\x20\x7f-\x9f]")
SAFE_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_DEFAULT_PORT = {"http": 80, "https": 443}


class Address(NamedTuple):
    """The parts of an ``http:`` or ``https:`` URL.

    Args:
        host: Lower case, ASCII (IDNA), IPv6 in brackets.
        port: With its colon, or empty where it is the scheme's own.
    """

    scheme: str
    host: str
    port: str
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port as a browser writes them (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.host}{self.port}"


def read_url(report: Report, setting: str, url: str) -> Address | None:
    """Return the parts of `url`, or report why it is none that may be used.

    Spec: RFC 3986 §3, without userinfo, query and fragment.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = None, None
    code = _fault_of(url, "https" if parts is None else parts.scheme)
    if (
        parts is None
        or code
        or "@" in parts.netloc
        or not (host := ascii_host(parts.hostname or ""))
        or port == 0
    ):
        if "@" in url.split("?")[0].split("#")[0]:
            report.fault(setting, "url_userinfo")  # without the value: a password may stand in it
        else:
            report.fault(setting, code or "url_malformed", value=url)
        return None
    if "?" in url or "#" in url:
        report.fault(setting, "url_query", value=url.split("?")[0].split("#")[0] + "...")
        return None
    shown_port = "" if port is None or port == _DEFAULT_PORT[parts.scheme] else f":{port}"
    return Address(parts.scheme, host, shown_port, parts.path)


def _fault_of(url: str, scheme: str) -> str:
    if _PLACEHOLDER.search(url):
        return "url_placeholder"
    if _NOT_IN_URL.search(url) or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
        return "url_malformed"
    return "" if scheme in _DEFAULT_PORT else "url_scheme"


def ascii_host(host: str) -> str:
    """Return `host` in lower case and ASCII, an IPv6 address in brackets; empty if it is malformed."""
    if ":" in host:
        try:
            return f"[{ip_address(host.strip('[]')).compressed}]"
        except ValueError:
            return ""
    host = ascii_domain(host)
    # A browser reads a name whose last label is a number as an IPv4 address (WHATWG URL §3.5).
    return (
        host if not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rsplit(".", 1)[-1]) or _is_address(host) else ""
    )


def ascii_domain(domain: str) -> str:
    """Return `domain` in lower case and in ASCII (``xn--``); empty if it is malformed."""
    if not domain.isascii():
        import idna  # few need it

        try:
            # IDNA 2008, not Python's own codec, which takes straße.de for strasse.de: another domain.
            domain = idna.encode(domain, uts46=True, transitional=False).decode("ascii")
        except UnicodeError:
            return ""
    domain = domain.lower()
    return domain if len(domain) <= 253 and _NAME.fullmatch(domain) else ""


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine: ``localhost``, below it, 127.0.0.0/8 or ::1 (RFC 6761 §6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ip_address(host.strip("[]")).is_loopback


def is_ip(host: str) -> bool:
    """Tell whether `host` is an address and no name."""
    return _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True

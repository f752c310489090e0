"""Host names, domain names and IP addresses: their normal form, and which of them are loopback."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}

MAX_DOMAIN = 253  # RFC 1035 §2.3.4, without the final dot
_MAX_HOST = 261  # a name of 255 characters and a port
_LABELS = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_HOST = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


@lru_cache(maxsize=1024)
def normal_domain(domain: str) -> str:
    """Return a domain name in lower case and in ASCII (``xn--``), or an empty string if it is malformed.

    Spec: RFC 5891 (IDNA 2008) after the mapping of UTS #46.
    """
    if not domain.isascii():
        try:
            # Python's own codec implements IDNA 2003, in which straße.de becomes strasse.de, which is another domain.
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError:
            return ""
    domain = domain.lower()
    return domain if len(domain) <= MAX_DOMAIN and _LABELS.fullmatch(domain) else ""


def normal_hostname(hostname: str) -> str:
    """Return the host of a URL in the form that browsers use, or an empty string if it is malformed.

    Args:
        hostname: A name, an IPv4 address, or an IPv6 address with or without brackets; no port.

    Returns:
        Lower case and ASCII, with an IPv6 address compressed and in brackets.

    Spec: WHATWG URL §3.5.
    """
    if ":" in hostname:
        is_open, is_closed = hostname.startswith("["), hostname.endswith("]")
        return _bracketed(hostname[is_open : len(hostname) - is_closed]) if is_open == is_closed else ""
    name = normal_domain(hostname)
    return name if _is_parsable(name) else ""


def normal_host(host: str, scheme: str) -> str:
    """Return a ``Host`` header in its normal form, or an empty string if it is malformed.

    Args:
        host: A name, an IPv4 address or an IPv6 address in brackets, with an optional port.
        scheme: The scheme, whose default port is left out.

    Spec: RFC 3986 §3.2.2, without percent-encoding and IPvFuture.
    """
    # Clients can send any host, so the length of the cached values is limited too.
    return _normal_host(host, scheme) if len(host) <= _MAX_HOST else ""


@lru_cache(maxsize=1024)
def _normal_host(host: str, scheme: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None:
        return ""
    name, port = match[1].lower(), int(match[2] or 0)
    if name.startswith("["):
        name = _bracketed(name[1:-1])
    elif not _LABELS.fullmatch(name.removesuffix(".")) or not _is_parsable(name):
        return ""
    if not name or port > 65535:
        return ""
    return name if port in (0, DEFAULT_PORTS.get(scheme)) else f"{name}:{port}"


def _is_parsable(name: str) -> bool:
    """Return whether the URL parser of a browser reads the name as itself.

    Chromium also accepts ``xn--`` labels that cannot be decoded, which the standard, Firefox and Node refuse.

    Args:
        name: A name in lower case and ASCII with well-formed labels.

    Spec: WHATWG URL §3.3 (domain to ASCII), §3.5 (ends in a number checker); UTS #46 §4.1.
    """
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # It is read as an IPv4 address. Its other spellings (0x7f.1, 127.1, 1.2.3.4.) would become a different text.
        return is_ip(name)
    if "xn--" not in name:
        return True
    decoded = [_decoded(label) if label.startswith("xn--") else label for label in labels]
    if not all(decoded):
        return False
    if _RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, "".join(decoded))):
        return True
    try:
        return all(idna.check_bidi(label, check_ltr=True) for label in decoded)
    except idna.IDNABidiError:
        return False


def _decoded(label: str) -> str:
    """Return the label that an ``xn--`` label encodes, or an empty string if that is not valid.

    Spec: UTS #46 §4 (step 4), §4.1, without the rules about hyphens, as in WHATWG URL §3.3.
    """
    try:
        text = label[4:].encode("ascii").decode("punycode")
        # A label is valid if the mapping does not change it, and if it has exactly this spelling.
        is_valid = (
            idna.uts46_remap(text, std3_rules=False) == text
            and text.encode("punycode").decode("ascii") == label[4:]
        )
        joiners = [position for position, character in enumerate(text) if character in "\u200c\u200d"]
        is_joined = all(idna.core.valid_contextj(text, position) for position in joiners)
    except (UnicodeError, ValueError, IndexError):
        return ""
    if not is_valid or not is_joined or text.isascii() or text.startswith("xn--"):
        return ""
    # Characters that this Python's Unicode version does not know cannot be checked.
    categories = [unicodedata.category(character) for character in text]
    return "" if categories[0].startswith("M") or "Cn" in categories else text


def _bracketed(address: str) -> str:
    try:
        found = IPv6Address(address)
    except ValueError:
        return ""
    # Browsers send neither a zone (fe80::1%eth0) nor an IPv4 address inside an IPv6 address.
    return "" if found.scope_id or found.ipv4_mapped else f"[{found.compressed}]"


def is_ip(host: str) -> bool:
    """Return whether `host` is an IP address, an IPv6 address with or without brackets."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether `host` is loopback: ``localhost``, a name below it, 127.0.0.0/8 or ::1.

    Spec: RFC 6761 §6.3.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_ip(host) and ip_address(host.strip("[]")).is_loopback

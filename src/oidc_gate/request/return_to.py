r"""The target after sign-in, and the check that it belongs to this application.

A target is checked as a browser (the WHATWG URL parser) reads the string in ``Location``. If a browser would first
correct it (control characters, ``\``, ``https:/host``), it is refused and not corrected, so that two readers cannot
disagree about it.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes

from ..model import Request
from ..settings import Settings
from ..syntax.base64url import b64url_decode, b64url_encode
from ..syntax.hosts import normal_host
from .forwarded import Site

MAX_TARGET_LENGTH = 65_536
"""In characters, percent-encoded. No server that the gate is tested with accepts a longer request line."""
MAX_RD_LENGTH = 2048
"""The maximum number of characters of ``rd`` in a link. A longer one is compressed. gunicorn accepts 4,094 in total."""
MAX_PACKED_LENGTH = 2900
"""The maximum number of characters of a compressed target, enough for 2,048 characters that cannot be compressed."""

_REFUSED = re.compile(
    r"[\x00-\x20\x7f]|\A[^?#]*\\"
)  # in a query and a fragment a backslash is only a character
_PACKED = re.compile(r"\A(?:prompt=[a-z_]+&)?rdz=([A-Za-z0-9_-]+)(?:&rd=([^&]*))?(?:&|\Z)", re.ASCII)
_LOST = re.compile(r"\A(?:prompt=[a-z_]+&)?lost=1&", re.ASCII)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_ABSOLUTE = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_RD = re.compile(r"(?:^|&)rd=")
_HOP = "x-auth-request-redirect"


def unchecked_target(request: Request) -> str:
    """Return ``rd``, or ``X-Auth-Request-Redirect``, or an empty string. The value is not validated."""
    return unpacked_rd(request.query) or raw_rd(request.query) or _text(_bytes(request.headers.get(_HOP)))


def rd_parameters(target: str, default: str) -> dict[str, str]:
    """Return the parameters of a link that carry `target` through a sign-in; ``rd`` is the last of them.

    A long target is compressed into ``rdz``, and ``rd`` has only the fragment, which gate.js adds. If the compressed
    target is still too long, ``lost`` is set, and the page after the sign-in says that `default` was not requested.
    """
    if len(quote(target)) <= MAX_RD_LENGTH:
        return {"rd": target}
    packed = b64url_encode(zlib.compress(target.encode(), 9))
    return {"rdz": packed, "rd": ""} if len(packed) <= MAX_PACKED_LENGTH else {"lost": "1", "rd": default}


def unpacked_rd(query: str) -> str:
    """Return the target that `rd_parameters` compressed, not validated; empty if there is none."""
    match = _PACKED.match(query)
    if match is None or len(match[1]) > MAX_PACKED_LENGTH:
        return ""
    try:
        data = zlib.decompressobj().decompress(b64url_decode(match[1]), MAX_TARGET_LENGTH + 1)
    except (ValueError, zlib.error):
        return ""
    fragment = unquote(match[2] or "", errors="surrogateescape")
    return _text(data) + (fragment if fragment.startswith("#") else "")


def is_lost(query: str) -> bool:
    """Return whether a link says that the requested target could not be kept."""
    return bool(_LOST.match(query))


def own_address(request: Request, site: Site) -> str:
    """Return the path and query of the request as the browser sees them. The value is not validated."""
    query = f"?{request.query}" if request.query else ""
    return _text(_bytes(site.mount + request.raw_path + query))


def raw_rd(query: str) -> str | None:
    """Return the first ``rd`` of a query string, or None if there is none.

    An ``rd`` with a literal ``?`` was inserted by Nginx (``rd=$scheme://$host$request_uri``), which encodes nothing:
    the value is the rest of the query string, unchanged. Any other value ends at ``&`` and is decoded once. ``+``
    stays ``+``, because a space would be refused anyway.

    Returns:
        The text, with surrogate escapes for bytes that are not UTF-8.
    """
    match = _RD.search(query)
    if match is None:
        return None
    rest = query[match.end() :]
    value = rest.partition("&")[0]
    return _text(_bytes(rest)) if "?" in value else _text(unquote_to_bytes(_bytes(value)))


def safe_target(target: str, site: Site, settings: Settings) -> str | None:
    """Return `target` in a form that is safe in ``Location``, or None if it is refused.

    Absolute targets must have the origin of `site` or a host of ``allowed_redirect_hosts``: ``h`` is that host on the
    default port of its scheme, ``h:8443`` that host on this port, ``*.h`` any host below it. If the site uses https, a
    target on the site's own host must not use ``http:``. Characters beyond ASCII are percent-encoded, all others stay
    as they are.

    Args:
        target: The text, fully decoded, with surrogate escapes for bytes that are not UTF-8.

    Returns:
        A path with query and fragment on the site's origin, or an absolute URL on an allowed host.

    Spec: WHATWG URL §4.4; RFC 9110 §10.2.2.
    """
    if _REFUSED.search(target):
        return None
    target = _NOT_ASCII.sub(lambda run: quote(run[0], errors="surrogateescape"), target)
    match = _ABSOLUTE.match(target)
    origin, rest = "", target
    if match is not None:
        allowed = _allowed_origin(match[1].lower(), match[2], site, settings)
        if allowed is None:
            return None
        origin, rest = allowed, target[match.end() :]
        rest = rest if rest.startswith("/") else "/" + rest
    path = re.split("[?#]", rest, maxsplit=1)[0]
    if len(target) > MAX_TARGET_LENGTH or not path.startswith("/") or _leaves_site(path):
        return None
    rest = rest.replace("\\", "%5C")
    return None if _is_gate_path(path, site, settings) else origin + rest


def _allowed_origin(scheme: str, authority: str, site: Site, settings: Settings) -> str | None:
    """Return the origin to put in front of a path: empty for the site itself, None if it is not allowed."""
    # User information, percent-encoding, and everything else that is not a plain host is refused here.
    host = normal_host(authority, scheme)
    if not host:
        return None
    if f"{scheme}://{host}" == site.origin:
        return ""
    if scheme == "http" and site.scheme == "https" and _name(host) == _name(site.host):
        return None
    allowed = any(_admits(rule, host, scheme) for rule in settings.allowed_redirect_hosts)
    return f"{scheme}://{host}" if allowed else None


def _admits(rule: str, host: str, scheme: str) -> bool:
    """Return whether `rule` names `host`. The boundary is a dot (CVE-2021-21291)."""
    below = rule.startswith("*.")
    rule_host = normal_host(rule[2:] if below else rule, scheme)
    return bool(rule_host) and (host.endswith("." + rule_host) if below else host == rule_host)


def _name(host: str) -> str:
    """Return `host` without its port."""
    return re.sub(r":[0-9]+\Z", "", host)


def _leaves_site(path: str) -> bool:
    """Return whether `path` begins with ``//``, directly or after a browser removed its dot segments."""
    return path.startswith("//") or _resolved(path).startswith("//")


def _is_gate_path(path: str, site: Site, settings: Settings) -> bool:
    """Return whether `path` may lead to the gate's own endpoints, however servers in between normalize it."""
    decoded = unquote(path).replace("\\", "/").lower()
    readings = (_merged(_resolved(decoded)), _resolved(_merged(decoded)))
    return any(
        reading == prefix or reading.startswith(prefix + "/")
        for prefix in _prefixes(site.mount, settings.prefix)
        for reading in readings
    )


@lru_cache(maxsize=64)
def _prefixes(mount: str, prefix: str) -> tuple[str, ...]:
    """Return the paths of the gate's endpoints: below the mount and, for other hosts, at the root."""
    prefix = prefix.lower()
    return mount.lower() + prefix, prefix


def _merged(path: str) -> str:
    """Return `path` with each run of slashes replaced by one, as Nginx does."""
    return re.sub("/+", "/", path)


def _resolved(path: str) -> str:
    """Return `path` without dot segments (also ``%2e``). Empty segments stay (WHATWG URL §4.4, path state)."""
    kept: list[str] = []
    parts = path[1:].split("/")
    for number, part in enumerate(parts, 1):
        plain = part.lower().replace("%2e", ".")
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(part)
        if plain in (".", "..") and number == len(parts):
            kept.append("")
    return "/" + "/".join(kept)


def _bytes(text: str) -> bytes:
    """Return the bytes of text that has one character for each byte, and the UTF-8 bytes of other text."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")

"""The CSS, the script and the icon of the pages, read once from the package."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from oidc_gate.pages.safe import href

_FOLDER = Path(__file__).with_name("assets")
_TYPES = {
    "gate.css": "text/css; charset=utf-8",
    "gate.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_VERSIONED = re.compile(r"(gate|icon)-([0-9a-f]{12})\.(css|js|svg)")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that the pages load: its bytes, media type, strong ETag and ``Cache-Control`` value."""

    body: bytes
    content_type: str
    etag: str
    cache_control: str

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the header fields of the response, except ``Content-Length``."""
        return (
            ("Content-Type", self.content_type),
            ("Cache-Control", self.cache_control),
            ("ETag", self.etag),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        )


def static_file(name: str) -> StaticFile | None:
    """Return the file that the last segment of a URL names.

    Args:
        name: A file name such as `gate.css`, or the name with the hash of the content, as the pages write it
            (`gate-0123456789ab.css`). A name with another hash, as in a page of an older process, is found too, but
            its ``Cache-Control`` does not allow a cache to keep the file without revalidation.

    Returns:
        The file, or None for every other name. A name is never used as a path in the file system.
    """
    match = _VERSIONED.fullmatch(name)
    plain = f"{match[1]}.{match[3]}" if match else name
    if plain not in _TYPES:
        return None
    body, digest = _read(plain)
    is_current = match is not None and match[2] == digest
    kept = "public, max-age=31536000, immutable" if is_current else "public, no-cache"
    return StaticFile(body, _TYPES[plain], f'"{digest}"', kept)


def asset_url(static_url: str, name: str) -> str:
    """Build the URL of a file, which contains the hash of its content.

    Args:
        static_url: The path below which the files are served, such as `/base/oauth2/static`.
        name: One of the file names.

    Raises:
        ValueError: `static_url` is not a URL that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    stem, _, suffix = name.partition(".")
    return f"{href(static_url).rstrip('/')}/{stem}-{_read(name)[1]}.{suffix}"


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (_FOLDER / name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]

"""Makes untrusted text and URLs safe to show: text that cannot deceive the reader, URLs that run no script."""

import re
import unicodedata
from urllib.parse import quote

# The longest e-mail address (RFC 5321 §4.5.3.1.3, without the angle brackets). A subject is shorter.
MAX_IDENTITY_LENGTH = 254
MAX_NAME_LENGTH = 80
MAX_TITLE_LENGTH = 120
MAX_SENTENCE_LENGTH = 600
MAX_DETAIL_LENGTH = 300
_MAX_HREF_LENGTH = 65_536

# Zero-width non-joiner and joiner, which the spelling of Persian words and many emoji requires.
_JOINERS = "\u200c\u200d"
# RFC 3986 §2.2 and §2.3, and "%", so that percent-encoded characters stay as they are.
_URL_CHARACTERS = "!#$%&'()*+,-./:;=?@[]_~"
_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWABLE = re.compile(r"https?://[^/?#]|/(?!/)", re.IGNORECASE)


def clean(text: str, limit: int) -> str:
    """Make text safe to show: one line of limited length, without invisible or direction-changing characters.

    The text is not escaped for HTML; markupsafe does that later.

    Args:
        text: Any text, which may contain lone surrogates.
        limit: The maximum number of characters. Longer text ends with an ellipsis.

    Returns:
        Text of at most `limit` characters that can be encoded as UTF-8.
    """
    # Cut first, so that a text of a megabyte costs no more than a short one.
    kept = text[: 4 * limit]
    if not kept.isprintable():
        kept = "".join(map(_visible, kept))
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":  # separators are whitespace already
        return " "
    if category == "Cf":
        return character if character in _JOINERS else ""
    # Surrogates cannot be encoded, and noncharacters are parse errors in HTML.
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return "\ufffd" if category == "Cs" or is_noncharacter else character


def href(url: str) -> str:
    r"""Return a URL in ASCII, or raise an error if a page must not contain it.

    Pages only contain URLs of the gate itself, so an error is a mistake of the caller. A URL is never shortened,
    because the result would be another URL.

    Args:
        url: `http://…`, `https://…`, or a path that starts with exactly one `/`; at most 65,536 characters.

    Returns:
        The URL, with every character that RFC 3986 does not allow percent-encoded. It can be used in a header field
        and, once escaped, in an attribute.

    Raises:
        ValueError: The URL has another scheme, is protocol-relative, or contains a control character, a space or a `\`.

    Spec: WHATWG URL §4.4 (what a browser removes or replaces before it reads the scheme).
    """
    if len(url) > _MAX_HREF_LENGTH:
        raise ValueError("address too long to show")
    if _NEVER_IN_A_URL.search(url) or not _SHOWABLE.match(url):
        raise ValueError("address is neither http(s) nor a path of this host")
    return quote(_SURROGATE.sub("\ufffd", url), safe=_URL_CHARACTERS)

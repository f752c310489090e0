"""What may be shown: text that cannot deceive the eye, addresses that cannot run anything."""

import re
import unicodedata
from urllib.parse import quote

# The longest e-mail address (RFC 5321 §4.5.3.1.3, less the angle brackets); a subject is shorter still.
MAX_IDENTITY_LENGTH = 254
MAX_NAME_LENGTH = 80
MAX_TITLE_LENGTH = 120
MAX_SENTENCE_LENGTH = 600
MAX_DETAIL_LENGTH = 300
_MAX_HREF_LENGTH = 65_536

# Zero-width non-joiner and joiner: Persian words and many emoji are spelled with them.
_JOINERS = "\u200c\u200d"
# RFC 3986 §2.2 and §2.3, and "%" so that what is encoded already stays as it is.
_URL_CHARACTERS = "!#$%&'()*+,-./:;=?@[]_~"
_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWABLE = re.compile(r"https?://[^/?#]|/(?!/)", re.IGNORECASE)


def clean(text: str, limit: int) -> str:
    """Make text harmless to read: one line, no invisible or direction-changing characters, bounded.

    Escaping for HTML is markupsafe's work, later.

    Args:
        text: anything, lone surrogates included.
        limit: the most characters to keep; what is cut ends in an ellipsis.

    Returns:
        Text that encodes as UTF-8 and is at most `limit` characters long.
    """
    # Cut before looking at each character, so that a caller's megabyte costs nothing.
    kept = text[: 4 * limit]
    if not (kept.isascii() and kept.isprintable()):
        kept = "".join(map(_visible, kept))
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    if category == "Cf":
        return character if character in _JOINERS else ""
    # Surrogates do not encode; the noncharacters are parse errors in HTML.
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return "\ufffd" if category == "Cs" or is_noncharacter else character


def href(url: str) -> str:
    r"""Return the address in ASCII, or refuse it.

    The addresses that pages show are the gate's own, so a refusal is a fault in the caller.
    An address is never cut: a cut address is another address.

    Args:
        url: `http://…`, `https://…`, or a path that starts with one `/`; at most 65,536 characters.

    Returns:
        The address with everything outside RFC 3986's characters percent-encoded: fit for an
        attribute (once escaped) and for a header field.

    Raises:
        ValueError: another scheme, a protocol-relative address, a control character, a space or a `\`.

    Spec: WHATWG URL §4.4 (what a browser strips or turns before it looks at the scheme)
    """
    if len(url) > _MAX_HREF_LENGTH:
        raise ValueError("address too long to show")
    if _NEVER_IN_A_URL.search(url) or not _SHOWABLE.match(url):
        raise ValueError("address is neither http(s) nor a path of this host")
    return quote(_SURROGATE.sub("\ufffd", url), safe=_URL_CHARACTERS)

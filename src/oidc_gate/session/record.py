"""The record of a session in sealed cookies: in one cookie, or in two if it is large.

If there are two, the second one, ``.body``, contains the whole record, and the first one only the session's ID and its
idle time. A renewal is therefore always one small ``Set-Cookie``, because Nginx passes on only one of an auth
subrequest.

The record does not contain the issuer, because the key is bound to it.

The record is a JSON list whose first item is its version, `RECORD_VERSION`. A field that is added later goes to the
end and does not change the version. A process that does not know the field ignores it, and one that does must accept a
record without it, so an upgrade signs no user out. The version changes only if the existing fields change; a record of
another version is refused. Records of 0.1, which have no version and begin with the subject, can still be read.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..errors import GateError, SessionError
from ..model import Identity, Session

# Nginx with its default buffers passes a Set-Cookie of 3,700 bytes, and answers 500 from 3,900 bytes on.
ONE_COOKIE_BYTES = 3_500
# Browsers keep 4,096 bytes of name, value and attributes (RFC 6265bis §5.5).
BODY_COOKIE_BYTES = 3_900
COMPRESS_FROM_BYTES = 600
MAX_RECORD_BYTES = 256 * 1024  # after decompression, so that a cookie cannot expand to megabytes

_PLAIN, _COMPRESSED, _HEAD = b"P", b"Z", b"H"
_JSON = json.JSONDecoder()

RECORD_VERSION = 1
FIRST_FIELDS = 18  # of the first records of this version, including the version
_LATER_FIELDS = (0, "", 0)  # what stands for each field that was added since
RECORD_FIELDS = FIRST_FIELDS + len(_LATER_FIELDS)

NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Head:
    """The content of the first of two cookies."""

    session_id: str
    last_seen: int


def encode_session(session: Session) -> bytes:
    """Return the record of `session`, compressed if that makes it smaller."""
    user = session.identity
    record = json.dumps(
        [
            RECORD_VERSION,
            user.subject, user.email, int(user.email_verified), user.name, user.preferred_username, list(user.groups),
            user.claims, user.session_id, user.authenticated_at, user.expires_at, user.acr, list(user.amr),
            session.started_at, session.last_seen, session.sid, session.id_token, session.access_token,
            session.access_token_expires_at, session.refresh_token, session.checked_at,
        ],
        separators=(",", ":"),
        ensure_ascii=False,
        default=dict,  # a frozen mapping
    ).encode("utf-8", "surrogatepass")  # fmt: skip
    if len(record) > MAX_RECORD_BYTES:
        raise too_large(len(record))
    return _PLAIN + record if len(record) < COMPRESS_FROM_BYTES else _COMPRESSED + zlib.compress(record, 6)


def encode_head(session: Session) -> bytes:
    """Return the content of the first of two cookies."""
    return _HEAD + f"{session.last_seen}.{session.identity.session_id}".encode()


Decoded = tuple[Session | Head, int]
"""The content of an opened cookie, and an upper bound of the memory that its session takes, in bytes."""


def decode(opened: bytes, *, issuer: str, provider: str) -> Decoded:
    """Return the content of an opened cookie.

    Raises:
        SessionError: ``session_record``: it was sealed by this gate, but by a version with another record.
    """
    kind, content = opened[:1], opened[1:]
    try:
        if kind == _HEAD:
            last_seen, session_id = content.decode().split(".")[:2]  # the rest is from a later release
            return Head(session_id, int(last_seen)), 0
        if kind == _COMPRESSED:
            content = zlib.decompressobj().decompress(content, MAX_RECORD_BYTES)
        elif kind != _PLAIN:
            raise ValueError(kind)
        # The gate wrote this text, so there is no whitespace around it that `loads` would have to search for.
        record, _ = _JSON.raw_decode(content.decode("utf-8", "surrogatepass"))
        if len(record) != RECORD_FIELDS:
            record = _known_fields(record)
        session = _session(record, issuer, provider)
        return session, _weight(content, session.identity)
    except (ValueError, TypeError, LookupError, zlib.error) as error:
        raise SessionError("session_record", "The session was made by another version.") from error


def join_cookies(head: Head, body: Session) -> Session:
    """Return the session in two cookies.

    Raises:
        SessionError: ``session_parts``: they belong to two sessions.
    """
    if head.session_id != body.identity.session_id:
        raise SessionError("session_parts", "Two cookies of different sessions.")
    return body._replace(last_seen=head.last_seen)


def too_large(size: int) -> GateError:
    """Return the error for a session that does not fit into cookies."""
    return GateError(
        "session_too_large",
        "Your account carries more data than a sign-in can hold.",
        detail=f"the session needs {size} bytes; at most {BODY_COOKIE_BYTES} fit: ask for fewer scopes or groups",
    )


def _weight(record: bytes, user: Identity) -> int:
    """Return an upper bound of the memory for a JSON record and everything that is built from it.

    It is calculated from the content, not from the length of the cookie: a record of 60 kB can fit into a cookie if it
    contains repeated text. Additional commas in texts only increase the result. bench/memory_of_sessions.py compares
    it with real sizes.
    """
    text = len(record) * (
        5 if record.isascii() else 8
    )  # up to 4 bytes for each character, and 4 copies in headers
    if not user.claims:  # then it consists of the fields and two flat lists
        return 2_600 + text + 80 * (len(user.groups) + len(user.amr))
    values = 80 * record.count(b",") + 140 * record.count(b":")
    return 500 + text + values + 200 * record.count(b"[") + 240 * record.count(b"{")


def _known_fields(record: list[Any]) -> list[Any]:
    """Return the fields of this version from a record that has more or fewer of them, or that has no version."""
    if len(record) == FIRST_FIELDS - 1 and isinstance(record[0], str):  # it begins with the subject: from 0.1
        record = [RECORD_VERSION, *record]
    return [*record[:RECORD_FIELDS], *_LATER_FIELDS[max(len(record) - FIRST_FIELDS, 0) :]]


def _session(record: list[Any], issuer: str, provider: str) -> Session:
    (
        version, subject, email, verified, name, username, groups, claims, session_id,
        authenticated_at, expires_at, acr, amr, started_at, last_seen, sid, id_token, access_token,
        access_token_expires_at, refresh_token, checked_at,
    ) = record  # fmt: skip
    if version != RECORD_VERSION:
        raise ValueError(version)
    identity = Identity(
        issuer, subject, email, verified == 1, name, username, tuple(groups),
        _frozen(claims) if claims else NO_CLAIMS, provider, session_id,
        authenticated_at, expires_at, acr, tuple(amr),
    )  # fmt: skip
    return Session(
        identity, started_at, last_seen, sid, id_token, access_token,
        access_token_expires_at, refresh_token, checked_at,
    )  # fmt: skip


def _frozen(value: Any) -> Any:
    """Return `value` in an immutable form, because the next request of the application gets the same object."""
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(item) for name, item in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value

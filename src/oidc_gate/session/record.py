"""The record of a session, in sealed cookies or in a store.

A small record is in one cookie. A large one is in two or three: ``.body`` and ``.body2`` contain the whole record, and
the first cookie, the head, contains only the session's ID, its idle time and the number of the others. A renewal is
therefore always one small ``Set-Cookie``, because Nginx passes on only one ``Set-Cookie`` of an auth subrequest.

The record does not contain the issuer, because the key is bound to it.

The record is a JSON list whose first item is its version, `RECORD_VERSION`. A field that is added later goes to the
end and does not change the version. A process that does not know the field ignores it, and one that does must accept a
record without it, so an upgrade signs no user out. The version changes only if the existing fields change; a record of
another version is refused. Records of 0.1, which have no version and begin with the subject, can still be read.

In front of the list stands one letter: ``P`` plain, ``Z`` compressed, or ``G``, compressed and followed by the bytes of
packed groups (`packed_groups`). Only in ``G``, null at the end of the groups says that the user is in more of them. A
process that knows none of this refuses the record, rather than take the groups for all that there are. Groups that fit
into one cookie in any form are therefore not packed, so that such a process can read them while a deploy replaces it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..errors import GateError, SessionError
from ..model import Identity, Session
from .packed_groups import GUID_BYTES, GUID_CHARS, count_guids, pack, unpack

# Nginx with its default buffers passes a Set-Cookie of 3,700 bytes, and answers 500 from 3,900 bytes on.
ONE_COOKIE_BYTES = 3_500
# Browsers keep 4,096 bytes of name, value and attributes (RFC 6265bis §5.5).
BODY_COOKIE_BYTES = 3_900
COMPRESS_FROM_BYTES = 600
MAX_RECORD_BYTES = 256 * 1024  # after decompression, so that a cookie cannot expand to megabytes
MAX_STORED_BYTES = 1024 * 1024  # in a store: 5,000 groups whose names are LDAP names of 100 characters
MIN_PACKED_GUIDS = 16
MAX_UNPACKED_BYTES = 2_500  # sealed and in base64 about 3,400: one cookie

_PLAIN, _COMPRESSED, _PACKED, _HEAD = b"P", b"Z", b"G", b"H"
_JSON = json.JSONDecoder()

RECORD_VERSION = 1
FIRST_FIELDS = 18  # of the first records of this version, including the version
_LATER_FIELDS = (0, "", 0)  # what stands for each field that was added since
RECORD_FIELDS = FIRST_FIELDS + len(_LATER_FIELDS)

NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Head:
    """The content of the first of several cookies.

    Args:
        bodies: The number of further cookies that contain the record, 1 or 2.
    """

    session_id: str
    last_seen: int
    bodies: int = 1


def encode_session(session: Session, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """Return the record of `session`, compressed and packed if that makes it smaller.

    Args:
        max_bytes: The maximum length of the record before compression.

    Raises:
        GateError: ``session_too_large``.
    """
    user = session.identity
    if user.groups_complete:
        record = _encode(session, user.groups)
        plain = (
            _PLAIN + record if len(record) < COMPRESS_FROM_BYTES else _COMPRESSED + zlib.compress(record, 6)
        )
        if len(plain) <= MAX_UNPACKED_BYTES or count_guids(user.groups) < MIN_PACKED_GUIDS:
            _check_size(len(record), max_bytes)
            return plain
    groups, packed = pack(user.groups)
    record = _encode(session, groups if user.groups_complete else [*groups, None])
    _check_size(len(record) + len(packed), max_bytes)
    return _PACKED + zlib.compress(record, 6) + packed


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise too_large(size)


def _encode(session: Session, groups: Sequence[str | int | None]) -> bytes:
    user = session.identity
    return json.dumps(
        [
            RECORD_VERSION,
            user.subject, user.email, int(user.email_verified), user.name, user.preferred_username, list(groups),
            user.claims, user.session_id, user.authenticated_at, user.expires_at, user.acr, list(user.amr),
            session.started_at, session.last_seen, session.sid, session.id_token, session.access_token,
            session.access_token_expires_at, session.refresh_token, session.checked_at,
        ],
        separators=(",", ":"),
        ensure_ascii=False,
        default=dict,  # a frozen mapping
    ).encode("utf-8", "surrogatepass")  # fmt: skip


def encode_head(session: Session, bodies: int = 1) -> bytes:
    """Return the content of the first of several cookies. See `Head`."""
    more = f".{bodies}" if bodies > 1 else ""
    return _HEAD + f"{session.last_seen}.{session.identity.session_id}{more}".encode()


Decoded = tuple[Session | Head, int]
"""The content of an opened cookie, and an upper bound of the memory that its session takes, in bytes."""


def decode(opened: bytes, *, issuer: str, provider: str, max_bytes: int = MAX_RECORD_BYTES) -> Decoded:
    """Return the content of an opened cookie, or of a row.

    Args:
        max_bytes: The maximum length of the record after decompression.

    Raises:
        SessionError: ``session_record``: it was sealed by this gate, but by a version with another record.
    """
    kind, content, packed = opened[:1], opened[1:], None
    try:
        if kind == _HEAD:
            return _decode_head(content), 0
        if kind in (_COMPRESSED, _PACKED):
            unzip = zlib.decompressobj()
            content = unzip.decompress(content, max_bytes)
            if not unzip.eof:
                raise ValueError("the record is too long, or its end is missing")
            packed = unzip.unused_data if kind == _PACKED else None
        elif kind != _PLAIN:
            raise ValueError(kind)
        # The gate wrote this text, so there is no whitespace around it that `loads` would have to search for.
        record, _ = _JSON.raw_decode(content.decode("utf-8", "surrogatepass"))
        if len(record) != RECORD_FIELDS:
            record = _known_fields(record)
        session = _session(record, issuer, provider, packed)
        return session, _weight(content, session.identity, packed or b"")
    except (ValueError, TypeError, LookupError, zlib.error) as error:
        raise SessionError("session_record", "The session was made by another version.") from error


def _decode_head(content: bytes) -> Head:
    last_seen, session_id, *more = content.decode().split(".")  # the rest is from a later release
    return Head(session_id, int(last_seen), 2 if more[:1] == ["2"] else 1)


def join_cookies(head: Head, body: Session) -> Session:
    """Return the session in several cookies.

    Raises:
        SessionError: ``session_parts``: they belong to two sessions.
    """
    if head.session_id != body.identity.session_id:
        raise SessionError("session_parts", "Two cookies of different sessions.")
    return body._replace(last_seen=head.last_seen)


def too_large(size: int) -> GateError:
    """Return the error for a session that does not fit into cookies, or into a row of a store."""
    return GateError(
        "session_too_large",
        "Your account carries more data than a sign-in can hold.",
        detail=f"the session needs {size} bytes, more than fit even without the ID token, the claims, and the groups "
        "that no setting names. Fix: set session_store, ask for fewer scopes, or name fewer groups in groups_kept",
    )


def _weight(record: bytes, user: Identity, packed: bytes) -> int:
    """Return an upper bound of the memory for a JSON record and everything that is built from it.

    It is calculated from the content, not from the length of the cookie: a record of 60 kB can fit into a cookie if it
    contains repeated text. Additional commas in texts only increase the result. bench/memory_of_sessions.py compares
    it with real sizes.
    """
    text = len(record) * (
        5 if record.isascii() else 8
    )  # up to 4 bytes for each character, and 4 copies in headers
    text += len(packed) // GUID_BYTES * 5 * (GUID_CHARS + 3)
    if not user.claims:  # then it consists of the fields and two flat lists
        return 2_600 + text + 80 * (len(user.groups) + len(user.amr))
    values = 80 * (record.count(b",") + len(packed) // GUID_BYTES) + 140 * record.count(b":")
    return 500 + text + values + 200 * record.count(b"[") + 240 * record.count(b"{")


def _known_fields(record: list[Any]) -> list[Any]:
    """Return the fields of this version from a record that has more or fewer of them, or that has no version."""
    if len(record) == FIRST_FIELDS - 1 and isinstance(record[0], str):  # it begins with the subject: from 0.1
        record = [RECORD_VERSION, *record]
    return [*record[:RECORD_FIELDS], *_LATER_FIELDS[max(len(record) - FIRST_FIELDS, 0) :]]


def _session(record: list[Any], issuer: str, provider: str, packed: bytes | None) -> Session:
    (
        version, subject, email, verified, name, username, groups, claims, session_id,
        authenticated_at, expires_at, acr, amr, started_at, last_seen, sid, id_token, access_token,
        access_token_expires_at, refresh_token, checked_at,
    ) = record  # fmt: skip
    if version != RECORD_VERSION:
        raise ValueError(version)
    is_complete = True
    if packed is not None:
        if groups[-1:] == [None]:
            groups, is_complete = groups[:-1], False
        groups = unpack(groups, packed)
    identity = Identity(
        issuer, subject, email, verified == 1, name, username, tuple(groups),
        _frozen(claims) if claims else NO_CLAIMS, provider, session_id,
        authenticated_at, expires_at, acr, tuple(amr), is_complete,
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

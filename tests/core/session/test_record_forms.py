"""Which form a record has, at which sizes, and what its session is said to weigh."""

from __future__ import annotations

import json
import random
import uuid
import zlib
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from oidc_gate.errors import GateError, SessionError
from oidc_gate.model import Identity, Session
from oidc_gate.session.record import (
    COMPRESS_FROM_BYTES,
    MAX_RECORD_BYTES,
    MAX_UNPACKED_BYTES,
    Head,
    decode,
    encode_head,
    encode_session,
    join_cookies,
    too_large,
)
from tests.core.session.test_record import NOW, SESSION, WHO

NUMBERS = random.Random(9)
TEXT = NUMBERS.randbytes(3_000).hex()


def decoded(record: bytes, **more: Any) -> tuple[Session | Head, int]:
    return decode(record, issuer=WHO.issuer, provider=WHO.provider, **more)


def test_the_record_of_a_session_is_the_same_in_every_release() -> None:
    whole = SESSION._replace(refresh_token="the refresh token", checked_at=NOW + 1)
    record = encode_session(whole)
    assert record.decode() == (
        'P[1,"248289761001","ada@example.com",1,"Ada Ünïcode","ada",["staff","admins"],'
        '{"locale":"en","nested":{"deep":[1,null,true]}},"sid",1799999995,1800028800,"urn:x",["pwd","otp"],'
        '1800000000,1800000000,"op-sid","the.id.token","the access token",1800007200,"the refresh token",'
        "1800000001]"
    )
    assert decoded(record)[0] == whole


def test_the_head_of_a_session_is_the_same_in_every_release() -> None:
    session = SESSION._replace(last_seen=NOW + 9)
    assert encode_head(session) == encode_head(session, 1) == b"H1800000009.sid"
    assert encode_head(session, 2) == b"H1800000009.sid.2"
    for record, head in (
        (b"H1800000009.sid", Head("sid", NOW + 9, 1)),
        (b"H1800000009.sid.2", Head("sid", NOW + 9, 2)),
        (b"H1800000009.sid.2.later", Head("sid", NOW + 9, 2)),
        (b"H1800000009.sid.3", Head("sid", NOW + 9, 1)),
        (b"H1800000009.sid..2", Head("sid", NOW + 9, 1)),
    ):
        assert decoded(record) == (head, 0)


def with_text(size: int) -> Session:
    """Return a session whose record has `size` bytes before compression."""
    missing = size - (len(encode_session(SESSION)) - 1)
    return SESSION._replace(id_token=SESSION.id_token + "x" * missing)


@pytest.mark.parametrize(
    ("size", "kind"),
    [(COMPRESS_FROM_BYTES - 1, b"P"), (COMPRESS_FROM_BYTES, b"Z"), (COMPRESS_FROM_BYTES + 1, b"Z")],
)
def test_a_record_is_compressed_from_a_size_on(size: int, kind: bytes) -> None:
    record = encode_session(with_text(size))
    assert record[:1] == kind
    assert len(record if kind == b"P" else zlib.decompress(record[1:])) - (kind == b"P") == size
    assert decoded(record)[0] == with_text(size)


@pytest.mark.parametrize("size", [COMPRESS_FROM_BYTES - 20, 5_000, MAX_RECORD_BYTES])
def test_a_record_may_be_as_long_as_the_maximum_and_no_longer(size: int) -> None:
    record = encode_session(with_text(size), size)
    assert decoded(record, max_bytes=size)[0] == with_text(size)
    with pytest.raises(GateError) as caught:
        encode_session(with_text(size), size - 1)
    assert (caught.value.code, caught.value.detail) == ("session_too_large", too_large(size).detail)
    assert caught.value.detail.startswith(f"the session needs {size} bytes, more than fit")
    if record[:1] == b"Z":
        with pytest.raises(SessionError):
            decoded(record, max_bytes=size - 1)


def test_packed_groups_count_towards_the_maximum() -> None:
    groups = tuple(str(uuid.UUID(int=number, version=4)) for number in range(300))
    session = SESSION._replace(identity=replace(WHO, groups=groups, groups_complete=False))
    record = encode_session(session)
    unzip = zlib.decompressobj()
    size = len(unzip.decompress(record[1:])) + 300 * 16
    assert unzip.unused_data == b"".join(uuid.UUID(group).bytes for group in groups)
    assert encode_session(session, size) == record
    with pytest.raises(GateError) as caught:
        encode_session(session, size - 1)
    assert caught.value.detail == too_large(size).detail


def with_random_guids(number: int, *, is_complete: bool = True) -> Session:
    groups = tuple(str(uuid.UUID(bytes=NUMBERS.randbytes(16))) for _ in range(number))
    return SESSION._replace(identity=replace(WHO, groups=groups, groups_complete=is_complete))


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        (with_random_guids(90), b"Z"),
        (with_random_guids(140), b"G"),
        (with_random_guids(1, is_complete=False), b"G"),
        (SESSION._replace(identity=replace(WHO, groups=("staff",), groups_complete=False)), b"G"),
        (with_random_guids(15)._replace(id_token=TEXT), b"Z"),
        (with_random_guids(16)._replace(id_token=TEXT), b"G"),
    ],
)
def test_groups_are_packed_if_they_do_not_fit_otherwise(session: Session, kind: bytes) -> None:
    record = encode_session(session)
    assert record[:1] == kind
    assert decoded(record)[0] == session


def test_groups_that_just_fit_are_not_packed() -> None:
    whole = with_random_guids(16)
    sizes: dict[int, Session] = {}
    for number in range(4_000):
        session = whole._replace(id_token=TEXT[:number])
        plain = len(zlib.compress(json.dumps(fields(session), **COMPACT).encode("utf-8"), 6)) + 1
        sizes.setdefault(plain, session)
        if plain > MAX_UNPACKED_BYTES:
            break
    longest = max(size for size in sizes if size <= MAX_UNPACKED_BYTES)
    assert encode_session(sizes[longest])[:1] == b"Z"
    assert encode_session(sizes[max(sizes)])[:1] == b"G"


COMPACT: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False, "default": dict}


def fields(session: Session) -> list[Any]:
    """Return the fields of a record as `encode_session` writes them if it packs nothing."""
    short = session._replace(identity=replace(session.identity, groups=()), id_token="")
    found: list[Any] = json.loads(encode_session(short)[1:])
    found[6], found[16] = list(session.identity.groups), session.id_token
    return found


def test_cookies_of_one_session_are_joined_and_those_of_two_are_not() -> None:
    assert join_cookies(Head("sid", NOW + 9, 2), SESSION) == SESSION._replace(last_seen=NOW + 9)
    with pytest.raises(SessionError) as caught:
        join_cookies(Head("another", NOW), SESSION)
    assert caught.value.code == "session_parts"


def of(**changes: Any) -> Session:
    return Session(Identity("", "s", **changes), 0, 0)


GUIDS = tuple(str(uuid.UUID(int=number)) for number in range(20))


@pytest.mark.parametrize(
    ("session", "weight"),
    [
        (of(), 2_885),
        (of(groups=("a", "b", "c"), amr=("pwd",)), 3_285),
        (of(name="é"), 3_072),
        (of(claims=MappingProxyType({"a": [1, 2, {"b": 3}]})), 4_190),
        (of(groups=GUIDS, groups_complete=False), 8_420),
        (of(groups=GUIDS, groups_complete=False, claims=MappingProxyType({"a": 1})), 9_005),
    ],
    ids=["nothing", "groups", "no ASCII", "claims", "packed groups", "packed groups and claims"],
)
def test_the_memory_of_a_session_is_calculated_from_its_content(session: Session, weight: int) -> None:
    """`bench/memory_of_sessions.py` compares the weights with real sizes: run it after any change of them."""
    assert decode(encode_session(session), issuer="", provider="")[1] == weight

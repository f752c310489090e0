"""Sessions in cookies: one, or two when it is large; and what is none."""

from __future__ import annotations

import json
import random
import secrets
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pytest

from oidc_gate.effects import Effect, LastSeen, Now, Random, Step
from oidc_gate.errors import GateError, SessionError
from oidc_gate.model import Identity, Session
from oidc_gate.seal import KeyRing
from oidc_gate.session.cookie_jar import Cookies
from oidc_gate.session.cookie_sessions import CookieSessions
from oidc_gate.session.record import FIRST_FIELDS, RECORD_VERSION, decode, encode_head, encode_session
from oidc_gate.session.revocation import OwnRevocations
from oidc_gate.session.sessions import LoadedSession
from oidc_gate.settings import Settings
from tests.core.request.making import settings

T = TypeVar("T")
NOW = 1_800_000_000
WHO = Identity(
    issuer="https://op.example",
    subject="248289761001",
    email="ada@example.com",
    email_verified=True,
    name="Ada Ünïcode",
    preferred_username="ada",
    groups=("staff", "admins"),
    claims=MappingProxyType({"locale": "en", "nested": MappingProxyType({"deep": (1, None, True)})}),
    provider="op.example",
    session_id="sid",
    authenticated_at=NOW - 5,
    expires_at=NOW + 28_800,
    acr="urn:x",
    amr=("pwd", "otp"),
)
SESSION = Session(WHO, NOW, NOW, "op-sid", "the.id.token", "the access token", NOW + 7200)


def sessions(given: Settings | None = None) -> CookieSessions:
    given = given or settings(public_url="https://app.example.com")
    ring = KeyRing(given.cookie_secret, binding=("a", "b"))
    return CookieSessions(given, Cookies(given), ring, "op.example", OwnRevocations(given))


def drive(step: Step[T], now: int = NOW, revoked: dict[str, int] | None = None) -> T:
    def result(effect: Effect) -> object:
        match effect:
            case Now():
                return now
            case Random(size):
                return secrets.token_bytes(size)
            case LastSeen(keys):
                return max((at for key, at in (revoked or {}).items() if key in keys), default=None)
        raise AssertionError(effect)

    try:
        effect = next(step)
        while True:
            effect = step.send(result(effect))
    except StopIteration as end:
        value: T = end.value
        return value


def header(set_cookies: Iterable[str]) -> str:
    pairs = (cookie.split(";")[0] for cookie in set_cookies)
    return "; ".join(pair for pair in pairs if not pair.endswith("="))


def large(groups: int) -> Session:
    return SESSION._replace(identity=replace(WHO, groups=tuple(secrets.token_hex(16) for _ in range(groups))))


def read(cookie_header: str, **values: Any) -> LoadedSession:
    return drive(sessions().read(cookie_header), **values)


def refused(cookie_header: str, **values: Any) -> str:
    with pytest.raises(SessionError) as caught:
        read(cookie_header, **values)
    return caught.value.code


def test_a_session_comes_back_as_it_was() -> None:
    written, cookies = drive(sessions().write(SESSION))
    assert written is SESSION
    assert read(header(cookies)).session == SESSION


def test_text_that_json_allows_and_utf_8_does_not_comes_back() -> None:
    session = SESSION._replace(identity=replace(WHO, name="a\ud800", groups=("\udfff",)))
    for found in (session, session._replace(identity=replace(session.identity, groups_complete=False))):
        assert decode(encode_session(found), issuer=WHO.issuer, provider=WHO.provider)[0] == found


def test_a_small_session_clears_the_other_cookies_of_an_earlier_one() -> None:
    _, cookies = drive(sessions().write(SESSION))
    names = ["__Host-oidc_gate", "__Host-oidc_gate.body", "__Host-oidc_gate.body2"]
    assert [cookie.split("=")[0] for cookie in cookies] == names
    assert all("=; Max-Age=0;" in cookie for cookie in cookies[1:])


def test_a_large_session_takes_two_cookies_within_the_bounds_and_is_renewed_by_one_small_one() -> None:
    session = large(130)
    _, cookies = drive(sessions().write(session))
    found = read(header(cookies))
    assert found.session == session
    assert found.bodies == 1
    assert all(len(cookie) <= 4_096 for cookie in cookies)
    renewed, (cookie,) = drive(sessions().renew(found._replace(at=NOW + 400)))
    assert len(cookie) < 300
    again = read(f"{header([cookie])}; {cookies[1].split(';')[0]}", now=NOW + 400)
    assert again.session == renewed
    assert again.session.last_seen == NOW + 400


def test_claims_that_name_the_user_are_not_lost() -> None:
    given = settings(public_url="https://app.example.com", user_claim="much.name")
    claims = MappingProxyType({"much": {"name": "ada", "more": secrets.token_hex(4_000)}})
    with pytest.raises(GateError) as caught:
        drive(sessions(given).write(SESSION._replace(identity=replace(WHO, claims=claims))))
    assert caught.value.code == "session_too_large"


def test_the_parts_of_two_sessions_do_not_fit_together() -> None:
    _, one = drive(sessions().write(large(130)))
    other_session = large(130)
    _, other = drive(
        sessions().write(other_session._replace(identity=replace(other_session.identity, session_id="other")))
    )
    assert refused(header([one[0], other[1]])) == "session_parts"
    assert refused(header([one[0]])) == "session_parts"
    assert refused(header([one[0], one[0].replace("oidc_gate=", "oidc_gate.body=", 1)])) == "seal_foreign"


def test_a_valid_cookie_wins_over_planted_ones_before_it() -> None:
    _, cookies = drive(sessions().write(SESSION))
    planted = "__Host-oidc_gate=AAAA; __Host-oidc_gate=; "
    assert read(planted + header(cookies)).session == SESSION


@pytest.mark.parametrize(
    ("just_on", "over", "code"),
    [(3_599, 3_600, "session_idle"), (-60, -61, "session_from_the_future")],
)
def test_clocks(just_on: int, over: int, code: str) -> None:
    _, cookies = drive(sessions().write(SESSION))
    assert read(header(cookies), now=NOW + just_on).session == SESSION
    assert refused(header(cookies), now=NOW + over) == code


def test_the_absolute_end_holds_however_often_it_was_seen() -> None:
    _, cookies = drive(sessions().write(SESSION._replace(last_seen=NOW + 28_700)))
    assert read(header(cookies), now=NOW + 28_799)
    assert refused(header(cookies), now=NOW + 28_800) == "session_expired"


@pytest.mark.parametrize(
    "key", ["session\0sid", "sub\x00248289761001", "sid\0op-sid", "sub+sid\x00248289761001\0op-sid"]
)
def test_each_kind_of_revocation_ends_what_began_before_it(key: str) -> None:
    _, cookies = drive(sessions().write(SESSION))
    is_own = key.startswith("session")  # which is ended for good, whatever the clocks say
    for at, ends in ((NOW - 1, is_own), (NOW, True), (NOW + 9, True)):
        if ends:
            assert refused(header(cookies), revoked={f"revoked\0{key}": at}) == "session_revoked"
        else:
            assert read(header(cookies), revoked={f"revoked\0{key}": at})


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"P",
        b"P[]",
        b"P{}",
        b"P3",
        b"P" + json.dumps(dict.fromkeys("abcdefghijklmnopq")).encode(),
        b"Zx",
        b"X[1]",
        b"H",
        b"Hx.y",
        b"P\xff",
        b"Z" + zlib.compress(b"[" * 9),
    ],
)
def test_what_is_not_a_record_is_a_session_error(record: bytes) -> None:
    with pytest.raises(SessionError) as caught:
        decode(record, issuer="", provider="")
    assert caught.value.code == "session_record"


SEALED_BY_0_1: dict[str, str] = json.loads(Path(__file__).with_name("sealed_by_0_1.json").read_text())


def groups_of(shape: str) -> tuple[str, ...]:
    numbers = random.Random(9)
    return {
        "plain": WHO.groups,
        "compressed": tuple(f"group-{number}" for number in range(60)),
        "two cookies": tuple(f"{numbers.getrandbits(128):032x}" for _ in range(130)),
    }[shape]


@pytest.mark.parametrize("shape", SEALED_BY_0_1)
def test_sessions_sealed_before_records_had_a_version_still_open(shape: str) -> None:
    found = read(SEALED_BY_0_1[shape])
    # Whether its access token has expired is not known, so it counts as expired.
    expected = SESSION._replace(access_token="", access_token_expires_at=0)
    assert found.session == expected._replace(identity=replace(WHO, groups=groups_of(shape)))
    assert found.bodies == (shape == "two cookies")


def with_fields(*more: Any, version: Any = RECORD_VERSION) -> bytes:
    record = json.loads(encode_session(SESSION)[1:])
    return b"P" + json.dumps([version, *record[1:], *more]).encode()


@pytest.mark.parametrize("more", [(), (None,), ("later", {"and": ["later"]}, 7)])
def test_fields_of_a_later_release_at_the_end_of_a_record_are_ignored(more: tuple[Any, ...]) -> None:
    session, _ = decode(with_fields(*more), issuer=WHO.issuer, provider=WHO.provider)
    assert session == SESSION


def test_a_field_of_a_later_release_at_the_end_of_a_head_is_ignored() -> None:
    head = encode_head(SESSION)
    assert decode(head + b".later.9", issuer="", provider="") == decode(head, issuer="", provider="")


@pytest.mark.parametrize("version", [0, 2, None, "1"])
@pytest.mark.parametrize("more", [(), ("later",)])
def test_a_record_of_another_version_is_refused(version: Any, more: tuple[Any, ...]) -> None:
    with pytest.raises(SessionError) as caught:
        decode(with_fields(*more, version=version), issuer="", provider="")
    assert caught.value.code == "session_record"


def test_fields_that_were_added_to_a_record_have_values_in_older_ones() -> None:
    whole = SESSION._replace(refresh_token="a refresh token", checked_at=NOW)
    record = json.loads(encode_session(whole)[1:])
    without = [
        whole,
        whole._replace(checked_at=0),
        whole._replace(refresh_token="", checked_at=0),
        SESSION._replace(access_token_expires_at=0),
    ]
    for missing, expected in enumerate(without):
        fields = record[: len(record) - missing]
        session, _ = decode(b"P" + json.dumps(fields).encode(), issuer=WHO.issuer, provider=WHO.provider)
        assert session == expected
    assert len(record) - len(without) + 1 == FIRST_FIELDS


def test_a_record_that_lacks_a_field_is_refused() -> None:
    record = json.loads(encode_session(SESSION)[1:])
    first = record[:FIRST_FIELDS]
    for fields in (first[:-1], first[1:-1], [*first[1:], "later", "later"], record[1:]):
        with pytest.raises(SessionError):
            decode(b"P" + json.dumps(fields).encode(), issuer="", provider="")


def with_guids(number: int, **more: Any) -> Session:
    numbers = random.Random(number)
    groups = tuple(str(uuid.UUID(int=numbers.getrandbits(128))) for _ in range(number))
    return SESSION._replace(identity=replace(WHO, groups=("staff", *groups, "admins"), **more))


@pytest.mark.parametrize("session", [with_guids(each) for each in (200, 150, 50, 0)])
@pytest.mark.parametrize("is_complete", [True, False])
def test_packed_groups_come_back(session: Session, is_complete: bool) -> None:
    session = session._replace(identity=replace(session.identity, groups_complete=is_complete))
    record = encode_session(session)
    assert (record[:1] == b"G") == (len(session.identity.groups) > 100 or not is_complete)
    found, weight = decode(record, issuer=WHO.issuer, provider=WHO.provider)
    assert found == session
    assert weight > 5 * sum(map(len, session.identity.groups))
    for broken in (record[:-1], record + b"x", b"Z" + record[1:], record[:-17], b"G"):
        if broken[:1] == record[:1] == b"G" or broken == b"G":
            with pytest.raises(SessionError):
                decode(broken, issuer="", provider="")


def test_guids_in_the_records_of_an_earlier_release_are_read() -> None:
    session = with_guids(200)
    fields = json.loads(encode_session(with_guids(0))[1:])
    fields[6] = list(session.identity.groups)
    record = json.dumps(fields).encode()
    for sealed in (b"P" + record, b"Z" + zlib.compress(record)):
        assert decode(sealed, issuer=WHO.issuer, provider=WHO.provider)[0] == session


def test_groups_that_fit_into_one_cookie_are_in_the_form_that_an_earlier_release_reads() -> None:
    """While a deploy replaces the workers, old ones read what new ones write."""
    for number in (16, 50, 80):
        session = with_guids(number)
        record = encode_session(session)
        assert record[:1] == b"Z"
        assert json.loads(zlib.decompress(record[1:]))[6] == list(session.identity.groups)
        assert kept_cookies(session) == 1
    assert encode_session(with_guids(120))[:1] == b"G"
    assert kept_cookies(with_guids(120)) == 1, "packed groups take less"


def kept_cookies(session: Session) -> int:
    _, cookies = drive(sessions().write(session))
    return sum("Max-Age=0" not in cookie for cookie in cookies)


def test_few_groups_are_never_packed_however_long_the_record_is() -> None:
    long = with_guids(15)._replace(id_token=random.Random(1).randbytes(5_000).hex())
    assert encode_session(long)[:1] == b"Z"


def test_a_release_that_knows_no_packed_groups_does_not_take_them_for_all() -> None:
    """It reads the letters P and Z only; the numbers and null are in no record with one of these letters."""
    for session in (with_guids(200), with_guids(1, groups_complete=False)):
        record = encode_session(session)
        assert record[:1] not in (b"P", b"Z", b"H")
        packed = b"Z" + record[1:]
        found, _ = decode(packed, issuer="", provider="")
        assert isinstance(found, Session)
        assert not all(isinstance(group, str) for group in found.identity.groups)


def test_a_record_without_end_is_not_unpacked() -> None:
    bomb = b"Z" + zlib.compress(b'["' + b"a" * 10_000_000 + b'"]', 9)
    with pytest.raises(SessionError):
        decode(bomb, issuer="", provider="")
    with pytest.raises(GateError) as caught:
        encode_session(SESSION._replace(id_token="x" * 300_000))
    assert caught.value.code == "session_too_large"


def test_nothing_that_opens_anything_stands_in_a_repr() -> None:
    _, cookies = drive(sessions().write(SESSION))
    found = read(header(cookies))
    for shown in (repr(SESSION), repr(found)):
        assert "ada@example.com" in shown
        for secret in ("the.id.token", "the access token", "'sid'", found.value):
            assert secret not in shown


def test_nothing_in_the_claims_can_be_changed_for_the_next_request() -> None:
    claims = MappingProxyType({"roles": ["user"], "realm": {"roles": [{"name": "user"}]}})
    _, cookies = drive(sessions().write(SESSION._replace(identity=replace(WHO, claims=claims))))
    read_claims = read(header(cookies)).session.identity.claims
    assert read_claims["roles"] == ("user",)
    assert read_claims["realm"]["roles"][0]["name"] == "user"
    for frozen in (read_claims, read_claims["realm"], read_claims["realm"]["roles"][0]):
        with pytest.raises(TypeError):
            frozen["name"] = "admin"  # type: ignore[index]

"""Sessions in one to three cookies: when it takes how many, what is planted among them, and how they are renewed."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import GateError, SessionError
from oidc_gate.model import Session
from oidc_gate.seal import KeyRing
from oidc_gate.seal.ring import sealed_chars
from oidc_gate.session.cookie_jar import Cookies
from oidc_gate.session.cookie_sessions import CookieSessions
from oidc_gate.session.record import (
    BODY_COOKIE_BYTES,
    ONE_COOKIE_BYTES,
    encode_head,
    encode_session,
    too_large,
)
from oidc_gate.session.revocation import OwnRevocations
from oidc_gate.session.sessions import ALWAYS, LoadedSession, Written
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION, WHO, drive, header, large, refused, sessions

MAIN, BODY, BODY2 = ("__Host-oidc_gate" + part for part in ("", ".body", ".body2"))
TEXT = random.Random(9).randbytes(8_000).hex()


def with_text(chars: int) -> Session:
    claims = {"text": TEXT[:chars]}
    return SESSION._replace(id_token="", identity=replace(WHO, groups=(), claims=claims))


def sizes(least: int, most: int) -> tuple[Session, Session]:
    """Return the largest of the sessions that take up to `most` characters, and the smallest that takes more.

    Args:
        least: Sessions of fewer characters of text are not tried.
    """
    fits = with_text(0)
    for chars in range(least, len(TEXT)):
        session = with_text(chars)
        if sealed_chars(len(encode_session(session))) > most:
            return fits, session
        fits = session
    raise AssertionError("the text is too short")


def values_of(written: Written) -> dict[str, str]:
    """Return the values of the cookies that are set; the others are removed."""
    found = {}
    for cookie in written.set_cookies:
        name, _, rest = cookie.partition("=")
        found[name] = rest.partition(";")[0]
    assert list(found) == [MAIN, BODY, BODY2]
    return {name: value for name, value in found.items() if value}


def test_as_many_cookies_are_taken_as_are_needed() -> None:
    jar, ours = Cookies(settings(public_url="https://app.example.com")), sessions()
    for (fits, more), count in ((sizes(3_000, ONE_COOKIE_BYTES), 1), (sizes(3_500, BODY_COOKIE_BYTES), 2)):
        for session, expected in ((fits, count), (more, count + 1)):
            written = drive(ours.write(session))
            values = values_of(written)
            chars = sealed_chars(len(encode_session(session)))
            bodies = [chars] if expected == 2 else [BODY_COOKIE_BYTES, chars - BODY_COOKIE_BYTES]
            head = sealed_chars(len(encode_head(session, expected - 1)))
            lengths = [chars] if expected == 1 else [head, *bodies]
            assert [len(value) for value in values.values()] == lengths
            assert written.set_cookies == (
                *(jar.set(name, value, max_age=28_800) for name, value in values.items()),
                *(jar.clear(name) for name in (MAIN, BODY, BODY2)[expected:]),
            )
            found = drive(ours.read(header(written.set_cookies)))
            assert (found.session, found.bodies) == (session, expected - 1)


def test_a_session_that_leaves_no_room_for_the_other_cookies_is_too_large() -> None:
    jar, ours = Cookies(settings(public_url="https://app.example.com")), sessions(settings(user_claim="text"))
    fits = None
    for chars in range(4_500, len(TEXT), 3):
        session = with_text(chars)
        size = sealed_chars(len(encode_session(session)))
        head = sealed_chars(len(encode_head(session, 2)))
        if not jar.leave_room(head, BODY_COOKIE_BYTES, size - BODY_COOKIE_BYTES):
            break
        fits = session
    assert fits is not None
    values = values_of(drive(ours.write(fits)))
    assert len(values) == 3
    assert max(map(len, values.values())) == BODY_COOKIE_BYTES
    with pytest.raises(GateError) as caught:
        drive(ours.write(session))
    assert (caught.value.code, caught.value.detail) == ("session_too_large", too_large(size).detail)


def test_the_browser_keeps_every_cookie_equally_long() -> None:
    for session in (SESSION, large(130)):
        written = drive(sessions().write(session), now=NOW + 100)
        for cookie in written.set_cookies:
            assert f"; Max-Age={0 if '=;' in cookie else 28_700};" in cookie
        given = settings(public_url="https://app.example.com", session_expires_at_browser_close=True)
        written = drive(sessions(given).write(session))
        assert not any("Max-Age" in cookie for cookie in written.set_cookies if "=;" not in cookie)


@pytest.mark.parametrize("chars", [100, 4_000, 6_000])
def test_a_renewal_writes_the_main_cookie_alone(chars: int) -> None:
    ours, session = sessions(), with_text(chars)
    written = drive(ours.write(session))
    values = values_of(written)
    found = drive(ours.read(header(written.set_cookies)))
    assert found == LoadedSession(
        session,
        ";".join(values.values()),
        bodies=len(values) - 1,
        weight=found.weight,
        at=NOW,
        ends_at=NOW + 3_600,
        end_key="sid",
        generation=None,
        stored=None,
        fresh_until=ALWAYS,
    )
    assert found.weight > 5 * chars
    renewed = drive(ours.renew(found._replace(at=NOW + 500)))
    assert renewed.session == session._replace(last_seen=NOW + 500)
    (cookie,) = renewed.set_cookies
    name, _, rest = cookie.partition("=")
    assert (name, rest.partition(";")[2]) == (
        MAIN,
        " Max-Age=28300; Path=/; Secure; HttpOnly; SameSite=Lax",
    )
    values[MAIN] = rest.partition(";")[0]
    again = drive(ours.read("; ".join(f"{name}={value}" for name, value in values.items())), now=NOW + 500)
    assert (again.session, again.ends_at) == (renewed.session, NOW + 4_100)


def test_bodies_that_were_planted_in_front_do_not_hide_those_of_the_session() -> None:
    ours, session = sessions(), with_text(6_000)
    values = values_of(drive(ours.write(session)))
    other = replace(session.identity, session_id="another")
    others = values_of(drive(ours.write(session._replace(identity=other))))
    own = "; ".join(f"{name}={value}" for name, value in values.items())
    for name in (BODY, BODY2):
        for planted in ("", "x", values[MAIN], others[name]):
            found = drive(ours.read(f"{name}={planted}; {own}"))
            assert found.session == session
    planted = f"{BODY}={others[BODY]}; {BODY2}={others[BODY2]}; {BODY}=x; {BODY2}=x"
    assert drive(ours.read(f"{planted}; {own}")).session == session


def test_what_is_missing_or_wrong_of_a_session_in_three_cookies_is_named() -> None:
    ours, session = sessions(), with_text(6_000)
    values = values_of(drive(ours.write(session)))
    other = replace(session.identity, session_id="another")
    others = values_of(drive(ours.write(session._replace(identity=other))))

    def code(**changes: Any) -> str:
        cookies = {MAIN: values[MAIN], BODY: values[BODY], BODY2: values[BODY2]} | {
            {"body": BODY, "body2": BODY2}[name]: value for name, value in changes.items()
        }
        return refused("; ".join(f"{name}={value}" for name, value in cookies.items() if value))

    assert code(body="") == code(body2="") == "session_parts"
    assert code(body=others[BODY], body2=others[BODY2]) == "session_parts"
    assert code(body=others[BODY]) == code(body2=others[BODY2]) == "seal_forged"
    assert code(body="x" * 5_000) == "seal_malformed"
    head = ours._body.seal(encode_head(session), bytes(12))
    assert code(body=head[:20], body2=head[20:]) == "session_record"


def test_the_last_cookie_says_why_there_is_no_session() -> None:
    valid = header(drive(sessions().write(SESSION)).set_cookies)
    assert refused("") == "no_cookie"
    assert refused(f"{MAIN}=x; {valid}", now=NOW + 9_999) == "session_idle"
    assert refused(f"{valid}; {MAIN}=x", now=NOW + 9_999) == "seal_malformed"
    assert refused("; ".join([f"{MAIN}=x"] * 4 + [valid])) == "seal_malformed"
    assert drive(sessions().read("; ".join([f"{MAIN}=x"] * 3 + [valid]))).session == SESSION


def test_a_session_that_is_read_has_no_token_and_no_end_that_count_no_more() -> None:
    given = settings(public_url="https://app.example.com", session_lifetime_seconds=600)
    session = SESSION._replace(access_token_expires_at=NOW + 300)
    cookie = header(drive(sessions().write(session)).set_cookies)
    found = drive(sessions(given).read(cookie), now=NOW + 270).session
    assert found == session._replace(access_token="", identity=replace(WHO, expires_at=NOW + 600))


def test_a_session_is_read_again_unless_it_was_revoked() -> None:
    ours = sessions()
    assert drive(ours.read_again(SESSION)) is SESSION
    with pytest.raises(SessionError) as caught:
        drive(ours.read_again(SESSION), revoked={"revoked\0session\0sid": NOW})
    assert caught.value.code == "session_revoked"
    assert drive(ours.begin(SESSION)) is SESSION
    assert (ours.are_stored, ours.ends_are_shared, ours.end_key(SESSION)) == (False, False, "sid")


class SharedElsewhere(OwnRevocations):
    """Revocations that other processes know of too, in generation 7 of the cache."""

    are_shared = True

    def check(self, session: Session) -> Step[int]:  # type: ignore[override]
        yield from super().check(session)
        return 7


def test_a_session_has_the_generation_of_the_check_for_its_end() -> None:
    """The cache then refuses it if a session was ended while this one was read."""
    given = settings(public_url="https://app.example.com")
    ring = KeyRing(given.cookie_secret, binding=("a", "b"))
    ours = CookieSessions(given, Cookies(given), ring, "op.example", SharedElsewhere(given))
    cookie = header(drive(ours.write(SESSION)).set_cookies)
    assert drive(ours.read(cookie)).generation == 7
    assert ours.ends_are_shared is True


def test_every_cookie_of_the_gate_in_a_request_is_cleared() -> None:
    jar = Cookies(settings(public_url="https://app.example.com"))
    assert sessions().clear(f"x=1; {BODY}=b; {MAIN}.flow2=f; {MAIN}=a; {MAIN}.flow9=x") == tuple(
        map(jar.clear, (MAIN, BODY, f"{MAIN}.flow2"))
    )
    assert sessions().clear("x=1") == ()

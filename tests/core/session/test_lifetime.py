"""When a session ends, is renewed, and loses its access token: each time to the second."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oidc_gate.errors import SessionError
from oidc_gate.model import Session
from oidc_gate.session.lifetime import (
    absolute_end,
    ends_at,
    idle_end,
    max_age,
    renew_at,
    token_ends_at,
    validate_lifetime,
    with_true_end,
    without_expired_token,
)
from oidc_gate.settings import Settings
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION, WHO


def given(**changes: Any) -> Settings:
    values = {
        "public_url": "https://app.example.com",
        "session_lifetime_seconds": 1_000,
        "session_idle_seconds": 100,
        "clock_skew_seconds": 7,
        "access_token_min_seconds": 30,
    }
    return settings(**(values | changes))


def session(started: int = 0, seen: int = 0, end: int = 5_000, **changes: Any) -> Session:
    """Return a session with these times, in seconds after `NOW`."""
    identity = replace(WHO, expires_at=NOW + end)
    return SESSION._replace(identity=identity, started_at=NOW + started, last_seen=NOW + seen, **changes)


@pytest.mark.parametrize(
    ("one", "absolute", "idle"),
    [
        (session(), 1_000, 100),
        (session(end=400), 400, 100),
        (session(started=20, seen=50), 1_020, 150),
        (session(seen=950), 1_000, 1_050),
        (session(end=999, seen=900), 999, 1_000),
    ],
)
def test_a_session_ends_at_the_earliest_of_its_ends(one: Session, absolute: int, idle: int) -> None:
    assert absolute_end(one, given()) == NOW + absolute
    assert idle_end(one, given()) == NOW + idle
    assert ends_at(one, given()) == NOW + min(absolute, idle)


@pytest.mark.parametrize(("idle", "after"), [(100, 10), (3_600, 360), (19, 1), (10, 1), (9, 1), (1, 1)])
def test_a_session_is_renewed_after_a_tenth_of_its_idle_time_and_after_a_second_at_least(
    idle: int, after: int
) -> None:
    told = given(session_idle_seconds=idle, session_lifetime_seconds=4_000)
    assert renew_at(session(seen=3), told) == NOW + 3 + after


def test_the_identity_has_the_end_that_the_settings_give_it_now() -> None:
    assert with_true_end(session(), given()) == session(end=1_000)
    for unchanged in (session(end=1_000), session(end=999)):
        assert with_true_end(unchanged, given()) is unchanged


@pytest.mark.parametrize(
    ("now", "seconds"), [(0, 1_000), (999, 1), (1_000, 1), (1_001, 1), (2_000, 1), (998, 2)]
)
def test_the_browser_keeps_the_cookie_until_the_absolute_end(now: int, seconds: int) -> None:
    assert max_age(session(), given(), NOW + now) == seconds
    assert max_age(session(), given(session_expires_at_browser_close=True), NOW + now) is None


@pytest.mark.parametrize(("now", "is_passed_on"), [(0, True), (169, True), (170, False), (171, False)])
def test_an_access_token_is_passed_on_until_too_little_time_is_left(now: int, is_passed_on: bool) -> None:
    one = session(access_token="token", access_token_expires_at=NOW + 200)
    assert token_ends_at(one, given()) == NOW + 170
    left = without_expired_token(one, given(), NOW + now)
    assert left == (one if is_passed_on else one._replace(access_token=""))


def test_a_session_without_an_access_token_is_left_as_it_is() -> None:
    one = session(access_token="", access_token_expires_at=0)
    assert without_expired_token(one, given(), NOW) is one


@pytest.mark.parametrize(
    ("one", "now", "expected"),
    [
        (session(), 0, 100),
        (session(), 99, 100),
        (session(), 100, "session_idle"),
        (session(end=50), 49, 50),
        (session(end=50), 50, "session_expired"),
        (session(end=50), 99, "session_expired"),
        (session(end=50), 100, "session_idle"),
        (session(seen=990), 999, 1_000),
        (session(seen=990), 1_000, "session_expired"),
        (session(), -7, 100),
        (session(), -8, "session_from_the_future"),
        (session(started=7, seen=7), 0, 107),
        (session(started=8, seen=8), 0, "session_from_the_future"),
    ],
)
def test_a_session_counts_up_to_the_second_of_its_end(one: Session, now: int, expected: int | str) -> None:
    if isinstance(expected, int):
        assert validate_lifetime(one, given(), NOW + now) == NOW + expected
        return
    with pytest.raises(SessionError) as caught:
        validate_lifetime(one, given(), NOW + now)
    assert caught.value.code == expected

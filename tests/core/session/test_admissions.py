"""Admissions: what is known of a session that was let in, and which requirements it meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.policy.requirements import MAX_REQUIREMENTS, SETTINGS, Requirements
from oidc_gate.session.admissions import Admission, Admissions
from oidc_gate.session.cache import SessionCache
from oidc_gate.session.sessions import LoadedSession
from oidc_gate.settings import Settings
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION, drive, header, sessions
from tests.core.session.test_revocation import OWN, Keys


def admission() -> Admission[str]:
    return Admission(until=1, payload="a token", end_key="the id", size=1)


def test_only_sessions_that_meet_the_settings_are_admitted() -> None:
    assert admission().meets(SETTINGS) is True


@pytest.mark.parametrize("is_met", [True, False])
def test_a_requirement_is_unknown_until_the_session_was_asked(is_met: bool) -> None:
    one = admission()
    assert one.meets(3) is None
    one.note(3, is_met=is_met)
    assert one.meets(3) is is_met
    assert [one.meets(number) for number in (SETTINGS, 1, 2, 4)] == [True, None, None, None]


def test_requirements_are_numbered_as_they_come_and_bounded() -> None:
    requirements = Requirements()
    assert requirements.number_of("allowed_groups=a") is None
    numbers = [requirements.number(f"allowed_groups={number}") for number in range(MAX_REQUIREMENTS + 5)]
    assert numbers == [*range(1, MAX_REQUIREMENTS), *[None] * 6]
    assert requirements.number("allowed_groups=0") == requirements.number_of("allowed_groups=0") == 1


@pytest.mark.parametrize("is_checked_again", [True, False])
def test_the_answers_of_before_count_only_for_the_same_identity(is_checked_again: bool) -> None:
    cache: SessionCache[Admission[str]] = SessionCache(10, 1 << 20)
    admissions = Admissions[str](
        None,  # type: ignore[arg-type]
        cache,
        settings(public_url="https://app.example.com"),
        refuses=lambda identity: None,
        render=lambda loaded: ("payload", 10),
    )
    found = LoadedSession(SESSION, "the cookie", False, 100, NOW, NOW + 3600, b"key")
    before = admissions.keep(found, NOW + 10, admissions.generation)
    assert before is not None
    before.note(3, is_met=True)
    if is_checked_again:
        found = found._replace(session=SESSION._replace(checked_at=NOW + 10))
    after = admissions.keep(found, NOW + 20, admissions.generation)
    assert after is not None
    assert after.meets(3) is (None if is_checked_again else True)


def test_an_admission_ends_when_its_session_has_to_be_refreshed() -> None:
    admissions = Admissions[str](
        None,  # type: ignore[arg-type]
        SessionCache(10, 1 << 20),
        settings(public_url="https://app.example.com"),
        refuses=lambda identity: None,
        render=lambda loaded: ("payload", 10),
    )
    found = LoadedSession(SESSION, "the cookie", False, 100, NOW, NOW + 3600, b"key", fresh_until=NOW + 5)
    kept = admissions.keep(found, NOW + 10, admissions.generation)
    assert kept is not None
    assert kept.until == NOW + 5


TOKENLESS = SESSION._replace(access_token="", access_token_expires_at=0)
FOUND = LoadedSession(TOKENLESS, "the cookie", 0, 100, NOW, NOW + 3_600, b"key")


def given(**changes: Any) -> Settings:
    values = {"public_url": "https://app.example.com", "clock_skew_seconds": 7, "session_idle_seconds": 600}
    return settings(**(values | changes))


def admissions_of(
    *, refuses: Callable[[Any], str | None] = lambda identity: None, told: Settings | None = None
) -> tuple[Admissions[str], SessionCache[Admission[str]], list[LoadedSession]]:
    told, cache = told or given(), SessionCache[Admission[str]](10, 1 << 20)
    found = Admissions[str](
        sessions(told), cache, told, refuses=refuses, render=lambda loaded: ("payload", 40)
    )
    seen: list[LoadedSession] = []
    found.seen = seen.append
    return found, cache, seen


@pytest.mark.parametrize(
    ("found", "until", "ends"),
    [
        (FOUND, 60, 60),
        (FOUND, 3_601, 3_600),
        (FOUND._replace(fresh_until=NOW + 59), 60, 59),
        (FOUND._replace(session=SESSION), 9_000, 3_600),
        (FOUND._replace(session=SESSION, ends_at=NOW + 10_000), 9_000, 7_170),  # the payload has the token
        (FOUND._replace(session=SESSION, ends_at=NOW + 10_000), 7_169, 7_169),
        (FOUND._replace(session=TOKENLESS._replace(checked_at=NOW + 3)), 60, 60),
    ],
)
@pytest.mark.parametrize("with_session", [False, True])
def test_what_is_kept_of_a_session(found: LoadedSession, until: int, ends: int, with_session: bool) -> None:
    admissions, cache, seen = admissions_of()
    kept = admissions.keep(found, NOW + until, admissions.generation, with_session=with_session)
    assert kept == Admission(
        NOW + ends,
        "payload",
        b"key",
        40 + len("the cookie") + 100 * with_session,
        asked=1,
        met=1,
        since=NOW - 7,
        checked_at=found.session.checked_at,
        loaded=found if with_session else None,
    )
    assert cache.get("the cookie") is admissions.lookup("the cookie") is kept
    assert seen == [found]


def test_nothing_is_kept_of_a_session_whose_user_the_rules_refuse() -> None:
    admissions, cache, seen = admissions_of(refuses=lambda identity: "allowed_groups")
    assert admissions.keep(FOUND, NOW + 60, admissions.generation) is None
    assert (len(cache), seen) == (0, [])


@pytest.mark.parametrize(
    ("of_the_store", "of_the_caller", "is_kept"),
    [(None, 0, True), (None, 1, False), (0, 1, True), (1, 0, False)],
)
def test_the_generation_of_a_session_from_a_store_is_the_one_that_counts(
    of_the_store: int | None, of_the_caller: int, is_kept: bool
) -> None:
    admissions, cache, _ = admissions_of()
    assert admissions.generation == cache.generation
    found = FOUND._replace(generation=None if of_the_store is None else cache.generation + of_the_store)
    admissions.keep(found, NOW + 60, cache.generation + of_the_caller)
    assert len(cache) == is_kept


@pytest.mark.parametrize(("now", "is_there"), [(-8, False), (-7, True), (0, True), (59, True), (60, False)])
def test_a_session_that_is_kept_is_returned_while_its_admission_lasts(now: int, is_there: bool) -> None:
    admissions, _, _ = admissions_of()
    admissions.keep(FOUND, NOW + 60, admissions.generation, with_session=True)
    expected = FOUND._replace(at=NOW + now) if is_there else None
    assert admissions.loaded("the cookie", NOW + now) == expected
    assert admissions.loaded("another cookie", NOW + now) is None


def test_a_session_that_is_not_kept_is_not_returned() -> None:
    admissions, _, _ = admissions_of()
    admissions.keep(FOUND, NOW + 60, admissions.generation)
    assert admissions.loaded("the cookie", NOW) is None


@pytest.mark.parametrize(
    ("keys", "now", "is_admitted"),
    [
        (Keys(), 0, True),
        (Keys(), 59, True),
        (Keys(), 60, False),  # it has to be renewed
        (Keys(), -61, False),  # it starts in the future
        (Keys(OWN, NOW + 50), 49, False),
        (Keys(OWN, NOW + 50), 50, True),
    ],
)
def test_a_cookie_that_is_seen_first_is_opened_without_an_effect_if_nothing_else_is_to_be_done(
    keys: Keys, now: int, is_admitted: bool
) -> None:
    admissions, cache, _ = admissions_of(told=given(clock_skew_seconds=60))
    cookie_header = header(drive(sessions().write(TOKENLESS)).set_cookies)
    value = cookie_header.partition("=")[2]
    kept = admissions.open_first_seen(value, cookie_header, NOW + now, keys)
    assert (kept is not None) is is_admitted
    assert cache.get(value) is kept
    assert kept is None or (kept.until, kept.payload, kept.loaded) == (NOW + 60, "payload", None)
    assert admissions.open_first_seen(value + "x", cookie_header, NOW + now, keys) is None


def test_an_admission_answers_for_the_settings_alone_at_first() -> None:
    one = admission()
    assert (one.asked, one.met, one.since, one.checked_at, one.loaded) == (1, 1, 0, 0, None)
    one.note(1, is_met=True)
    one.note(2, is_met=False)
    one.note(1, is_met=False)
    assert (one.asked, one.met) == (0b111, 0b011)

"""Admissions: what is known of a session that was let in, and which requirements it meets."""

from __future__ import annotations

import pytest

from oidc_gate.policy.requirements import MAX_REQUIREMENTS, SETTINGS, Requirements
from oidc_gate.session.admissions import Admission, Admissions
from oidc_gate.session.cache import SessionCache
from oidc_gate.session.sessions import LoadedSession
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION


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

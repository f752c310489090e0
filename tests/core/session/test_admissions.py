"""Admissions: what is known of a session that was let in, and which requirements it meets."""

from __future__ import annotations

import pytest

from oidc_gate.policy.requirements import MAX_REQUIREMENTS, SETTINGS, Requirements
from oidc_gate.session.admissions import Admission


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

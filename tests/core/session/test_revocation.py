"""Ends of cookie sessions in the memory of a process: which keys are recorded, for how long, and which count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from oidc_gate.effects import AddOnce, Effect, LastSeen, Now, Step
from oidc_gate.errors import SessionError
from oidc_gate.session.revocation import (
    OwnRevocations,
    is_revoked,
    may_be_revoked,
    revocation_keys,
    revoke_at_provider,
    was_revoked,
)
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION, WHO

T = TypeVar("T")
OWN, SUB = "revoked\0session\0sid", "revoked\0sub\x00248289761001"
SID, BOTH = "revoked\0sid\0op-sid", "revoked\0sub+sid\x00248289761001\0op-sid"
FRAME = "revoked by a frame\0op-sid"
OURS = OwnRevocations(
    settings(public_url="https://app.example.com", session_lifetime_seconds=1_000, clock_skew_seconds=7)
)


def played(step: Step[T], *answers: Any) -> tuple[list[Effect], T]:
    """Return the effects of a step that is given these answers, and its result."""
    effects: list[Effect] = []
    left = list(answers)
    try:
        effects.append(next(step))
        while True:
            effects.append(step.send(left.pop(0)))
    except StopIteration as end:
        assert not left
        value: T = end.value
        return effects, value


def test_a_session_is_ended_by_its_own_key_and_by_those_of_its_user_and_of_its_session_at_the_provider() -> (
    None
):
    assert revocation_keys(SESSION) == (OWN, SUB, SID, BOTH, FRAME)
    assert revocation_keys(SESSION._replace(sid="")) == (OWN, SUB)


@pytest.mark.parametrize(
    ("end", "effects"),
    [
        (lambda: OURS.end(SESSION), [AddOnce(OWN, NOW + 28_800)]),
        (lambda: OURS.end_at_provider(subject=WHO.subject, sid=""), [Now(), AddOnce(SUB, NOW + 1_007)]),
        (lambda: OURS.end_at_provider(subject="", sid="op-sid"), [Now(), AddOnce(SID, NOW + 1_007)]),
        (
            lambda: OURS.end_at_provider(subject=WHO.subject, sid="op-sid"),
            [Now(), AddOnce(BOTH, NOW + 1_007)],
        ),
        (lambda: OURS.end_from_frame("op-sid"), [Now(), AddOnce(FRAME, NOW + 1_000)]),
        (lambda: revoke_at_provider(subject="a", sid="", until=9), [AddOnce("revoked\0sub\0a", 9)]),
    ],
)
def test_an_end_is_recorded_until_every_session_from_before_has_expired(
    end: Callable[[], Step[None]], effects: list[Effect]
) -> None:
    answers = [NOW if isinstance(effect, Now) else True for effect in effects]
    assert played(end(), *answers) == (effects, None)


@pytest.mark.parametrize(
    ("newest", "own", "result"),
    [
        (None, [], False),
        (NOW, [], True),
        (NOW + 1, [], True),
        (NOW - 1, [None], False),
        (NOW - 1, [NOW - 1], True),
    ],
)
def test_a_key_from_before_the_session_counts_only_if_it_is_its_own(
    newest: int | None, own: list[int | None], result: bool
) -> None:
    asked: list[Effect] = [LastSeen((OWN, SUB, SID, BOTH, FRAME)), *[LastSeen((OWN,))] * len(own)]
    assert played(is_revoked(SESSION), newest, *own) == (asked, result)
    if not result:
        assert played(OURS.check(SESSION), newest, *own) == (asked, None)
        return
    with pytest.raises(SessionError) as caught:
        played(OURS.check(SESSION), newest, *own)
    assert caught.value.code == was_revoked().code == "session_revoked"


def test_a_session_begins_as_it_is_and_without_an_effect() -> None:
    effects, begun = played(OURS.begin(SESSION))
    assert (effects, begun is SESSION) == ([], True)
    assert OURS.end_key(SESSION) == "sid"
    assert OURS.are_shared is False


class Keys:
    """Expiring keys with one key in them, or none."""

    blocks = False

    def __init__(self, key: str = "", until: int = 0) -> None:
        self.key, self.until = key, until
        self.asked: list[Sequence[str]] = []

    def has(self, kinds: Sequence[str]) -> bool:
        return self.key.partition("\0")[0] in kinds

    def add_once(self, key: str, until: int, now: int) -> bool:
        raise AssertionError("nothing is to be added")

    def last_seen(self, keys: Sequence[str], now: int) -> int | None:
        self.asked.append(keys)
        return 0 if self.key in keys and now < self.until else None


@pytest.mark.parametrize("key", [OWN, SUB, SID, BOTH, FRAME])
def test_any_key_for_a_session_sends_its_cookie_the_long_way(key: str) -> None:
    assert may_be_revoked(SESSION, Keys(key, NOW + 1), NOW)
    assert not may_be_revoked(SESSION, Keys(key, NOW), NOW)
    bob = SESSION._replace(identity=replace(WHO, subject="bob", session_id="of bob"), sid="other")
    assert not may_be_revoked(bob, Keys(key, NOW + 1), NOW)


def test_without_a_key_of_an_end_no_key_is_looked_for() -> None:
    for keys in (Keys(), Keys("used\0a code", NOW + 9)):
        assert not may_be_revoked(SESSION, keys, NOW)
        assert keys.asked == []

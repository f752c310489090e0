"""The access token that an application asks for: when the session is refreshed for it, and in which way."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from oidc_gate.effects import AddOnce, Step
from oidc_gate.model import Session
from oidc_gate.runtime.world import World
from oidc_gate.session.sessions import LoadedSession
from oidc_gate.shells.access_tokens import AccessToken
from tests.core.provider import scripted as op
from tests.core.session.test_lifetime import session

NOW = 1_800_000_000


def with_token(token: str, ends_at: int) -> Session:
    return session(NOW, NOW, NOW + 9_000, access_token=token, access_token_expires_at=ends_at)


class Refresher:
    """Counts how often it is asked, and uses an effect that can have a lane."""

    asked = 0

    def keep_fresh(self, loaded: LoadedSession) -> Step[LoadedSession]:
        self.asked += 1
        yield AddOnce("a key", loaded.at + 60)
        return loaded._replace(session=with_token("fresh", loaded.at + 600))


def given(ends_at: int) -> tuple[AccessToken, Refresher]:
    world, refresher = World(op.settings(), clock=lambda: NOW), Refresher()
    loaded = LoadedSession(with_token("kept", ends_at), "value", 0, 100, NOW, NOW + 9_000)
    made: Any = refresher
    return AccessToken(world, op.settings(), made, loaded), refresher


def test_a_token_that_lasts_is_given_without_looking_at_the_session() -> None:
    token, refresher = given(NOW + 600)
    assert (token.get(), anyio.run(token.aget), refresher.asked) == ("kept", "kept", 0)


def test_one_that_does_not_last_is_replaced_once() -> None:
    token, refresher = given(NOW + 1)
    assert (token.get(), token.get(), anyio.run(token.aget), refresher.asked) == ("fresh",) * 3 + (1,)


def test_the_thread_of_the_application_takes_no_place_in_a_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs for as long as the application likes, and would keep the place from sign-ins."""
    token, _ = given(NOW + 1)
    monkeypatch.setattr(World, "lane_of", lambda self, effect: pytest.fail("a lane was asked for"))
    assert token.get() == "fresh"


def test_its_text_has_no_token() -> None:
    assert repr(given(NOW + 600)[0]) == "AccessToken(...)"

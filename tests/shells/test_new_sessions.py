"""The session that a sign-in starts, as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.effects import Step
from oidc_gate.model import Identity, Session
from oidc_gate.store.memory import MemoryStore
from tests.shells.conftest import SHELLS
from tests.shells.provider import ISSUER, START
from tests.shells.site import Site
from tests.shells.stores import Watched

STORE = {"session_store": "redis://store.example/0"}
REFRESH = STORE | {"refresh": True}
RECHECK = STORE | {"recheck_seconds": 300}
TOKENS = {"access_token": "at-1", "expires_in": 120, "refresh_token": "rt-1"}
KEEPS = {"access_token": "at-1", "access_token_expires_at": START + 120}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Site, Session]]:
    """Return a function that signs a user in, and returns the site and the session."""

    def begin(person: dict[str, Any] | None = None, **changes: Any) -> tuple[Site, Session]:
        store = Watched(MemoryStore()) if "session_store" in changes else None
        site = Site(SHELLS[0], store=store, **changes)
        sessions = site.gate._runtime.gate.components.sessions
        found: list[Session] = []
        original = sessions.begin

        def recording(session: Session) -> Step[Session]:
            found.append(session)
            return (yield from original(session))  # type: ignore[no-any-return]

        monkeypatch.setattr(sessions, "begin", recording)
        site.provider.person |= person or {}
        site.provider.tokens = dict(TOKENS)
        assert site.visitor().sign_in().status == 302
        (session,) = found
        return site, session

    return begin


def without_tokens(session: Session) -> Session:
    return session._replace(
        id_token="", access_token="", access_token_expires_at=0, refresh_token="", checked_at=0
    )


def test_all_of_a_session(begun: Any) -> None:
    person = {
        "name": "Alice",
        "preferred_username": "al",
        "groups": ["staff"],
        "acr": "high",
        "amr": ["pwd"],
        "auth_time": START - 60,
        "sid": "sid-1",
        "tier": 3,
    }
    _, session = begun(person, session_lifetime_seconds=1000)
    identity = session.identity
    assert len(identity.session_id) == 22
    assert session == Session(
        identity=Identity(
            ISSUER,
            "alice",
            email="alice@corp.example",
            email_verified=True,
            name="Alice",
            preferred_username="al",
            groups=("staff",),
            claims=identity.claims,
            provider="op.example",
            session_id=identity.session_id,
            authenticated_at=START - 60,
            expires_at=START + 1000,
            acr="high",
            amr=("pwd",),
        ),
        started_at=START,
        last_seen=START,
        sid="sid-1",
        id_token=session.id_token,
    )
    assert dict(identity.claims)["tier"] == 3


def test_without_auth_time_it_is_that_of_the_sign_in(begun: Any) -> None:
    assert begun()[1].identity.authenticated_at == START


def test_a_fraction_of_auth_time_is_dropped(begun: Any) -> None:
    assert begun({"auth_time": START - 60.5})[1].identity.authenticated_at == START - 61


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({}, {}),
        ({"pass_access_token": True}, KEEPS),
        ({"pass_authorization": True}, KEEPS),
        (STORE, {}),
        (STORE | {"pass_access_token": True}, KEEPS),
        (REFRESH, KEEPS | {"refresh_token": "rt-1", "checked_at": START}),
        (RECHECK, KEEPS | {"checked_at": START}),
    ],
)
def test_the_tokens_that_are_kept(begun: Any, changes: dict[str, Any], tokens: dict[str, Any]) -> None:
    _, session = begun(**changes)
    assert session == without_tokens(session)._replace(id_token=session.id_token, **tokens)


@pytest.mark.parametrize("keeps", [True, False])
def test_the_id_token_if_it_is_kept(begun: Any, *, keeps: bool) -> None:
    assert bool(begun(keep_id_token=keeps)[1].id_token) is keeps

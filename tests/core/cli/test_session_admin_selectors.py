"""How `oidc-gate sessions` finds the sessions that are meant, in a store and in cookies, or says why it cannot."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.cli import session_admin
from oidc_gate.cli.common import CommandError
from oidc_gate.cli.session_admin import CookieAdmin, Counted, Ended, Selected, StoreAdmin, open_admin
from oidc_gate.errors import Unavailable
from oidc_gate.model import Identity, Session
from oidc_gate.store.base import EVERYTHING, Page
from oidc_gate.testing.settings import settings_for_tests

NOW = 1_800_000_000
ISSUER = "https://op.example"
SETTINGS = settings_for_tests(issuer=ISSUER)


class Names:
    """Each method returns its own name with the value that it got."""

    def __getattr__(self, name: str) -> Any:
        return lambda value: (name, value)


class Recorded:
    """A store without rows, which notes what it is asked."""

    lag_seconds = 0.5

    def __init__(self) -> None:
        self.asked: list[object] = []

    def find(self, *given: object) -> Page:
        self.asked.append(("find", *given))
        return Page((), b"")

    def count(self, *given: object) -> int:
        self.asked.append(("count", *given))
        return 3

    def end(self, *given: object) -> int:
        self.asked.append(("end", *given))
        return 2


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(session_admin, "time", SimpleNamespace(time=lambda: NOW + 0.9, sleep=found.append))
    return found


def in_store(store: Any) -> StoreAdmin:
    sessions: Any = SimpleNamespace(names=Names(), tickets=None)
    return StoreAdmin(SETTINGS, store, sessions)


@pytest.mark.parametrize(
    ("kind", "selector"),
    [
        ("subject", ("of_subject", "v")),
        ("email", ("of_email", "v")),
        ("sid", ("of_sid", "v")),
        ("session", ("of_session", "v")),
        ("all", EVERYTHING),
    ],
)
def test_what_the_store_is_asked(kind: str, selector: object, slept: list[float]) -> None:
    store = Recorded()
    one = in_store(store)
    assert one.list(Selected(kind, "v")).sessions == []
    assert one.count(Selected(kind, "v")) == Counted(3)
    assert slept == []
    assert one.end(Selected(kind, "v")) == Ended(2)
    assert store.asked == [
        ("find", selector, NOW, b"", 200),
        ("count", selector, NOW),
        ("end", selector, NOW),
    ]
    assert slept == [0.5]


@pytest.mark.parametrize("what", ["list", "count", "end"])
def test_the_provider_of_another_gate(what: str, slept: list[float]) -> None:
    store = Recorded()
    with pytest.raises(CommandError) as caught:
        getattr(in_store(store), what)(Selected("provider", ISSUER + "/"))
    assert str(caught.value) == (
        f"--provider: the issuer of these settings is {ISSUER}; name the settings of the other gate in --config"
    )
    assert store.asked == []


@pytest.mark.parametrize("what", ["list", "count", "end"])
def test_a_store_that_fails(what: str, slept: list[float]) -> None:
    def fail(*given: object) -> None:
        raise Unavailable("it is down", "it is down")

    store = SimpleNamespace(find=fail, count=fail, end=fail, lag_seconds=1.0)
    with pytest.raises(CommandError, match=r"^the store does not answer: .*; perhaps no session has ended$"):
        getattr(in_store(store), what)(Selected("subject", "ada"))
    assert slept == []


def in_cookies() -> CookieAdmin:
    components: Any = SimpleNamespace(
        sessions=SimpleNamespace(
            end_at_provider=lambda **keywords: keywords, end=lambda session: {"session": session}
        )
    )
    world: Any = SimpleNamespace(store=SimpleNamespace(lag_seconds=0.25))
    return CookieAdmin(SETTINGS, world, components)


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("subject", {"subject": "v", "sid": ""}),
        ("sid", {"subject": "", "sid": "v"}),
        ("session", {"session": Session(Identity(ISSUER, "", session_id="v"), NOW, NOW)}),
    ],
)
def test_sessions_in_cookies_are_ended(
    kind: str, step: object, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[object] = []
    monkeypatch.setattr(session_admin, "run", lambda *given, **keywords: steps.append((given[0], keywords)))
    assert in_cookies().end(Selected(kind, "v")) == Ended(None)
    assert steps == [(step, {"in_lanes": False})]
    assert slept == [0.25]


@pytest.mark.parametrize("kind", ["email", "provider", "all"])
def test_sessions_in_cookies_that_cannot_be_found(kind: str, slept: list[float]) -> None:
    one = in_cookies()
    with pytest.raises(CommandError) as caught:
        one.end(Selected(kind, ISSUER))
    assert str(caught.value) == (
        f"sessions in cookies cannot be found by --{kind}; write --subject, --sid or --session, or replace"
        " cookie_secret, which ends all of them"
    )
    for what in (one.list, one.count):
        with pytest.raises(CommandError) as caught:
            what(Selected("subject", "v"))
        assert str(caught.value) == (
            "the sessions are in cookies (session_store = cookie), in the browsers alone, so they cannot be listed or"
            " counted; with a session_store they can"
        )
    assert slept == []


def test_sessions_in_the_browsers_alone() -> None:
    with pytest.raises(CommandError) as caught:
        open_admin(SETTINGS)
    assert str(caught.value) == (
        "the sessions are in cookies (session_store = cookie), in the browsers alone. Set session_store, or"
        " revocation_store to end sessions by subject. In an emergency, replace cookie_secret: that ends all"
    )


def test_a_gate_with_a_store_is_opened_without_its_metrics(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[Any] = []

    def world(settings: Any) -> Any:
        opened.append(settings)
        return SimpleNamespace(store="store")

    monkeypatch.setattr(session_admin, "World", world)
    monkeypatch.setattr(session_admin, "_check_file", opened.append)
    for stored in (None, "sessions"):
        found = SimpleNamespace(stored_sessions=stored)
        monkeypatch.setattr(session_admin, "Components", lambda *given, found=found: found)
        settings = settings_for_tests(
            session_store="redis://127.0.0.1", metrics_token="t" * 40, metrics_directory=str(tmp_path)
        )
        admin = open_admin(settings)
        assert type(admin) is (StoreAdmin if stored else CookieAdmin)
        url, without = opened
        assert url == "redis://127.0.0.1"
        assert (without.metrics_token, without.metrics_directory) == (None, None)
        opened.clear()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////nowhere/a.db", "/nowhere/a.db"),
        ("sqlite:///Xnowhere/a%20b.db", "/Xnowhere/a b.db"),
        ("SQLite://nowhere/a.db", "/nowhere/a.db"),
    ],
)
def test_the_file_of_a_store_is_named(url: str, path: str) -> None:
    with pytest.raises(CommandError) as caught:
        session_admin._check_file(url)
    assert str(caught.value).startswith(f"{path}: No such file or directory; ")

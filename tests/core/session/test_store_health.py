"""What is found out about the store, how often it is asked, and what is logged."""

from __future__ import annotations

import logging
from typing import TypeVar

import pytest

from oidc_gate.effects import Now
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.session.cache import SessionCache
from oidc_gate.session.ends import Ends
from oidc_gate.session.store_health import CHECK_AGAIN_SECONDS, StoreHealth, StoreState
from oidc_gate.store.base import unavailable
from oidc_gate.store.memory import MemoryStore
from tests.core.provider.scripted import settings
from tests.core.session.test_ends import LateStore

T = TypeVar("T")


class Checked(MemoryStore):
    problems: tuple[str, ...] = ()
    is_down = False
    checks = 0

    def check(self, now: int) -> tuple[str, ...]:
        self.checks += 1
        if self.is_down:
            raise unavailable("connection refused")
        return self.problems


class Home:
    def __init__(self) -> None:
        self.now, self.store = 1000, Checked()
        self.world = World(settings(), store=self.store, clock=lambda: self.now)
        self.health = StoreHealth(Ends(self.store, SessionCache(10, 1 << 20)))

    def status(self) -> str:
        return self.state().status

    def state(self) -> StoreState:
        return run(self.health.recent_state(), self.world, lambda limit: b"")


@pytest.fixture
def home() -> Home:
    return Home()


def test_it_is_asked_now_and_then_however_often_somebody_asks(home: Home) -> None:
    assert home.health.state.status == "pending"
    for _ in range(10):
        assert home.status() == "ok"
    assert home.store.checks == 1
    home.now += CHECK_AGAIN_SECONDS
    assert home.status() == "ok"
    assert home.store.checks == 2
    home.now -= 100  # the clock went back
    assert home.status() == "ok"
    assert home.store.checks == 3


def test_a_failure_is_logged_once_and_so_is_its_end(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.store.is_down = True
    for _ in range(3):
        assert home.status() == "unavailable"
        home.now += CHECK_AGAIN_SECONDS
    answered = [home.health.state.has_answered]
    home.store.is_down = False
    assert home.status() == "ok"
    home.store.is_down = True
    home.now += CHECK_AGAIN_SECONDS
    assert home.status() == "unavailable"
    assert [*answered, home.health.state.has_answered] == [False, True]
    levels = [record.levelno for record in caplog.records if record.name == "oidc_gate.store"]
    assert levels == [logging.ERROR, logging.WARNING, logging.ERROR]
    assert "connection refused" in caplog.text


def test_what_is_wrong_is_an_error_once_each(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.store.problems = ("it evicts",)
    run(home.health.warm_up(), home.world, lambda limit: b"")
    home.store.problems = ("it evicts", "it is tiny")
    home.now += CHECK_AGAIN_SECONDS
    assert home.status() == "misconfigured"
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert messages == ["it evicts", "it is tiny"]


@pytest.mark.parametrize(("later", "asks"), [(0, False), (4, False), (5, True), (-1, True)])
def test_a_state_counts_for_five_seconds(home: Home, later: int, asks: bool) -> None:
    assert home.state() == StoreState(True, (), "", 1000)
    home.store.problems = ("it evicts",)
    home.now += later
    expected = StoreState(True, ("it evicts",), "", home.now) if asks else StoreState(True, (), "", 1000)
    assert home.state() == home.health.state == expected


def test_a_failure_keeps_what_was_known(home: Home) -> None:
    assert home.health.state == StoreState(False, (), "", 0)
    home.store.is_down = True
    assert home.state() == StoreState(False, (), "store_unavailable", 1000)
    home.store.is_down, home.store.problems, home.now = False, ("it evicts",), 1005
    assert home.state() == StoreState(True, ("it evicts",), "", 1005)
    home.store.is_down, home.now = True, 1010
    assert home.state() == StoreState(True, ("it evicts",), "store_unavailable", 1010)


def test_requests_that_come_during_a_check_do_not_ask_too(home: Home) -> None:
    home.state()
    home.now += CHECK_AGAIN_SECONDS
    step = home.health.recent_state()
    assert next(step) == Now()
    step.send(home.now)
    assert home.health.state == StoreState(True, (), "", home.now)
    assert home.state().checked_at == home.now
    assert home.store.checks == 1


def test_the_first_check_reports_the_ends_so_that_no_request_has_to() -> None:
    store = LateStore()
    home = Home()
    home.world = World(settings(), store=store, clock=lambda: 1000)
    home.health = StoreHealth(Ends(store, SessionCache(10, 1 << 20)))
    store.last.current = False
    assert run(home.health.warm_up(), home.world, lambda limit: b"") is None
    assert store.last.is_current()
    assert home.health.state == StoreState(True, (), "", 1000)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (StoreState(), "pending"),
        (StoreState(False, ("it evicts",)), "pending"),
        (StoreState(True), "ok"),
        (StoreState(True, ("it evicts",)), "misconfigured"),
        (StoreState(True, ("it evicts",), "store_unavailable"), "unavailable"),
        (StoreState(False, (), "store_unavailable"), "unavailable"),
    ],
)
def test_the_state_in_one_word(state: StoreState, status: str) -> None:
    assert state.status == status

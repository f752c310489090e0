"""A refresh step by step: who asks the provider, how long the others wait, and what is tried again."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oidc_gate.effects import Effect, Release, Step, TakeLease
from oidc_gate.errors import GateError, SessionError
from oidc_gate.model import Session
from oidc_gate.observe import audit
from oidc_gate.refresh.flights import NO_RESULT, Outcome
from oidc_gate.refresh.refresher import LEASE_SECONDS, POLL_SECONDS, WRITE_RETRY_SECONDS, Refresher
from oidc_gate.session.sessions import LoadedSession, Stored
from oidc_gate.store.base import unavailable
from tests.core.refresh.making import Driver, loaded
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION

SOFT, HARD = 80, 100
HELD = object()
DOWN = unavailable("taken down by the test")
ENDED = SessionError("session_ended", "It ended.")
REFUSED = SessionError("refresh_refused", "Please sign in again.")
DUE, FRESH = loaded(at=NOW + SOFT), loaded(at=NOW + SOFT - 1)
TOO_LARGE = GateError("session_too_large", "", detail="by far")


def of_version(version: int, one: LoadedSession = FRESH) -> LoadedSession:
    assert one.stored is not None
    ticket, row = one.stored
    return one._replace(stored=Stored(ticket, row._replace(version=version)))


class Cache:
    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def drop(self, end_key: Any) -> None:
        self.calls.append(("drop", end_key))

    def forget(self, end_key: Any) -> None:
        self.calls.append(("forget", end_key))


class Home(Driver):
    """A refresher whose store answers what a test says; its last answer again and again.

    Args:
        stored: What is read from the store.
        writes: The results of writing a session, and of ending one.
    """

    def __init__(self, *stored: Any, writes: tuple[Any, ...] = (), held: Any = None) -> None:
        super().__init__()
        given = settings(
            session_store="redis://localhost",
            recheck_seconds=HARD,
            public_url="https://a.example",
            provider_timeout_seconds=4.0,
        )
        self.cache, self.held = Cache(), held
        self.refresher = Refresher(given, None, "op", self, None, self.cache)  # type: ignore[arg-type]
        self.refresher._ask_provider = self.ask  # type: ignore[method-assign]
        self.stored, self.writes = list(stored), list(writes)
        self.leases: list[Any] = []
        self.calls: list[tuple[str, Any]] = []

    def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, TakeLease):
            self.leases.append(effect)
            return self.held
        if isinstance(effect, Release):
            self.leases.append((effect.taken, effect.result))
            return None
        found = super()._perform(effect)
        if self.waits:
            self.now = NOW + int(sum(self.waits))
        return found

    def ask(self, current: LoadedSession) -> Step[Outcome]:
        yield from ()
        self.calls.append(("ask", current))
        return Outcome(failure="the answer of the provider")

    def reload(self, one: LoadedSession) -> Step[LoadedSession]:
        yield from ()
        self.calls.append(("reload", one))
        found: LoadedSession = _next(self.stored)
        return found

    def replace(self, one: LoadedSession, session: Session) -> Step[LoadedSession | None]:
        yield from ()
        self.calls.append(("replace", (one, session)))
        found: LoadedSession | None = _next(self.writes)
        return found

    def end(self, session: Session) -> Step[None]:
        yield from ()
        self.calls.append(("end", session))
        _next(self.writes)


def _next(answers: list[Any]) -> Any:
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_the_one_that_holds_the_lease_asks_the_provider_about_the_session_as_it_is_stored() -> None:
    home, lease = Home(DUE, held=HELD), TakeLease(b"refresh\0one" + b"." * 29, 3.0)
    assert home.drive(home.refresher._refresh(FRESH)) == Outcome(failure="the answer of the provider")
    assert home.calls == [("reload", FRESH), ("ask", DUE)]
    assert (home.leases, home.waits, home.cache.calls) == ([lease, (lease, HELD)], [], [])


@pytest.mark.parametrize("held", [HELD, None])
@pytest.mark.parametrize(
    ("stored", "outcome"), [(FRESH, Outcome(FRESH)), (ENDED, Outcome(error=ENDED))], ids=["fresh", "ended"]
)
def test_a_session_that_another_process_has_refreshed_or_ended_is_not_refreshed(
    held: Any, stored: Any, outcome: Outcome
) -> None:
    home = Home(stored, held=held)
    assert home.drive(home.refresher._refresh(DUE)) == outcome
    assert home.calls == [("reload", DUE)]
    assert home.cache.calls == ([("drop", FRESH.end_key)] if stored is FRESH else [])


def test_the_others_wait_for_the_one_that_asks_and_take_its_result() -> None:
    home = Home(DUE, DUE, DUE, FRESH)
    assert home.drive(home.refresher._refresh(DUE)) == Outcome(FRESH)
    assert home.waits == [0.25] * 3
    assert [call for call, _ in home.calls] == ["reload"] * 4


def test_they_wait_for_one_answer_of_the_provider_and_for_two_leases_of_processes_that_were_killed() -> None:
    home = Home(DUE)
    assert home.drive(home.refresher._refresh(DUE)) is NO_RESULT
    assert (POLL_SECONDS, LEASE_SECONDS) == (0.25, 3)
    assert home.waits == [0.25] * (4 * (4 + 2 * 3))


def test_the_pauses_between_attempts_to_write() -> None:
    assert WRITE_RETRY_SECONDS == (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)


@pytest.mark.parametrize("failures", [0, 1, 7])
@pytest.mark.parametrize("is_written", [True, False])
def test_new_tokens_are_written_as_soon_as_the_store_answers(failures: int, is_written: bool) -> None:
    home = Home(FRESH, writes=(*[DOWN] * failures, FRESH if is_written else None))
    assert home.drive(home.refresher._put(DUE, SESSION)) == Outcome(FRESH)
    assert home.waits == list(WRITE_RETRY_SECONDS[:failures])
    assert home.calls == [("replace", (DUE, SESSION))] * (failures + 1) + [("reload", DUE)]
    assert home.cache.calls == ([("drop", b"one" + b"." * 29)] if is_written else [])


def test_new_tokens_that_can_never_be_written_are_a_failure() -> None:
    home = Home(writes=(DOWN,))
    outcome = home.drive(home.refresher._put(DUE, SESSION))
    assert outcome == Outcome(failure=f"its new tokens could not be stored: {DOWN}")
    assert home.waits == list(WRITE_RETRY_SECONDS)
    home = Home(writes=(TOO_LARGE,))
    outcome = home.drive(home.refresher._put(DUE, SESSION))
    assert outcome == Outcome(failure=f"it could not be stored: {TOO_LARGE}")
    assert (home.waits, home.cache.calls) == ([], [])


def test_a_session_that_ended_while_it_was_written_has_ended() -> None:
    home = Home(ENDED, writes=(FRESH,))
    assert home.drive(home.refresher._put(DUE, SESSION)) == Outcome(error=ENDED)


@pytest.mark.parametrize("failures", [0, 1, 7, 8])
def test_a_session_that_the_provider_refuses_ends_at_once_here_and_in_the_store_as_soon_as_it_answers(
    failures: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited: list[Any] = []
    monkeypatch.setattr(audit, "refreshed", lambda *given: audited.append(given))
    caplog.set_level(logging.INFO)
    home = Home(of_version(1), writes=(*[DOWN] * failures, None))
    assert home.drive(home.refresher._end(DUE, REFUSED, "disabled")) == Outcome(error=REFUSED)
    assert home.waits == list(WRITE_RETRY_SECONDS[:failures])
    assert home.calls == [("reload", DUE), *[("end", DUE.session)] * min(failures + 1, 8)]
    assert home.cache.calls == [("forget", DUE.end_key)]
    assert [(line.name, line.levelname, line.getMessage()) for line in caplog.records] == [
        (
            "oidc_gate.refresh",
            "INFO",
            "refresh_refused: the session of sub='248289761001' ended: disabled",
        )
    ]
    assert audited == [("refresh_refused", SESSION.identity, "disabled")]


@pytest.mark.parametrize(
    ("stored", "outcome"),
    [(of_version(2), Outcome(of_version(2))), (ENDED, Outcome(error=ENDED))],
    ids=["changed", "ended"],
)
def test_a_session_that_another_process_has_changed_or_ended_is_not_ended(
    stored: Any, outcome: Outcome
) -> None:
    home = Home(stored)
    assert home.drive(home.refresher._end(DUE, REFUSED, "disabled")) == outcome
    assert (home.calls, home.cache.calls) == ([("reload", DUE)], [])

"""One refresh of a session at a time, a limited number of them, and the time until the next attempt."""

from __future__ import annotations

import logging
import os

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import GateError, SessionError
from oidc_gate.observe import current
from oidc_gate.refresh import flights as module
from oidc_gate.refresh.flights import MAX_RUNNING, MAX_WAITING, NO_RESULT, Flight, Flights, Outcome
from oidc_gate.session.sessions import LoadedSession
from tests.core.refresh.making import Driver, loaded
from tests.core.session.test_record import NOW

DOWN = GateError("provider_unreachable", "", detail="no route")


class Airport(Driver):
    """Flights whose outcome a test chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.performed: list[tuple[str, str]] = []
        self.outcome: Outcome | Exception = NO_RESULT
        self.flights = Flights(self._perform_flight)

    def _perform_flight(self, one: LoadedSession) -> Step[Outcome]:
        yield from ()
        self.performed.append((one.value, current.request_id()))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def join(self, name: str = "one") -> Flight | None:
        return self.drive(self.flights.join(loaded(name), self.now))

    def fly(self, outcome: Outcome | Exception, name: str = "one") -> Flight:
        """Start a flight, and finish it."""
        self.outcome = outcome
        flight = self.join(name)
        assert flight is not None
        self.run_background()
        return flight

    def retry_after(self, name: str = "one") -> int:
        return self.flights.retry_at(loaded(name), self.now) - self.now


@pytest.fixture
def airport() -> Airport:
    return Airport()


def test_requests_of_one_session_share_a_flight_and_those_of_two_do_not(airport: Airport) -> None:
    with current.deciding():
        current.set_request_id("request 1")
        flight = airport.join()
        current.set_request_id("request 2")
        assert airport.join() is flight
        other = airport.join("two")
    assert flight is not None
    assert other is not None
    assert (flight.started_at, flight.request_id, flight.outcome) == (NOW, "request 1", NO_RESULT)
    assert not flight.is_over.is_set()
    assert other is not flight
    assert len(airport.background) == 2
    airport.outcome = Outcome(loaded("fresh"))
    airport.run_background()
    assert flight.is_over.is_set()
    assert flight.outcome == other.outcome == airport.outcome
    assert airport.performed == [("cookie one", "request 1"), ("cookie two", "request 2")]
    assert airport.join() is not flight


def test_a_limited_number_of_threads_performs_them_all(airport: Airport) -> None:
    names = [str(number) for number in range(MAX_RUNNING + 5)]
    assert all(airport.join(name) for name in names)
    assert len(airport.background) == MAX_RUNNING
    airport.run_background()
    assert [name for name, _ in airport.performed] == [f"cookie {name}" for name in names]
    process = airport.flights._mine()
    assert (process.running, process.by_key, len(process.queue)) == (0, {}, 0)
    assert airport.join("later") is not None
    assert len(airport.background) == 1


def test_a_limited_number_waits(airport: Airport) -> None:
    assert all(airport.join(str(number)) for number in range(MAX_WAITING))
    assert airport.join("one too many") is None
    assert airport.join("0") is not None
    airport.run_background()
    assert airport.join("one too many") is not None


def test_after_failures_the_next_attempt_comes_later_and_later(airport: Airport) -> None:
    assert airport.retry_after() == 0
    for seconds in (30, 60, 120, 240, 300, 300):
        flight = airport.fly(DOWN)
        assert flight.outcome == Outcome(failure="provider_unreachable: no route")
        assert airport.retry_after() == seconds
        airport.now += seconds - 1
        assert (airport.join(), airport.retry_after()) == (None, 1)
        airport.now += 1
        assert airport.retry_after() == 0
    airport.fly(Outcome(loaded()))
    assert airport.retry_after() == 0
    airport.fly(DOWN)
    assert airport.retry_after() == 30
    assert airport.retry_after("another session") == 0


def test_a_session_that_has_ended_has_no_failures_any_more(airport: Airport) -> None:
    airport.fly(DOWN)
    airport.now += 30
    airport.fly(Outcome(error=SessionError("refresh_refused", "")))
    assert airport.retry_after() == 0
    assert airport.flights._mine().retries == {}


def test_while_another_process_asks_the_next_attempt_comes_soon_and_failures_count_on(
    airport: Airport,
) -> None:
    airport.fly(NO_RESULT)
    assert airport.retry_after() == 2
    airport.now += 2
    airport.fly(DOWN)
    airport.now += 30
    airport.fly(NO_RESULT)
    assert airport.retry_after() == 2
    airport.now += 2
    airport.fly(DOWN)
    assert airport.retry_after() == 60


@pytest.mark.parametrize(("back", "waits"), [(0, 300), (1, 0), (1_000, 0)])
def test_a_clock_that_goes_back_delays_nothing(airport: Airport, back: int, waits: int) -> None:
    for _ in range(5):
        airport.fly(DOWN)
        airport.now += airport.retry_after()
    airport.now -= 300 + back
    assert airport.retry_after() == waits
    assert (airport.join() is None) is (waits > 0)


def test_what_is_remembered_of_failures_is_bounded(airport: Airport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    for name in ("one", "two", "three"):
        airport.fly(DOWN, name)
    assert [airport.retry_after(name) for name in ("one", "two", "three")] == [0, 30, 30]
    airport.now += 30
    airport.fly(DOWN, "two")  # which makes it the newest
    airport.fly(DOWN, "four")
    assert [airport.retry_after(name) for name in ("two", "three", "four")] == [60, 0, 30]


def test_a_failure_is_logged_and_an_error_of_this_package_with_its_traceback(
    airport: Airport, caplog: pytest.LogCaptureFixture
) -> None:
    airport.fly(Outcome(loaded()))
    airport.fly(NO_RESULT)
    airport.now += 2
    airport.fly(DOWN)
    airport.now += 30
    flight = airport.fly(RuntimeError("with a token in it"))
    assert flight.outcome == Outcome(failure="RuntimeError")
    airport.now += 60
    lines = [(line.levelno, line.getMessage(), line.exc_info is not None) for line in caplog.records]
    assert lines == [
        (logging.WARNING, "a session could not be refreshed: provider_unreachable: no route", False),
        (logging.ERROR, "an error in oidc_gate: a session could not be refreshed", True),
        (logging.WARNING, "a session could not be refreshed: RuntimeError", False),
    ]
    assert {line.name for line in caplog.records} == {"oidc_gate.refresh"}
    assert airport.fly(Outcome(loaded())).outcome.loaded is not None


def test_a_child_process_begins_without_flights(airport: Airport, monkeypatch: pytest.MonkeyPatch) -> None:
    flight, parent = airport.join(), os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    assert airport.join() is not flight
    assert len(airport.background) == 2
    monkeypatch.setattr(os, "getpid", lambda: parent)
    assert airport.join() is flight

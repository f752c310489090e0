"""Refreshes while a connection is open: when one is started, and when the connection must be closed."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import SessionError
from oidc_gate.refresh.flights import Flight, Outcome
from oidc_gate.refresh.open_streams import MAX_OVERDUE_SECONDS, StreamRefresher
from oidc_gate.session.sessions import LoadedSession
from tests.core.refresh.making import Driver, loaded
from tests.core.request.making import settings
from tests.core.session.test_record import NOW

SOFT, HARD = 80, 100


class Stream(Driver):
    """An open stream, with flights that a test finishes."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        given = {
            "session_store": "redis://localhost",
            "recheck_seconds": HARD,
            "public_url": "https://a.example",
        }
        self.flights: list[Flight] = []
        self.is_refused = False
        told = settings(**(given | changes))
        self.refresher = StreamRefresher(self, told, loaded())  # type: ignore[arg-type]

    def join(self, one: LoadedSession, now: int) -> Step[Flight | None]:
        yield from ()
        if self.is_refused:
            return None
        self.flights.append(Flight(one, now))
        return self.flights[-1]

    def stays_open(self, after: int) -> bool:
        return self.drive(self.refresher(NOW + after))

    def finish(self, outcome: Outcome) -> None:
        self.flights[-1].outcome = outcome
        self.flights[-1].is_over.set()


def test_one_refresh_is_started_when_it_is_due() -> None:
    stream = Stream()
    assert stream.stays_open(SOFT - 1)
    assert stream.flights == []
    for after in (SOFT, SOFT + 1, HARD, HARD + 1_000):
        assert stream.stays_open(after)
    (flight,) = stream.flights
    assert (flight.loaded, flight.started_at) == (loaded(), NOW + SOFT)


def test_after_a_refresh_the_new_session_counts() -> None:
    stream, fresh = Stream(), loaded("fresh", checked_at=NOW + SOFT)
    stream.stays_open(SOFT)
    stream.finish(Outcome(fresh))
    assert stream.stays_open(SOFT + SOFT - 1)
    assert len(stream.flights) == 1
    assert stream.stays_open(SOFT + SOFT)
    assert [flight.loaded for flight in stream.flights] == [loaded(), fresh]


def test_a_refresh_without_a_result_is_tried_again_with_the_same_session() -> None:
    stream = Stream()
    stream.stays_open(SOFT)
    stream.finish(Outcome(failure="down"))
    assert stream.stays_open(SOFT + 1)
    assert [flight.loaded for flight in stream.flights] == [loaded(), loaded()]
    stream.finish(Outcome())
    stream.is_refused = True
    assert stream.stays_open(SOFT + 2)
    stream.is_refused = False
    assert stream.stays_open(SOFT + 3)
    assert len(stream.flights) == 3


def test_a_session_that_ended_closes_the_connection() -> None:
    stream = Stream()
    stream.stays_open(SOFT)
    stream.finish(Outcome(error=SessionError("refresh_refused", "")))
    assert not stream.stays_open(SOFT + 1)


@pytest.mark.parametrize(("is_required", "closes"), [(True, True), (False, False)])
def test_a_connection_outlasts_a_refresh_that_is_required_by_few_seconds(
    is_required: bool, closes: bool
) -> None:
    stream = Stream(refresh_required=is_required)
    for after in (SOFT, HARD, HARD + MAX_OVERDUE_SECONDS - 1):
        assert stream.stays_open(after)
    assert stream.stays_open(HARD + MAX_OVERDUE_SECONDS) is not closes

"""When a request waits for a refresh, for how long, and what it goes on with."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.effects import Step
from oidc_gate.errors import SessionError
from oidc_gate.provider.refresh import NewTokens
from oidc_gate.provider.token import TokenResponse
from oidc_gate.refresh.flights import NO_RESULT, Flight, Outcome
from oidc_gate.refresh.refresher import (
    ASSUMED_TOKEN_SECONDS,
    MAX_WAIT_SECONDS,
    MIN_KNOWN_TOKEN_SECONDS,
    RECHECK_SECONDS,
    Refresher,
    _assumed_seconds,
    _with_tokens,
)
from oidc_gate.session.sessions import LoadedSession
from tests.core.refresh.making import Driver, loaded
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION

SOFT, HARD = 80, 100


class Home(Driver):
    """A refresher whose flights have ended with `outcome`, or cannot start if it is None."""

    def __init__(
        self, outcome: Outcome | None = NO_RESULT, started_at: int = NOW, retry: int = 0, **more: Any
    ) -> None:
        super().__init__()
        given = {
            "session_store": "redis://localhost",
            "recheck_seconds": HARD,
            "public_url": "https://a.example",
        }
        self.refresher = Refresher(settings(**(given | more)), *[None] * 5)  # type: ignore[arg-type]
        self.refresher._flights = self  # type: ignore[assignment]
        self.outcome, self.started_at, self.retry = outcome, started_at, retry
        self.joined: list[int] = []

    def join(self, one: LoadedSession, now: int) -> Step[Flight | None]:
        yield from ()
        self.joined.append(now - NOW)
        if self.outcome is None:
            return None
        flight = Flight(one, self.started_at)
        flight.outcome = self.outcome
        return flight

    def retry_at(self, one: LoadedSession, now: int) -> int:
        return max(NOW + self.retry, now)

    def keep_fresh(self, after: int) -> LoadedSession:
        return self.drive(self.refresher.keep_fresh(loaded(at=NOW + after)))


def test_before_it_is_due_nothing_is_started() -> None:
    home = Home()
    assert home.keep_fresh(SOFT - 1) == loaded(at=NOW + SOFT - 1)._replace(fresh_until=NOW + SOFT)
    assert home.refresher.with_refresh_time(loaded()) == loaded()._replace(fresh_until=NOW + SOFT)
    assert (home.joined, home.waits) == ([], [])


@pytest.mark.parametrize(
    ("outcome", "retry", "after", "fresh_until"),
    [
        (NO_RESULT, 0, SOFT, SOFT + RECHECK_SECONDS),
        (NO_RESULT, 95, SOFT, SOFT + RECHECK_SECONDS),
        (NO_RESULT, 0, HARD - 1, HARD),
        (None, 0, SOFT, SOFT + RECHECK_SECONDS),
        (None, 95, SOFT, 95),
        (None, 110, SOFT, HARD),
    ],
)
def test_when_it_is_due_it_is_started_and_no_request_waits(
    outcome: Outcome | None, retry: int, after: int, fresh_until: int
) -> None:
    home = Home(outcome, retry=retry)
    expected = loaded(at=NOW + after)._replace(fresh_until=NOW + fresh_until)
    assert home.keep_fresh(after) == expected
    assert (home.joined, home.waits) == ([after], [])


@pytest.mark.parametrize(
    ("started", "seconds"), [(HARD, 4.5), (HARD - 1, 3.5), (HARD - 4, 0.5), (HARD - 5, 0), (HARD + 9, 4.5)]
)
def test_the_limit_of_the_wait_begins_with_the_flight(started: int, seconds: float) -> None:
    assert MAX_WAIT_SECONDS == 4.5
    home = Home(Outcome(loaded("fresh")), NOW + started)
    home.keep_fresh(HARD)
    assert home.waits == [seconds]


def test_the_fresh_session_has_the_cookie_of_the_request() -> None:
    fresh = loaded("fresh", checked_at=NOW + HARD)
    found = Home(Outcome(fresh), NOW + HARD).keep_fresh(HARD + 3)
    assert found == fresh._replace(value="cookie one", at=NOW + HARD + 3, fresh_until=NOW + HARD + SOFT)


@pytest.mark.parametrize(
    ("retry", "fresh_until"), [(0, HARD + 1), (HARD + 1, HARD + 1), (HARD + 30, HARD + 30)]
)
@pytest.mark.parametrize("outcome", [None, NO_RESULT, Outcome(failure="down")])
def test_without_a_result_the_session_goes_on_unless_a_refresh_is_required(
    outcome: Outcome | None, retry: int, fresh_until: int
) -> None:
    found = Home(outcome, NOW + HARD, retry).keep_fresh(HARD)
    assert found == loaded(at=NOW + HARD)._replace(fresh_until=NOW + fresh_until)
    with pytest.raises(SessionError) as caught:
        Home(outcome, NOW + HARD, retry, refresh_required=True).keep_fresh(HARD)
    assert caught.value.code == "refresh_required"


def test_a_session_that_ended_is_an_error_of_each_request_of_its_own() -> None:
    error = SessionError("refresh_refused", "It ended.", detail="only for the log")
    with pytest.raises(SessionError) as caught:
        Home(Outcome(error=error), NOW + HARD).keep_fresh(HARD)
    assert caught.value is not error
    assert (caught.value.code, caught.value.public_message, caught.value.detail) == (
        "refresh_refused",
        "It ended.",
        "",
    )


@pytest.mark.parametrize(
    ("lasted", "checked_at", "seconds"),
    [
        (600, 0, 600),
        (600, NOW + 50, 550),
        (MIN_KNOWN_TOKEN_SECONDS, 0, MIN_KNOWN_TOKEN_SECONDS),
        (MIN_KNOWN_TOKEN_SECONDS - 1, 0, ASSUMED_TOKEN_SECONDS),
        (-1_000, 0, ASSUMED_TOKEN_SECONDS),
    ],
)
def test_a_token_of_unknown_lifetime_lasts_as_long_as_the_one_before_it(
    lasted: int, checked_at: int, seconds: int
) -> None:
    session = SESSION._replace(access_token_expires_at=NOW + lasted, checked_at=checked_at)
    assert _assumed_seconds(session) == seconds


@pytest.mark.parametrize(
    ("id_token", "keeps", "kept"),
    [("new", True, "new"), ("", True, "the.id.token"), ("new", False, ""), ("", False, "")],
)
@pytest.mark.parametrize(("expires_at", "ends"), [(NOW + 900, NOW + 900), (0, NOW + 50 + 7_200)])
def test_the_tokens_of_a_session_are_replaced(
    id_token: str, keeps: bool, kept: str, expires_at: int, ends: int
) -> None:
    new = NewTokens(TokenResponse(id_token, "new access", "Bearer", None, "new refresh"), expires_at)
    assert _with_tokens(SESSION, new, expires_at, NOW + 50, keeps_id_token=keeps) == SESSION._replace(
        id_token=kept,
        access_token="new access",
        access_token_expires_at=ends,
        refresh_token="new refresh",
        checked_at=NOW + 50,
    )

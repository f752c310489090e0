"""The cache of one value: what it keeps, what it reports, and when it asks again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oidc_gate.effects import Fetch, Fetched, Step
from oidc_gate.errors import GateError, ProviderError, ProviderUnavailable
from oidc_gate.provider.refreshing_cache import Failure, Held, RefreshingCache, RenewalBudget

from .scripted import START, Scripted, answer

URL = "https://op.example/value"
AWAY = ProviderUnavailable("provider_unreachable", "Away.", detail="refused", retry_after_seconds=7)


class Observed:
    """A cache of lists of numbers, and what it passed on."""

    def __init__(self, *answers: Any) -> None:
        self.scripted = Scripted({URL: [answer([1]), *answers]})
        self.processed: list[tuple[list[int], list[int] | None]] = []
        self.successes: list[tuple[list[int] | None, list[int]]] = []
        self.failures: list[tuple[GateError, bool]] = []
        self.cache: RefreshingCache[list[int]] = RefreshingCache(
            "value",
            self.request,
            self.process,
            on_success=lambda before, after: self.successes.append((before, after)),
            on_failure=lambda error, has_old: self.failures.append((error, has_old)),
        )

    def request(self) -> Step[Fetch]:
        yield from ()
        return Fetch("GET", URL)

    def process(self, fetched: Fetched, before: list[int] | None) -> list[int]:
        value: list[int] = json.loads(fetched.body)
        self.processed.append((value, before))
        return value

    def get(self, later: int = 0) -> list[int]:
        self.scripted.now += later
        return self.scripted.drive(self.cache.get())

    def newer(self, tried: list[int], budget: RenewalBudget) -> list[int]:
        return self.scripted.drive(self.cache.get_newer(tried, budget))


def test_what_is_kept_and_reported() -> None:
    seen = Observed(answer([1], cache_control="max-age=600"), answer([2]), answer([3]))
    assert (seen.cache.held, seen.cache.failure) == (None, None)
    first = seen.get()
    assert seen.cache.held == Held(first, START, START + 3600)
    assert seen.get(3599) is first
    assert seen.get(1) is first, "an equal value takes no one's place"
    assert seen.cache.held == Held(first, START + 3600, START + 4200)
    assert seen.get(599) is first
    second = seen.get(1)
    assert second == [2]
    assert seen.processed == [([1], None), ([1], [1]), ([2], [1])]
    assert seen.successes == [(None, [1]), ([1], [2])]
    assert seen.failures == []


def test_a_failure_is_kept_until_the_next_success() -> None:
    seen = Observed(AWAY, answer([1]), AWAY)
    first = seen.get()
    assert seen.get(3600) is first
    assert seen.failures == [(AWAY, True)]
    failure = seen.cache.failure
    assert failure is not None
    assert failure.at == START + 3600
    assert failure.error is not AWAY
    assert (failure.error.code, failure.error.detail) == ("provider_unreachable", "refused")
    assert seen.get(9) is first
    assert len(seen.scripted.fetches) == 2
    assert seen.get(1) is first
    assert seen.cache.failure is None
    assert (len(seen.scripted.fetches), len(seen.successes)) == (3, 1)


def test_a_failure_before_there_is_a_value() -> None:
    seen = Observed()
    seen.scripted.answers[URL] = [AWAY, answer([1])]
    with pytest.raises(ProviderUnavailable) as caught:
        seen.get()
    assert caught.value is AWAY
    assert seen.failures == [(AWAY, False)]
    with pytest.raises(ProviderUnavailable) as caught:
        seen.get(4)
    assert caught.value.retry_after_seconds == 7
    with pytest.raises(ProviderUnavailable):
        seen.get(5)
    assert len(seen.scripted.fetches) == 1
    assert seen.get(1) == [1]


def test_an_answer_that_is_refused_waits_for_the_next_attempt_too() -> None:
    seen = Observed()
    error = ProviderError("provider_answer", "Odd.", detail="no list")
    seen.scripted.answers[URL] = [error, answer([1])]
    for _ in range(3):
        with pytest.raises(ProviderError) as caught:
            seen.get(3)
        assert caught.value.detail == "no list"
    assert seen.cache.failure == Failure(START + 3, seen.cache.failure.error if seen.cache.failure else error)
    assert len(seen.scripted.fetches) == 1


def test_a_newer_value_on_demand() -> None:
    seen, budget = Observed(answer([2]), AWAY, answer([2]), answer([3])), RenewalBudget()
    first = seen.get()
    second = seen.newer(first, budget)
    assert second == [2]
    assert seen.newer(first, budget) is second, "there is one already"
    assert len(seen.scripted.fetches) == 2
    assert seen.newer(second, budget) is second, "the provider is away"
    assert seen.newer(second, budget) is second, "it has none"
    assert seen.newer(second, budget) is second, "the budget is used up"
    assert len(seen.scripted.fetches) == 4
    seen.scripted.now += 60
    assert seen.newer(second, budget) == [3]
    assert seen.cache.held == Held([3], START + 60, START + 3660)


def test_the_budget_of_renewals() -> None:
    budget = RenewalBudget()
    taken = [second for second in range(400) if budget.take(START + second)]
    assert taken == [0, 1, 2, 60, 120, 180, 240, 300, 360]
    assert [budget.take(START + 10_000) for _ in range(4)] == [True, True, True, False]
    assert budget.take(START + 10_020), "whole minutes since the last ones were counted"


@pytest.mark.parametrize(
    ("now", "is_fresh"), [(9, False), (10, True), (11, True), (19, True), (20, False), (21, False)]
)
def test_when_a_value_is_fresh(now: int, is_fresh: bool) -> None:
    assert Held("value", 10, 20).is_fresh(now) is is_fresh

"""The numbers of the requirements: which queries get one, and how many there are."""

from __future__ import annotations

from oidc_gate.policy.requirements import SETTINGS, Requirements


def test_sixty_three_queries_get_a_number_of_their_own_and_keep_it() -> None:
    requirements = Requirements()
    queries = [f"allowed_groups={number}" for number in range(65)]
    expected = [*range(1, 64), None, None]
    assert SETTINGS == 0  # which is the number of no query
    assert [requirements.number_of(query) for query in queries] == [None] * 65
    for _ in range(2):
        assert [requirements.number(query) for query in queries] == expected
        assert [requirements.number_of(query) for query in queries] == expected


def test_a_query_that_comes_again_takes_no_further_number() -> None:
    requirements = Requirements()
    assert [requirements.number(query) for query in ("a", "a", "b", "a", "b", "c")] == [1, 1, 2, 1, 2, 3]

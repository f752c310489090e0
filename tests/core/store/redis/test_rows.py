"""Rows as Redis returns them: with all their fields, or without some."""

from __future__ import annotations

import pytest

from oidc_gate.store.base import Row
from oidc_gate.store.redis.rows import over_at, row_of, split_indexes

KEY = b"k" * 32
ONE, TWO = b"1" * 32, b"2" * 32


def test_a_row_with_all_its_fields_and_one_with_only_its_version() -> None:
    fields = [b"3", b"60", b"50", b"40", ONE + TWO, b"label", b"body"]
    assert row_of(KEY, fields) == Row(KEY, 3, 60, 50, 40, (ONE, TWO), b"label", b"body")
    assert row_of(KEY, [b"3", *[None] * 6]) == Row(KEY, 3, 0, 0, 0, (), b"", b"")
    assert row_of(KEY, [None, *fields[1:]]) is None


def test_the_indexes_of_a_row() -> None:
    assert split_indexes(b"") == ()
    assert split_indexes(ONE) == (ONE,)
    assert split_indexes(ONE + TWO) == (ONE, TWO)


@pytest.mark.parametrize(
    ("fields", "over"),
    [
        ((b"5", b"3"), 3),
        ((b"3", b"5", b"indexes"), 3),
        ((None, None, None), 0),
        ((b"5", None), 0),
        ((None, b"5"), 0),
    ],
)
def test_when_a_row_is_over(fields: tuple[bytes | None, ...], over: int) -> None:
    assert over_at(fields) == over

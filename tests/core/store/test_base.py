"""What every store shares: rows, selections, errors and the figures of the contract."""

from __future__ import annotations

import pytest

from oidc_gate.store import base
from oidc_gate.store.base import EVERYTHING, Row, Selector, StoreURLError, unavailable

KEY = bytes(range(32))


def test_the_figures_of_the_contract() -> None:
    assert (base.KEY_BYTES, base.DEADLINE_SECONDS, base.GRACE_SECONDS) == (32, 2.0, 7200)


@pytest.mark.parametrize(("expires_at", "leaves_at"), [(100, 100), (100, 200), (200, 100)])
def test_a_row_is_over_at_the_earlier_of_its_ends(expires_at: int, leaves_at: int) -> None:
    row = Row(KEY, 1, expires_at, leaves_at, 50)
    assert [row.is_over(now) for now in (99, 100, 101)] == [False, True, True]


def test_the_repr_of_a_row_shows_nothing_that_it_holds() -> None:
    row = Row(KEY, 3, 200, 100, 50, (b"index",), b"label", b"body")
    assert repr(row) == "Row(00010203, version=3, leaves_at=100)"
    assert Row(KEY, 3, 200, 100, 50) == (KEY, 3, 200, 100, 50, (), b"", b"")


def test_a_selection_is_empty_unless_it_names_something() -> None:
    assert Selector() == ((), (), False)
    assert EVERYTHING == ((), (), True)


def test_what_is_said_when_a_store_cannot_do_what_it_should() -> None:
    error = unavailable("Redis at h:1: gone")
    assert (error.code, error.status, error.detail) == ("store_unavailable", 503, "Redis at h:1: gone")
    assert str(error.public_message) == "Sessions cannot be looked up at the moment."
    wrong = StoreURLError("there is no such port", "write a number")
    assert (str(wrong), wrong.what, wrong.instead) == (
        "there is no such port; write a number",
        "there is no such port",
        "write a number",
    )

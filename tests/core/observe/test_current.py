"""The ID of the request that is being decided about."""

from __future__ import annotations

import threading

import pytest

from oidc_gate.observe import current


def test_a_block_ends_with_the_id_that_it_found() -> None:
    assert current.request_id() == ""
    with current.deciding():
        current.set_request_id("outer")
        with current.deciding():
            assert current.request_id() == ""
            current.set_request_id("inner")
        assert current.request_id() == "outer"
    assert current.request_id() == ""


def test_a_block_that_fails_leaves_nothing_behind() -> None:
    def fail() -> None:
        with current.deciding():
            current.set_request_id("failed")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert current.request_id() == ""


def test_another_thread_has_its_own() -> None:
    found: list[str] = []
    with current.deciding():
        current.set_request_id("here")
        other = threading.Thread(target=lambda: found.append(current.request_id()))
        other.start()
        other.join()
    assert found == [""]

"""The ID of a request: that of a trusted proxy if it can be written anywhere, and otherwise the gate's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oidc_gate.request.forwarded import TrustedProxies
from oidc_gate.request.request_id import traceparent_of, with_request_id
from tests.core.request.making import request

TRUSTED = TrustedProxies(["10.0.0.0/8"])
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def id_of(*headers: tuple[str, str], peer: str = "10.0.0.1") -> str:
    return with_request_id(request(headers=headers, peer=peer), TRUSTED).request_id


@pytest.mark.parametrize("given", ["a", "a" * 64, "AZ_az-09.x", "550e8400-e29b-41d4-a716-446655440000"])
def test_the_id_of_a_trusted_proxy(given: str) -> None:
    assert id_of(("X-Request-Id", given)) == given
    assert id_of(("X-Request-Id", given), peer="192.0.2.1") == "-"
    assert id_of(("X-Request-Id", given), peer="unix") == "-"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a" * 65,
        "a b",
        "a\n",
        "a\nb",
        "\x1b[31m",
        "é",
        "\u0661",
        "a,b",
        'a"b',
        "a:b",
        "<b>",
        "a\x00",
        "\x7f",
    ],
)
def test_an_id_that_cannot_be_written_anywhere(given: str) -> None:
    assert id_of(("X-Request-Id", given)) == "-"


def test_a_repeated_header_does_not_count() -> None:
    assert id_of(("X-Request-Id", "a"), ("X-Request-Id", "b")) == "-"
    assert id_of(("traceparent", PARENT), ("traceparent", PARENT)) == "-"


def test_the_trace_id() -> None:
    assert id_of(("traceparent", PARENT)) == TRACE
    assert id_of(("traceparent", PARENT), peer="192.0.2.1") == "-"
    assert id_of(("traceparent", PARENT), ("X-Request-Id", "own")) == "own"
    assert id_of(("traceparent", PARENT), ("X-Request-Id", "not one")) == TRACE
    assert id_of(("traceparent", "01" + PARENT[2:] + "-more")) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE,
        PARENT + "-more",
        "ff" + PARENT[2:],
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "\n",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_a_traceparent_that_is_none(given: str) -> None:
    assert id_of(("traceparent", given)) == "-"


def test_the_parts_of_a_traceparent() -> None:
    parts = (TRACE, "00f067aa0ba902b7", "01")
    assert traceparent_of((PARENT,)) == parts
    assert traceparent_of(("cc" + PARENT[2:] + "-more-",)) == parts
    assert traceparent_of(()) is None
    assert traceparent_of((PARENT, PARENT)) is None


def test_a_request_keeps_everything_else() -> None:
    asked = request(headers=[("X-Request-Id", "a")], peer="10.0.0.1", path="/a", query="b")
    assert with_request_id(asked, TRUSTED) == replace(asked, request_id="a")
    assert with_request_id(asked, TrustedProxies([])) is asked

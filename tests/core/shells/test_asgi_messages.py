"""Which headers reach an ASGI application. The decision for a name is cached, within limits."""

from __future__ import annotations

import pytest

from oidc_gate.shells.asgi_messages import HeaderFilter

STRIPPED = frozenset({"x-forwarded-user"})


@pytest.mark.parametrize("name", [b"x-forwarded-user", b"x_forwarded-user", b"X-Forwarded_User", b"Cookie"])
def test_no_spelling_passes_however_often_it_comes(name: bytes) -> None:
    passes = HeaderFilter(STRIPPED)
    for _ in range(3):
        assert passes.split([(b"host", b"a"), (name, b"root")]) == ([(b"host", b"a")], "", False)


def test_the_pieces_of_a_cookie_are_put_together() -> None:
    pairs = [(b"cookie", b"a=1"), (b"host", b"x"), (b"cookie", b"b=2")]
    assert HeaderFilter(STRIPPED).split(pairs) == ([(b"host", b"x")], "a=1; b=2", False)


@pytest.mark.parametrize(
    ("value", "accepts"),
    [
        (b"text/event-stream", True),
        (b"application/json, text/event-stream;q=0.5", True),
        (b"*/*", False),
        (b"text/html", False),
        (b"", False),
    ],
)
@pytest.mark.parametrize("finds", [True, False])
def test_a_request_for_an_event_stream_is_found_where_it_is_looked_for(
    value: bytes, accepts: bool, finds: bool
) -> None:
    split = HeaderFilter(STRIPPED, finds_events=finds).split
    for _ in range(2):
        pairs = [(b"host", b"x"), (b"accept", value)]
        assert split(pairs) == (pairs, "", accepts and finds)


@pytest.mark.parametrize("name", ["x-%d", "x-%d" + "y" * 64])
def test_names_that_clients_make_up_pass_and_fill_nothing(name: str) -> None:
    passes = HeaderFilter(STRIPPED)
    pairs = [((name % number).encode(), b"1") for number in range(3 * HeaderFilter.MAX_NAMES)]
    assert passes.split(pairs) == (pairs, "", False)
    assert len(passes._passed) <= HeaderFilter.MAX_NAMES
    assert all(len(each) <= HeaderFilter.MAX_NAME_LENGTH for each in passes._passed)


@pytest.mark.parametrize(("length", "kept"), [(1, 1024), (8, 1024), (64, 1024), (65, 0)])
def test_the_decision_is_kept_for_a_thousand_short_names(length: int, kept: int) -> None:
    passes = HeaderFilter(STRIPPED)
    names = [str(number).encode() for number in range(10 if length == 1 else 2000)]
    passes.split([(name.rjust(length, b"x"), b"1") for name in names])
    assert len(passes._passed) == min(kept, len(names))

"""The values that the core passes around."""

from __future__ import annotations

import time

from oidc_gate.model import Headers


def test_a_name_may_come_again_in_another_case() -> None:
    headers = Headers([("Host", "a"), ("x", "1"), ("HOST", "b")])
    assert headers.all("host") == ("a", "b")
    assert list(headers) == [("host", "a"), ("host", "b"), ("x", "1")]


def test_a_name_that_comes_a_hundred_thousand_times_does_not_hold_the_event_loop() -> None:
    begun = time.process_time()
    assert len(Headers([("a", "")] * 100_000).all("a")) == 100_000
    assert time.process_time() - begun < 3  # a copy for each took minutes; this takes 20 ms

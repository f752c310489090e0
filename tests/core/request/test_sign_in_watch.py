"""Page loads without a sign-in are counted, and the twentieth one is reported, once."""

from __future__ import annotations

from oidc_gate.request.sign_in_watch import MAX_UNANSWERED, SignInWatch


def test_the_last_of_many_page_loads_is_reported_once() -> None:
    watch = SignInWatch()
    reported = [number for number in range(1, 100) if watch.page_load_refused()]
    assert reported == [MAX_UNANSWERED] == [20]


def test_a_sign_in_ends_the_count() -> None:
    watch = SignInWatch()
    assert not any(watch.page_load_refused() for _ in range(19))
    watch.sign_in_requested()
    assert not any(watch.page_load_refused() for _ in range(19))

"""The counts of one process."""

from __future__ import annotations

import os
import threading

import pytest

from oidc_gate.effects import Fetch, Fetched, Lane
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.model import Allow, Reason, Reply
from oidc_gate.runtime import metrics as module
from oidc_gate.runtime.metrics import Metrics, add_up, kind_of

FETCH = Fetch("GET", "https://op.example/.well-known/openid-configuration")


def test_decisions_by_verdict_and_code() -> None:
    metrics = Metrics()
    metrics.decided(Allow(None, reason=Reason("public_path")), False)
    metrics.decided(Reply(202, reason=Reason("signed_in")), False)
    for _ in range(2):
        metrics.decided(Reply(401, reason=Reason("no_cookie", notes=(Reason("sign_in_unreachable"),))), False)
    assert metrics.counts() == {
        ("decisions", "allowed", "public_path"): 1,
        ("decisions", "allowed", "signed_in"): 1,
        ("decisions", "401", "no_cookie"): 2,
        ("notes", "sign_in_unreachable"): 2,
        ("short_path",): 0,
    }


def test_sign_ins_by_result() -> None:
    metrics = Metrics()
    metrics.decided(Reply(302, reason=Reason("sign_in_completed")), True)
    metrics.decided(Reply(400, reason=Reason("flow_missing")), True)
    metrics.decided(Reply(400, reason=Reason("flow_missing")), False)
    counts = metrics.counts()
    assert {key: value for key, value in counts.items() if key[0] == "sign_ins"} == {
        ("sign_ins", "completed"): 1,
        ("sign_ins", "flow_missing"): 1,
    }


@pytest.mark.parametrize(
    ("status", "result"), [(200, "ok"), (302, "ok"), (400, "refused"), (503, "refused"), (None, "failed")]
)
def test_requests_to_the_provider(status: int | None, result: str) -> None:
    now = [10.0]
    metrics = Metrics(lambda: now[0])

    def perform(effect: Fetch) -> Fetched:
        now[0] += 0.2
        if status is None:
            raise ProviderUnavailable("provider_timeout", "away")
        return Fetched(status, {}, b"")

    if status is None:
        with pytest.raises(ProviderUnavailable):
            metrics.fetch(perform, FETCH)
    else:
        assert metrics.fetch(perform, FETCH).status == status
    counts = metrics.counts()
    assert counts["provider", "discovery", result] == 1
    assert counts["provider_seconds", "discovery"] == pytest.approx(0.2)
    assert counts["provider_bucket", "discovery", "0.25"] == 1
    assert counts["provider_bucket", "discovery", "0.1"] == 0
    assert counts["provider_bucket", "discovery", "+Inf"] == 0


def test_calls_of_the_store() -> None:
    metrics = Metrics()

    def fail(error: Exception) -> None:
        raise error

    assert metrics.store("call", lambda: 3) == 3
    for error in (ProviderUnavailable("store_unavailable", "away"), ValueError()):
        with pytest.raises(type(error)):
            metrics.store("call", lambda error=error: fail(error))  # type: ignore[misc]
    counts = metrics.counts()
    assert [counts["store", "call", result] for result in ("ok", "store_unavailable", "error")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (FETCH, "discovery"),
        (Fetch("GET", "https://op.example/jwks"), "keys"),
        (Fetch("GET", "https://op.example/userinfo", (("Authorization", "Bearer x"),)), "userinfo"),
        (Fetch("POST", "https://op.example/token", (), b"grant_type=authorization_code&code=x"), "token"),
        (Fetch("POST", "https://op.example/token", (), b"grant_type=refresh_token"), "refresh"),
        (Fetch("POST", "https://op.example/r", (), b"token=x&token_type_hint=refresh_token"), "revocation"),
        (Fetch("POST", "https://op.example/par", (), b"x", lane=Lane.PUSHED), "pushed_request"),
    ],
)
def test_what_a_request_is_for(effect: Fetch, kind: str) -> None:
    assert kind_of(effect) == kind


def test_the_short_path_is_counted_elsewhere_and_a_counter_that_goes_is_kept() -> None:
    metrics, seen = Metrics(), [5]

    def admitted() -> int:
        return seen[0]

    metrics.add_admitted(admitted)
    seen[0] = 8
    assert metrics.counts()["short_path",] == 3
    metrics.retire(admitted)
    seen[0] = 100
    assert metrics.counts()["short_path",] == 3


def test_gauges_are_included_once_for_each_object() -> None:
    metrics, cache = Metrics(), object()
    metrics.add_gauges(cache, lambda: {("cached_sessions",): 2})
    metrics.add_gauges(cache, lambda: {("cached_sessions",): 2})
    metrics.add_gauges(object(), lambda: {("cached_sessions",): 1})
    assert metrics.gauges() == {("cached_sessions",): 3}


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 2)
    metrics = Metrics()
    for number in range(5):
        metrics.decided(Reply(400, reason=Reason(f"code_{number}")), False)
    assert metrics.counts() == {
        ("decisions", "400", "code_0"): 1,
        ("decisions", "400", "code_1"): 1,
        ("decisions", "other", "other"): 3,
        ("short_path",): 0,
    }


def test_no_count_is_lost_among_threads() -> None:
    metrics, reply = Metrics(), Reply(401, reason=Reason("no_cookie"))

    def count() -> None:
        for _ in range(2000):
            metrics.decided(reply, False)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.counts()["decisions", "401", "no_cookie"] == 8000


def test_after_a_fork_a_process_begins_at_zero_even_if_the_lock_was_held() -> None:
    metrics = Metrics()
    metrics.decided(Reply(401, reason=Reason("no_cookie")), False)
    metrics.add_admitted(lambda: 7)
    reader, writer = os.pipe()
    with metrics._lock:
        child = os.fork()
        if child == 0:
            try:
                metrics.decided(Reply(403, reason=Reason("refused")), False)
                os.write(writer, repr(metrics.counts()).encode())
            finally:
                os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1000).decode() == "{('decisions', '403', 'refused'): 1, ('short_path',): 0}"
    os.close(reader)
    os.close(writer)
    assert metrics.counts()["decisions", "401", "no_cookie"] == 1


def test_sums() -> None:
    assert add_up([{("a",): 1, ("b",): 2}, {}, {("b",): 3}]) == {("a",): 1, ("b",): 5}


@pytest.mark.parametrize(
    ("began", "seconds", "bound"),
    [
        (0.0, 0.0, "0.005"),
        (0.0, 0.005, "0.005"),
        (0.0, 0.0051, "0.01"),
        (5.0, 2.5, "2.5"),
        (0.0, 10.0, "10.0"),
        (0.0, 10.1, "+Inf"),
    ],
)
def test_a_duration_is_in_the_bucket_of_its_upper_bound(began: float, seconds: float, bound: str) -> None:
    times = iter([began, began + seconds])
    metrics = Metrics(lambda: next(times))
    assert metrics.store("call", lambda: 3) == 3
    counts = metrics.counts()
    buckets = {key: value for key, value in counts.items() if key[0] == "store_bucket"}
    bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"]
    assert [*buckets] == [("store_bucket", "call", each) for each in bounds]
    assert [key[2] for key, value in buckets.items() if value] == [bound]
    assert {key: value for key, value in counts.items() if key not in buckets} == {
        ("store", "call", "ok"): 1,
        ("store_seconds", "call"): pytest.approx(seconds),
        ("short_path",): 0,
    }


def test_a_key_that_is_there_is_counted_when_no_new_one_may_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 1)
    metrics = Metrics()
    for _ in range(2):
        metrics.decided(Reply(400, reason=Reason("code")), False)
    assert metrics.counts() == {("decisions", "400", "code"): 2, ("short_path",): 0}


def test_after_a_fork_the_counters_of_the_short_path_begin_at_their_value() -> None:
    metrics = Metrics()
    metrics.decided(Reply(400, reason=Reason("code")), False)
    metrics.add_admitted(lambda: 7)
    metrics.forked()
    assert metrics.counts() == {("short_path",): 0}


def test_only_the_counter_that_goes_is_retired() -> None:
    metrics = Metrics()
    seen = {"a": 0, "b": 0}

    def first() -> int:
        return seen["a"]

    def second() -> int:
        return seen["b"]

    metrics.add_admitted(first)
    metrics.add_admitted(second)
    seen |= {"a": 1, "b": 10}
    metrics.retire(first)
    seen |= {"a": 100, "b": 20}
    assert metrics.counts() == {("short_path",): 21}
    metrics.retire(second)
    assert metrics.counts() == {("short_path",): 21}

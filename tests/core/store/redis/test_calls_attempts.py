"""When a call to Redis is attempted again, and when the other connections are closed, to the millisecond."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import redis

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store import time_limit
from oidc_gate.store.redis import calls as redis_calls
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.calls import Call, Calls

TRIP, MIN = 0.5, 0.0625
BROKEN, LATE, REFUSED = redis.ConnectionError("broken"), redis.TimeoutError("late"), redis.ResponseError("no")


class Connections(Calls):
    """Counts how often the idle connections are closed."""

    def __init__(self) -> None:
        super().__init__(Address("server", (("h", 1),)), 2, TRIP)
        self.min_trip_seconds, self.forgotten = MIN, 0

    def client(self) -> object:
        return self

    def forget_idle(self) -> None:
        self.forgotten += 1


@pytest.mark.parametrize(
    ("left", "takes", "error", "attempts", "forgotten", "said"),
    [
        (2, 0, BROKEN, 2, 2, "ConnectionError: broken"),
        (2, TRIP / 4, BROKEN, 2, 2, "ConnectionError: broken"),
        (2, TRIP / 4 + MIN, BROKEN, 1, 1, "ConnectionError: broken"),
        (2, 0, OSError("gone"), 2, 2, "OSError: gone"),
        (2, 0, REFUSED, 1, 0, "ResponseError: no"),
        (2, 0, redis.exceptions.RedisClusterException("slots"), 1, 0, "RedisClusterException: slots"),
        (2, TRIP, LATE, 1, 1, "TimeoutError: late"),
        (TRIP, 0, LATE, 1, 1, "TimeoutError: late"),
        (TRIP - MIN, 0, LATE, 1, 0, "TimeoutError: late"),  # it had less time than usual
        (TRIP - MIN, 0, BROKEN, 2, 2, "ConnectionError: broken"),
        (MIN, 0, BROKEN, 2, 2, "ConnectionError: broken"),
        (MIN / 2, 0, BROKEN, 0, 0, "Redis answers too slowly"),
        (MIN * 1.5, MIN, BROKEN, 1, 1, "Redis answers too slowly"),
    ],
)
def test_what_is_attempted_and_what_is_closed(
    monkeypatch: pytest.MonkeyPatch,
    left: float,
    takes: float,
    error: Exception,
    attempts: int,
    forgotten: int,
    said: str,
) -> None:
    now, limits = [64.0], list[float]()
    monkeypatch.setattr(redis_calls, "time", SimpleNamespace(monotonic=lambda: now[0]))
    connections = Connections()

    def fail(client: object) -> None:
        assert client is connections
        limits.append(time_limit._limit.until)
        now[0] += takes
        raise error

    with pytest.raises(StoreUnavailable) as caught:
        Call(connections, 64 + left, TRIP).run(fail)
    assert limits == [64 + left] * attempts, "a connection waits until the deadline of the call"
    assert connections.forgotten == forgotten
    is_refused = said == "Redis answers too slowly"
    assert caught.value.detail == (said if is_refused else f"Redis at h:1, database 0: {said}")
    assert caught.value.__cause__ is (None if is_refused else error)

"""Calls to Redis with a deadline. A command that fails fast is sent once more; a command that hangs is not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import redis

from ...errors import StoreUnavailable
from ..base import unavailable
from ..time_limit import deadline_after, limited_until
from .address import Address
from .connect import Client, connect

T = TypeVar("T")
MIN_TRIP_SECONDS = 0.05
"""A round trip is not begun with less time than this, because its answer would hardly be there in time."""
Command = tuple[Any, ...]


class Calls:
    """Sends commands over pooled connections. It is safe under threads and after a fork.

    Args:
        address: The address of Redis.
        deadline_seconds: The limit for a call with all its commands.
        answer_seconds: The limit for connecting, and for each answer. It is less than half of `deadline_seconds`.
    """

    def __init__(self, address: Address, deadline_seconds: float, answer_seconds: float) -> None:
        self._address = address
        self._deadline_seconds, self._answer_seconds = deadline_seconds, answer_seconds
        # A cluster's connections cannot be given less time than `answer_seconds` (see `connect`).
        is_limited = address.kind != "cluster"
        self.min_trip_seconds = min(MIN_TRIP_SECONDS, answer_seconds) if is_limited else answer_seconds
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._connecting = threading.Lock()
        self._client: Client | None = None

    def begin(self) -> Call:
        """Return a call, whose deadline begins now."""
        return Call(self, deadline_after(self._deadline_seconds), self._answer_seconds)

    def client(self) -> Client:
        """Return the client of this process."""
        if self._pid != os.getpid():
            self._reset()
        client = self._client
        if client is None:
            # The client of a cluster connects here, so no lock is held. If two threads create a client, one is kept.
            client = connect(self._address, self._answer_seconds)
            with self._connecting:
                self._client = self._client or client
                client = self._client
        return client

    def forget_idle(self) -> None:
        """Close the connections that are not in use, because their server does not answer any more."""
        if self._client is not None and self._pid == os.getpid():
            for pool in _pools(self._client):
                with suppress(Exception):
                    pool.disconnect(inuse_connections=False)

    def follow_master(self) -> None:
        """Connect to another server if the Sentinels have chosen another master. The old one may still answer."""
        if self._address.kind == "sentinel":
            with suppress(redis.RedisError):  # if no Sentinel answers, the existing connections are used
                self.client().connection_pool.get_master_address()

    def close(self) -> None:
        """Close the connections that are not in use. One that is in use is closed after the answer that it waits for.

        A connection that another thread waits for must not be closed here. The operating system would give its
        descriptor to the next file or socket, from which that thread would then read, and into which it would write.
        """
        self.forget_idle()
        self._client = None

    def failed(self, error: Exception) -> StoreUnavailable:
        """Return the exception to raise for an error of redis-py. Its text contains no password."""
        text = str(error)
        for secret in filter(None, (self._address.password, self._address.sentinel_password)):
            text = text.replace(secret, "...")
        return unavailable(f"{self._address}: {type(error).__name__}: {text[:300]}")


class Call:
    """One call of a store, of one or more round trips.

    Args:
        calls: The connections.
        deadline: The time by `time.monotonic` at which the call must be over.
        trip_seconds: The limit for a round trip, if as much time is left until `deadline`.
    """

    def __init__(self, calls: Calls, deadline: float, trip_seconds: float) -> None:
        self._calls, self._deadline, self._trip_seconds = calls, deadline, trip_seconds

    def send(self, *command: Any) -> Any:
        """Send one command and return its answer."""
        return self.run(lambda client: client.execute_command(*command))

    def send_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip (in a cluster: one to each node) and return their answers.

        Raises:
            StoreUnavailable: One of them failed. Others may have been performed.
        """
        if not commands:
            return []
        if len(commands) == 1:
            return [self.send(*commands[0])]

        def execute(client: Client) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            return list(pipeline.execute())

        return self.run(execute)

    def run(self, function: Callable[[Client], T]) -> T:
        """Call `function`, a second time if the connection was broken or the server is not the master any more.

        Raises:
            StoreUnavailable: It failed, or there is no time left to call it.
        """
        for attempt in (1, 2):
            started = time.monotonic()
            left = self._deadline - started
            if left < self._calls.min_trip_seconds:
                raise unavailable("Redis answers too slowly")
            try:
                with limited_until(self._deadline):
                    return function(self._calls.client())
            except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
                is_over = time.monotonic() - started > self._trip_seconds / 4
                # An answer that had less time than usual says nothing about the other connections.
                was_short = left < self._trip_seconds and isinstance(error, redis.TimeoutError)
                if _breaks_connections(error) and not was_short:
                    self._calls.forget_idle()
                if attempt == 2 or is_over or not _may_pass(error):
                    raise self._calls.failed(error) from error
        raise AssertionError("not reached")


def _breaks_connections(error: Exception) -> bool:
    kinds = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, OSError)
    return isinstance(error, kinds) and not isinstance(error, redis.BusyLoadingError)


def _may_pass(error: Exception) -> bool:
    """Return whether the same call may succeed over a new connection."""
    never = (redis.BusyLoadingError, redis.AuthenticationError, redis.exceptions.AuthorizationError)
    return _breaks_connections(error) and not isinstance(error, (redis.TimeoutError, *never))


def _pools(client: Client) -> Iterator[Any]:
    """Return the connection pools of a client, one for each node of a cluster."""
    if hasattr(client, "get_nodes"):
        yield from (
            node.redis_connection.connection_pool for node in client.get_nodes() if node.redis_connection
        )
    else:
        yield client.connection_pool

"""The parent process of ``oidc-gate serve``: it starts workers, replaces them, and stops them.

The parent holds the listening sockets and the settings, and each worker is a fork of it. A worker that replaces another
one therefore has exactly the settings that were checked. While workers are replaced, the sockets stay open, and the
kernel queues new connections.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Generic, NoReturn, TypeVar

log = logging.getLogger("oidc_gate")

START_SECONDS = 60.0
"""The time limit for the start of a worker. It needs about a second, and more on a busy machine."""

RESTART_SECONDS = 1.0
"""The minimum time between two replacements of workers that ended unexpectedly."""

KILL_SECONDS = 2.0
"""The time that a worker gets after the graceful timeout, before it is killed. Normally it ends by itself."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Pipes:
    """The pipes between a worker and its parent.

    Attributes:
        ready: The worker writes one byte to it when it serves.
        parent: A descriptor that becomes readable when the parent is gone.
    """

    ready: int
    parent: int


@dataclass(frozen=True)
class _Worker:
    pid: int
    ready: int
    deadline: float = inf  # when it is killed


class Supervisor(Generic[Loaded]):
    """Runs workers until SIGTERM or SIGINT, and replaces all of them after SIGHUP.

    Args:
        serve: Runs in each worker, until SIGTERM, and returns its exit status.
        load: Returns the value that `serve` of the next workers gets, or None if the old workers have to stay. It logs
            the reason.
        on_ready: Called when the workers serve, at the start and after each SIGHUP, whether or not it changed anything.
        count: The number of workers.
        grace_seconds: The time that a worker has to end before it is killed.
    """

    def __init__(
        self,
        serve: Callable[[Loaded, Pipes], int],
        load: Callable[[], Loaded | None],
        on_ready: Callable[[Loaded], None],
        *,
        count: int,
        grace_seconds: float,
    ) -> None:
        self._serve, self._load, self._on_ready = serve, load, on_ready
        self._count, self._grace = count, grace_seconds
        self._workers: list[_Worker] = []
        self._leaving: list[_Worker] = []
        self._restart_at = -inf
        self._signals: list[int] = []
        self._wakeup = self._lifeline = (-1, -1)

    def run(self, loaded: Loaded) -> int:
        """Run until SIGTERM or SIGINT, and return the exit status: 0, or 1 if the first workers did not start."""
        self._lifeline = os.pipe()
        with self._handling_signals():
            workers = self._start_all(loaded)
            if workers is None:
                if self._must_stop():
                    return 0
                log.error("the workers did not start; what they wrote above says why")
                return 1
            self._workers = workers
            self._on_ready(loaded)
            try:
                while not self._must_stop():
                    loaded = self._go_on(loaded)
            finally:
                self._stop()
        return 0

    @contextlib.contextmanager
    def _handling_signals(self) -> Iterator[None]:
        self._wakeup = os.pipe()
        for end in self._wakeup:
            os.set_blocking(end, False)
        before = {number: signal.signal(number, self._note) for number in SIGNALS}
        wakeup_before = signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if number != signal.SIGCHLD:  # it only has to end the wait
            self._signals.append(number)

    def _must_stop(self) -> bool:
        return signal.SIGTERM in self._signals or signal.SIGINT in self._signals

    def _go_on(self, loaded: Loaded) -> Loaded:
        """Wait for the next event, handle it, and return the value with which the workers serve after it."""
        self._wait((), self._seconds_to_wait(self._restart_at if len(self._workers) < self._count else inf))
        self._kill_overdue()
        self._leaving = [each for each in self._leaving if not _has_ended(each)]
        if signal.SIGHUP in self._signals:
            self._signals.remove(signal.SIGHUP)
            loaded = self._reload(loaded)
        alive = []
        for worker in self._workers:
            if _has_ended(worker):
                log.error("worker %d ended unexpectedly; another one is started", worker.pid)
            else:
                alive.append(worker)
        self._workers = alive
        if len(alive) < self._count and time.monotonic() >= self._restart_at:
            self._restart_at = time.monotonic() + RESTART_SECONDS
            self._workers += [self._start(loaded) for _ in range(self._count - len(alive))]
        return loaded

    def _seconds_to_wait(self, until: float = inf) -> float | None:
        first = min([until, *(each.deadline for each in self._leaving)])
        return None if first == inf else max(0.0, first - time.monotonic())

    def _reload(self, loaded: Loaded) -> Loaded:
        fresh = self._load()
        if fresh is None:
            self._on_ready(loaded)
            return loaded
        workers = self._start_all(fresh)
        if workers is None:
            if not self._must_stop():
                log.error("the new workers did not start, so the old ones and their settings stay")
                self._on_ready(loaded)
            return loaded
        self._leave(self._workers)
        self._workers = workers
        self._on_ready(fresh)
        return fresh

    def _start_all(self, loaded: Loaded) -> list[_Worker] | None:
        """Start workers and wait until all of them serve, or end them and return None."""
        workers = [self._start(loaded) for _ in range(self._count)]
        deadline = time.monotonic() + START_SECONDS
        waiting = {each.ready for each in workers}
        while waiting and not self._must_stop() and time.monotonic() < deadline:
            for descriptor in self._wait(waiting, deadline - time.monotonic()):
                if os.read(descriptor, 1) != b"1":
                    deadline = -inf  # it has died
                    break
                waiting.discard(descriptor)
        if waiting:
            self._kill(workers)
            return None
        return workers

    def _start(self, loaded: Loaded) -> _Worker:
        readable, writable = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the handlers are those of the child
        pid = os.fork()
        if pid == 0:
            self._run_worker(loaded, Pipes(writable, self._lifeline[0]), readable)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(writable)
        return _Worker(pid, readable)

    def _run_worker(self, loaded: Loaded, pipes: Pipes, readable: int) -> NoReturn:
        """Serve in the child, and end the process without the clean-up of the parent."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            for number in (
                signal.SIGINT,
                signal.SIGHUP,
            ):  # a terminal sends these to the worker as well as to the parent
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            others = [each.ready for each in self._workers + self._leaving]
            for descriptor in (*self._wakeup, self._lifeline[1], readable, *others):
                os.close(descriptor)
            status = self._serve(loaded, pipes)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _wait(self, descriptors: set[int] | tuple[()], seconds: float | None) -> list[int]:
        """Wait for a signal or one of the descriptors, and return those that are readable."""
        wakeup = self._wakeup[0]
        readable, _, _ = select.select([wakeup, *descriptors], [], [], seconds)
        if wakeup in readable:
            readable.remove(wakeup)
            with contextlib.suppress(BlockingIOError):
                os.read(wakeup, 4096)
        return readable

    def _leave(self, workers: Sequence[_Worker]) -> None:
        """Send SIGTERM to workers."""
        deadline = time.monotonic() + self._grace + KILL_SECONDS
        for worker in workers:
            _send(worker, signal.SIGTERM)
            self._leaving.append(replace(worker, deadline=deadline))

    def _kill_overdue(self) -> None:
        for worker in self._leaving:
            if worker.deadline <= time.monotonic():
                log.warning("worker %d did not end in %g seconds, and is killed", worker.pid, self._grace)
                _send(worker, signal.SIGKILL)
        self._leaving = [
            replace(each, deadline=inf) if each.deadline <= time.monotonic() else each
            for each in self._leaving
        ]

    def _kill(self, workers: Sequence[_Worker]) -> None:
        """Kill workers that do not serve yet."""
        for worker in workers:
            _send(worker, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
            os.close(worker.ready)

    def _stop(self) -> None:
        """End all workers. A second Ctrl-C kills them at once. A second SIGTERM does not: some tools send two."""
        self._signals.clear()
        self._leave(self._workers)
        self._workers = []
        while self._leaving:
            if signal.SIGINT in self._signals:
                log.warning("interrupted again: %d workers are killed", len(self._leaving))
                self._signals.clear()
                for worker in self._leaving:
                    _send(worker, signal.SIGKILL)
            self._kill_overdue()
            self._wait((), self._seconds_to_wait())
            self._leaving = [each for each in self._leaving if not _has_ended(each)]


def _send(worker: _Worker, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker.pid, number)


def _has_ended(worker: _Worker) -> bool:
    """Return whether a worker has ended. Its process ID may be used by another process after that."""
    pid, _ = os.waitpid(worker.pid, os.WNOHANG)
    if pid:
        os.close(worker.ready)
    return bool(pid)

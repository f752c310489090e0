"""The SQLite store between processes: an end counts everywhere when `end` has returned, and forks are safe."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.store.base import Row, Selector
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.testing.store_contract import Listener, new_key

FORK, SPAWN = multiprocessing.get_context("fork"), multiprocessing.get_context("spawn")
NOW = int(time.time())


def row(*indexes: bytes) -> Row:
    return Row(new_key(), 1, NOW + 3600, NOW + 3600, NOW, indexes, b"", b"sealed")


class Worker:
    """A process with a view of its own, which remembers sessions as a session cache does."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.remembered = store, set[bytes]()
        self.listener = Listener(store)

    def add_once(self, key: bytes) -> None:
        assert self.store.open(key, NOW)
        self.remembered.add(key)

    def admits(self, key: bytes) -> bool:
        """Do what a request does: believe what is remembered if the view is current, else ask the store."""
        view = self.listener.view
        if key in self.remembered and (view.is_current() or view.catch_up()):
            if self.listener.gaps:
                self.listener.gaps = 0
                self.remembered.clear()
            elif key not in self.listener.ended:
                return True
        return self.store.open(key, NOW) is not None

    def end(self, *indexes: bytes) -> int:
        return self.store.end(Selector(indexes=indexes), NOW)


def work(path: Path, pipe: Connection) -> None:
    worker = Worker(SqliteStore(path))
    pipe.send("ready")
    while True:
        name, *arguments = pipe.recv()
        if name == "stop":
            return
        pipe.send(getattr(worker, name)(*arguments))


class Remote:
    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.pipe.send((name, *arguments))
            assert self.pipe.poll(200), "the worker hangs"
            return self.pipe.recv()

        return call


@contextmanager
def workers(path: Path, number: int, context: BaseContext = SPAWN) -> Iterator[list[Remote]]:
    pairs = [context.Pipe() for _ in range(number)]
    processes = [context.Process(target=work, args=(path, theirs), daemon=True) for _, theirs in pairs]  # type: ignore[attr-defined]
    for process in processes:
        process.start()
    try:
        for ours, _ in pairs:
            assert ours.poll(200), "the worker does not start"
            assert ours.recv() == "ready"
        yield [Remote(ours) for ours, _ in pairs]
    finally:
        for (ours, _), process in zip(pairs, processes, strict=True):
            ours.send(("stop",))
            process.join(10)
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("context", [SPAWN, FORK], ids=["spawn", "fork"])
def test_an_end_counts_in_every_process_when_it_has_returned(tmp_path: Path, context: BaseContext) -> None:
    path = tmp_path / "sessions.db"
    store = SqliteStore(path)
    store.check(NOW)
    listener = Listener(store)  # with fork the children begin with its connections
    with workers(path, 3, context) as remotes:
        for _ in range(40):
            alice, kept = row(new_key()), row()
            assert store.put(alice, 0, NOW)
            assert store.put(kept, 0, NOW)
            for remote in remotes:
                remote.add_once(alice.key)
                remote.add_once(kept.key)
                assert remote.admits(alice.key)
            assert random.choice(remotes).end(*alice.indexes) == 1
            assert [remote.admits(alice.key) for remote in remotes] == [False] * 3
            assert not listener.would_admit(alice.key)
            assert [remote.admits(kept.key) for remote in remotes] == [True] * 3


def test_sign_ins_in_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    index = new_key()

    def sign_in() -> None:
        store = SqliteStore(path)
        for _ in range(25):
            assert store.put(row(index), 0, NOW)

    processes = [FORK.Process(target=sign_in) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(50)
    assert [process.exitcode for process in processes] == [0] * 4
    assert SqliteStore(path).count(Selector(indexes=(index,)), NOW) == 100


def in_a_fork(function: Callable[[], bool]) -> bool:
    pid = os.fork()
    if not pid:
        status = 2
        try:
            status = 0 if function() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.slow
def test_a_fork_while_other_threads_use_it(tmp_path: Path) -> None:
    """A child that inherited an open connection would believe that it holds the parent's locks."""
    from threading import Event, Thread

    store = SqliteStore(tmp_path / "sessions.db")
    listener, stop, errors = Listener(store), Event(), list[Exception]()

    def use() -> None:
        while not stop.is_set():
            try:
                one = row()
                store.put(one, 0, NOW)
                store.end(Selector(keys=(one.key,)), NOW)
            except Exception as error:
                errors.append(error)

    def child() -> bool:
        one = row()
        store.put(one, 0, NOW)
        is_known = store.open(one.key, NOW) == one
        store.end(Selector(keys=(one.key,)), NOW)
        return is_known and store.open(one.key, NOW) is None and not listener.would_admit(one.key)

    threads = [Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert all(in_a_fork(child) for _ in range(10))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors, errors[0]
    with closing(sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.slow
def test_a_child_of_a_server_that_forks_without_hooks_is_refused(tmp_path: Path) -> None:
    from oidc_gate.errors import StoreUnavailable

    store = SqliteStore(tmp_path / "sessions.db")
    store.check(NOW)
    store._connections._pid -= 1  # as after a fork in C
    with pytest.raises(StoreUnavailable, match="lazy-apps"):
        store.open(new_key(), NOW)
    unused = SqliteStore(tmp_path / "sessions.db")
    unused._connections._pid -= 1
    unused.check(NOW)


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = SqliteStore(path)
    store.check(NOW)
    one = row()
    assert store.put(one, 0, NOW)

    def write() -> None:
        with SqliteStore(path)._connections.writing() as db:
            db.execute("DELETE FROM sessions")
            os.kill(os.getpid(), signal.SIGKILL)

    process = FORK.Process(target=write)
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
    assert store.open(one.key, NOW) == one
    assert store.put(row(), 0, NOW)


@pytest.mark.slow
def test_many_processes_begin_with_no_file(tmp_path: Path) -> None:
    """None sees half a database, and none makes a second one."""
    keys = [new_key() for _ in range(8)]

    def begin(key: bytes, directory: Path) -> None:
        one = row()._replace(key=key)
        assert SqliteStore(directory / "sessions.db").put(one, 0, NOW)

    for number in range(5):
        directory = tmp_path / str(number)
        directory.mkdir()
        processes = [FORK.Process(target=begin, args=(key, directory)) for key in keys]
        for process in processes:
            process.start()
        for process in processes:
            process.join(50)
        assert [process.exitcode for process in processes] == [0] * 8
        store = SqliteStore(directory / "sessions.db")
        assert all(store.open(key, NOW) for key in keys)
        assert sorted(path.name for path in directory.iterdir() if path.suffix == ".new") == []

"""A view that follows a store: what it believes, and for how long."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from oidc_gate.store import polling as module
from oidc_gate.store.base import unavailable
from oidc_gate.store.polling import POLLS_PER_LAG, Announced, PollingView
from oidc_gate.testing.store_contract import wait_until


class Source:
    """A log of ends that answers as a test wants."""

    def __init__(self) -> None:
        self.news: list[bytes] = []
        self.asked: list[bytes | None] = []
        self.answers = threading.Event()
        self.answers.set()
        self.error: Exception | None = None
        self.has_forgotten = False

    def ask(self, position: bytes | None, wait_seconds: float) -> Announced:
        self.asked.append(position)
        self.answers.wait(30)
        if self.error:
            raise self.error
        here = str(len(self.news)).encode()
        if position is None:
            return Announced(here)
        if self.has_forgotten:
            self.has_forgotten = False
            return Announced(here, None)
        return Announced(here, tuple(self.news[int(position) :]))


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    yield source
    source.answers.set()  # a thread that a failed test left behind can end


Polling = Callable[..., PollingView]


@pytest.fixture
def polling(source: Source) -> Iterator[Polling]:
    """Make followers, which are closed when the test ends, also if it fails."""
    made: list[PollingView] = []

    def follow(on_ends: Callable[[tuple[bytes, ...] | None], None], lag: float = 0.3) -> PollingView:
        made.append(PollingView(source.ask, on_ends, lag, "test reader"))
        return made[-1]

    yield follow
    for view in made:
        view.close()


def soon_current(view: PollingView) -> bool:
    """On a busy machine the first answer takes longer than `catch_up` waits for it, or comes too late to count."""
    return wait_until(lambda: view.is_current() or view.catch_up())


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "test reader"]


def test_it_reports_ends_once_and_in_order(source: Source, polling: Polling) -> None:
    heard: list[bytes] = []
    view = polling(lambda keys: heard.extend(keys or (b"?",)))
    source.news.append(b"before it began")
    assert not view.is_current(), "it has asked nobody"
    assert soon_current(view)
    for number in range(5):
        source.news.append(b"%d" % number)
        assert wait_until(lambda expected=number + 1: len(heard) == expected)  # type: ignore[misc]
    assert heard == [b"0", b"1", b"2", b"3", b"4"]


def test_an_answer_counts_for_the_lag_from_the_question(source: Source, polling: Polling) -> None:
    view = polling(lambda keys: None)
    assert soon_current(view)
    source.answers.clear()  # a half-open connection
    asked = len(source.asked)
    assert wait_until(lambda: not view.is_current())
    time.sleep(0.1)
    assert not view.is_current()
    assert not view.catch_up()
    assert len(source.asked) <= asked + 1
    # The answer comes at last; it says how things stood when it was asked for, which is too long ago.
    source.error = unavailable("gone")
    source.answers.set()
    time.sleep(0.1)
    assert not view.is_current()
    source.error = None
    assert wait_until(view.is_current)


@pytest.mark.slow
def test_a_store_that_does_not_wait_for_news_is_asked_a_few_times_a_lag(
    source: Source, polling: Polling
) -> None:
    view = polling(lambda keys: None, lag=0.4)
    assert soon_current(view)
    asked, began = len(source.asked), time.monotonic()
    assert wait_until(lambda: len(source.asked) >= asked + 10)
    assert time.monotonic() - began >= 8 * 0.4 / POLLS_PER_LAG


def test_a_late_answer_is_not_believed() -> None:
    """It says how things stood when it was asked for, which is longer ago than the lag."""
    asked: list[float] = []
    answers = [threading.Event(), threading.Event()]

    def ask(position: bytes | None, wait_seconds: float) -> Announced:
        asked.append(time.monotonic())
        answers[min(len(asked), 2) - 1].wait(60)
        return Announced(b"here")

    view = PollingView(ask, lambda keys: None, 0.2, "test reader")
    assert not view.catch_up()
    assert wait_until(lambda: bool(asked) and time.monotonic() > asked[0] + 0.2)
    answers[0].set()
    assert wait_until(lambda: len(asked) == 2), "the first answer has come"
    assert not view.is_current()
    answers[1].set()
    assert wait_until(view.is_current)
    view.close()


@pytest.mark.parametrize("error", [unavailable("down"), ValueError("a bug in a store of yours")])
def test_it_goes_on_after_an_error_and_misses_nothing(
    source: Source, polling: Polling, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bytes] = []
    view = polling(lambda keys: heard.extend(keys or (b"?",)))
    assert soon_current(view)
    source.error = error
    source.news.append(b"meanwhile")
    assert wait_until(lambda: bool(caplog.records) and not view.is_current())
    source.error = None
    assert wait_until(lambda: heard == [b"meanwhile"])
    assert wait_until(lambda: view.is_current() and len(caplog.records) > 1)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"], "it complains once"
    assert "answers again" in caplog.records[1].message


def test_a_listener_that_fails_is_asked_again(source: Source, polling: Polling) -> None:
    """What was not taken in was not heard: the view is not current before it is."""
    heard: list[bytes] = []
    failures = [ValueError("a bug in a cache")]

    def take(keys: tuple[bytes, ...] | None) -> None:
        if failures:
            raise failures.pop()
        heard.extend(keys or (b"?",))

    view = polling(take)
    assert soon_current(view)
    source.news.append(b"ended")
    assert wait_until(lambda: heard == [b"ended"])


def test_a_store_that_forgot(source: Source, polling: Polling) -> None:
    heard: list[object] = []
    view = polling(heard.append)
    assert soon_current(view)
    source.has_forgotten = True
    assert wait_until(lambda: heard == [None])


def test_closed(source: Source, polling: Polling) -> None:
    heard: list[object] = []
    view = polling(heard.append)
    assert soon_current(view)
    view.close()
    source.news.append(b"late")
    view.report((b"late",))
    assert not view.is_current()
    assert not view.catch_up()
    time.sleep(0.4)
    assert not heard
    assert wait_until(lambda: not readers())
    unused = polling(heard.append)
    unused.close()
    assert not unused.catch_up()
    assert unused._pid == 0, "it started no thread"


def test_closed_while_it_waits_for_an_answer(
    source: Source, polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    """If the answer is an error then, the operator does not have to see it."""
    view = polling(lambda keys: None)
    assert soon_current(view)
    source.answers.clear()
    asked = len(source.asked)
    assert wait_until(lambda: len(source.asked) > asked or not view.is_current())
    view.close()
    source.error = ValueError("I/O operation on closed file")
    source.answers.set()
    assert wait_until(lambda: not readers())
    assert caplog.records == []


def test_one_thread_however_many_ask(source: Source, polling: Polling) -> None:
    assert wait_until(lambda: not readers()), "those of other tests"
    view = polling(lambda keys: None)
    threads = [threading.Thread(target=view.catch_up) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(readers()) == 1
    assert source.asked.count(None) == 1


class Scripted:
    """A view whose thread is the test, with a clock of its own. It is closed when the script is at its end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Announced | Exception) -> None:
        self.now = 1000.0
        self.asked: list[tuple[bytes | None, float]] = []
        self.waits: list[float] = []
        self.heard: list[tuple[bytes, ...] | None] = []
        self.trusted: list[float] = []
        self._answers = list(answers)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.view = PollingView(self._ask, self.heard.append, 4, "test reader")
        monkeypatch.setattr(self.view._is_closed, "wait", self._wait)

    def _ask(self, position: bytes | None, seconds: float) -> Announced:
        self.trusted.append(self.view._trusted_until)
        if not self._answers:
            self.view.close()
            return Announced(b"late", (b"late",))
        self.asked.append((position, seconds))
        self.now += 0.25  # that the answer takes
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _wait(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds


def test_what_a_reader_asks_reports_and_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Scripted(
        monkeypatch, Announced(b"1"), Announced(b"2", (b"a", b"b")), Announced(b"2"), Announced(b"3", None)
    )
    script.view._run()
    assert script.asked == [(None, 1.0), (b"1", 1.0), (b"2", 1.0), (b"2", 1.0)]
    assert script.heard == [(b"a", b"b"), None]
    assert script.waits == [0.75], "a quarter of the lag after the question, if there was nothing"
    assert script.trusted == [0, 1004, 1004.25, 1004.5, 1005.5], "from the question on"
    assert script.view._trusted_until == 0, "it was closed before the last answer came"
    assert script.view._has_answer.is_set()


def test_an_answer_counts_until_the_lag_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Scripted(monkeypatch)
    script.view._take(Announced(b"1"), is_first=True, asked_at=1000)
    found = []
    for script.now in (1000.0, 1003.999, 1004.0):
        found.append(script.view.is_current())
    assert found == [True, True, False]
    assert script.heard == []


def test_a_reader_waits_longer_after_each_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    down: list[Announced | Exception] = [unavailable("down")] * 6
    answers = [Announced(b"1"), *down, ValueError("a bug"), Announced(b"2", (b"a",))]
    script = Scripted(monkeypatch, *answers, unavailable("down again"))
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        script.view._run()
    assert [position for position, _ in script.asked] == [None, *[b"1"] * 8, b"2"]
    assert script.waits == [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.02]
    assert script.heard == [(b"a",)]
    assert [(record.getMessage(), bool(record.exc_info)) for record in caplog.records] == [
        ("test reader: store_unavailable: down", False),
        ("test reader: the store answers again", False),
        ("test reader: store_unavailable: down again", False),
        ("test reader: the store answers again", False),
    ]


def test_an_error_that_is_a_bug_has_a_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script = Scripted(monkeypatch, ValueError("a bug"), ValueError("a bug"), Announced(b"1"))
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        script.view._run()
    assert {(record.name, record.levelname) for record in caplog.records} == {("oidc_gate.store", "WARNING")}
    assert [(record.getMessage(), bool(record.exc_info)) for record in caplog.records] == [
        ("test reader: a bug", True),
        ("test reader: the store answers again", False),
    ]
    assert [position for position, _ in script.asked] == [None, None, None]


def test_what_was_cached_before_a_fork_may_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Scripted(monkeypatch, Announced(b"1"), Announced(b"2"))
    script.view._trusted_until = 1.0
    script.view._run()
    assert script.heard == [None]


def test_another_process_has_a_thread_and_a_lock_of_its_own(
    source: Source, polling: Polling, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = polling(lambda keys: None)
    assert soon_current(view)
    lock, pid = view._starting, view._pid
    assert lock.acquire(timeout=60)  # as another thread of the parent held it at the fork
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    assert wait_until(view.catch_up)
    assert view._pid == pid + 1
    assert wait_until(lambda: source.asked.count(None) == 2)


def test_the_first_process_of_a_container_has_a_thread_too(
    source: Source, polling: Polling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)
    view = polling(lambda keys: None)
    view.catch_up()
    assert wait_until(lambda: source.asked[:1] == [None], 5)


def test_a_reader_does_not_keep_its_process_alive(polling: Polling) -> None:
    assert soon_current(polling(lambda keys: None))
    assert [thread.daemon for thread in readers()[-1:]] == [True]


def test_a_call_waits_for_the_first_answer(polling: Polling) -> None:
    assert module.START_SECONDS == 0.25
    results = [polling(lambda keys: None, lag=60).catch_up() for _ in range(20)]
    assert any(results), "on a busy machine an answer may take longer"

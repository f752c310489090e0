"""A view that follows a store: what it believes, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

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


def test_closed_while_it_waits_for_an_answer(
    source: Source, polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is closed too, so that the answer is an error; it is not one that an operator has to see."""
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

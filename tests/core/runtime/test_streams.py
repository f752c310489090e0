"""Open streams: what ends them, what only has them checked, and what leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oidc_gate.effects import Effect, Step
from oidc_gate.errors import StoreUnavailable
from oidc_gate.runtime import streams
from oidc_gate.runtime.streams import Lifetime, OpenStream, OpenStreams

START = 1000


class World:
    """A world in which nothing blocks and nothing has to be performed."""

    def lane_of(self, effect: Effect) -> None:
        return None

    def perform(self, effect: Effect) -> Any:
        raise AssertionError(effect)


class House:
    """Streams whose clock stands still, and sessions of which a store knows."""

    def __init__(self) -> None:
        self.now = START
        self.idle_ends_at: dict[str, int | None] = {}
        self.checks = 0
        self.is_down = False
        self.opened: list[OpenStream] = []
        self.open_streams = OpenStreams(World(), lambda: self.now)

    def open(
        self, session_id: str = "s", ends_at: int = 9000, idle: int = 2000, *, wakes: bool = True
    ) -> tuple[OpenStream, threading.Event]:
        woken = threading.Event()
        self.idle_ends_at.setdefault(session_id, idle)
        wake = woken.set if wakes else None
        lifetime = Lifetime(session_id, ends_at, idle)
        self.opened.append(self.open_streams.open(lifetime, self._checking(session_id), wake))
        return self.opened[-1], woken

    def _checking(self, session_id: str) -> Callable[[], Step[int | None]]:
        def check() -> Step[int | None]:
            yield from ()
            self.checks += 1
            if self.is_down:
                raise StoreUnavailable("store_unavailable", "down")
            return self.idle_ends_at[session_id]

        return check

    def looked(self) -> None:
        """Wait until the thread has looked at everything after this call."""
        before = self.checks
        self.open_streams.ended(None)
        wait_until(lambda: self.checks > before)


def wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.01)
    house = House()
    yield house
    for stream in house.opened:
        stream.close()
    wait_until(lambda: not house.open_streams._is_watching)


def watching_threads() -> set[int | None]:
    return {each.ident for each in threading.enumerate() if each.name == "oidc_gate-streams"}


def test_one_thread_watches_all_streams(house: House) -> None:
    before = watching_threads()
    for number in range(3):
        house.open(f"s{number}")
        house.looked()
    assert len(watching_threads() - before) == 1


def test_what_nothing_waits_for_needs_no_thread(house: House) -> None:
    before = watching_threads()
    house.open(wakes=False)
    assert (watching_threads() - before, house.open_streams._is_watching) == (set(), False)


def at_its_end(house: House) -> None:
    house.now = 9000


def when_idle(house: House) -> None:
    house.now = 2000


def by_its_id(house: House) -> None:
    house.open_streams.ended("s")


def by_a_check(house: House) -> None:
    house.idle_ends_at["s"] = None
    house.open_streams.ended(None)


ENDS = [at_its_end, when_idle, by_its_id, by_a_check]


@pytest.mark.parametrize("end", ENDS)
def test_every_stream_of_the_session_is_woken(house: House, end: Callable[[House], None]) -> None:
    opened = [house.open() for _ in range(2)]
    house.looked()
    assert not any(woken.is_set() for _, woken in opened)
    end(house)
    for stream, woken in opened:
        assert woken.wait(60)
        assert stream.is_over()
    assert len(house.open_streams) == 0


@pytest.mark.parametrize("end", [by_its_id, by_a_check])
def test_the_streams_of_another_session_go_on(house: House, end: Callable[[House], None]) -> None:
    _, woken = house.open()
    other, others_woken = house.open("other")
    end(house)
    assert woken.wait(60)
    house.looked()
    assert not others_woken.is_set()
    assert not other.is_over()
    assert len(house.open_streams) == 1


@pytest.mark.parametrize("end", ENDS)
def test_one_that_nothing_waits_for_asks_for_itself(house: House, end: Callable[[House], None]) -> None:
    stream, _ = house.open(wakes=False)
    assert not stream.is_over()
    assert not house.open_streams._is_watching
    end(house)
    assert stream.is_over()


def test_an_end_before_the_stream_was_registered(house: House) -> None:
    house.idle_ends_at["s"] = None
    _, woken = house.open()
    assert woken.wait(60)


def test_an_end_while_it_is_checked_is_not_missed(house: House) -> None:
    stream, _ = house.open(wakes=False)

    def check() -> Step[int | None]:
        yield from ()
        house.open_streams.ended(None)
        return 2000

    stream._session.check = check
    assert not stream.is_over()
    assert stream._session.is_due


def test_a_renewal_moves_the_idle_end_and_never_back(house: House) -> None:
    stream, woken = house.open()
    house.open_streams.renewed("s", 3000)
    house.open_streams.renewed("s", 2500)
    house.open_streams.renewed("another", 9999)
    house.now = 2999
    house.looked()
    assert not woken.is_set()
    assert not stream.is_over()
    house.now = 3000
    assert woken.wait(60)


def test_at_the_idle_end_a_store_that_knows_better_is_asked(house: House) -> None:
    stream, _ = house.open(wakes=False)
    house.idle_ends_at["s"] = 4000
    house.now = 2500
    assert not stream.is_over()
    house.now = 4000
    assert stream.is_over()


def test_a_store_that_does_not_answer_ends_nothing_before_the_session_is_over(house: House) -> None:
    stream, woken = house.open()
    house.looked()
    house.is_down = True
    house.looked()
    house.looked()
    assert not woken.is_set()
    assert not stream.is_over()
    house.now = 2000
    assert woken.wait(60), "nothing says that it was renewed"


def test_a_store_that_does_not_answer_is_not_asked_for_every_session(house: House) -> None:
    house.is_down = True
    for number in range(5):
        house.open(f"s{number}", wakes=False)
    house.open_streams._check_sessions(list(house.open_streams._sessions.values()))
    assert house.checks == 1


def test_the_absolute_end_needs_no_answer(house: House) -> None:
    house.is_down = True
    opened = [house.open(f"s{number}", idle=9000) for number in range(3)]
    house.now = 9000
    for _, woken in opened:
        assert woken.wait(60)


def test_an_error_in_a_check_does_not_end_the_thread(house: House, caplog: pytest.LogCaptureFixture) -> None:
    broken, _ = house.open("broken")
    broken._session.check = lambda: 1 / 0  # type: ignore[assignment, return-value]
    broken._session.is_due = True
    _, woken = house.open()
    by_its_id(house)
    by_a_check(house)
    assert woken.wait(60)
    wait_until(lambda: "could not be checked" in caplog.text)
    broken.close()


def test_a_loop_that_is_closed(house: House) -> None:
    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    house.idle_ends_at["s"] = 2000
    lifetime = Lifetime("s", 9000, 2000)
    house.opened.append(house.open_streams.open(lifetime, house._checking("s"), closed))
    _, woken = house.open()
    by_its_id(house)
    assert woken.wait(60)


def test_what_is_closed_leaves_nothing(house: House) -> None:
    before = watching_threads()
    opened = [house.open(session_id) for session_id in ("a", "a", "b")]
    for stream, _ in opened:
        stream.close()
        stream.close()
    assert len(house.open_streams) == 0
    assert house.open_streams._sessions == {}
    wait_until(lambda: not house.open_streams._is_watching)
    wait_until(lambda: watching_threads() <= before)
    _, woken = house.open()
    by_its_id(house)
    assert woken.wait(60), "the thread starts again"

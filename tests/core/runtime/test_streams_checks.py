"""When the session of an open stream is checked, and what a check finds: each clause, without the thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.effects import Effect, Now, Step
from oidc_gate.errors import GateError, StoreUnavailable
from oidc_gate.runtime.streams import Lifetime, OpenStream, OpenStreams

DOWN = StoreUnavailable("store_unavailable", "down")
RESULT = dict[str, Any]


class World:
    """A world that only knows the time."""

    def lane_of(self, effect: Effect) -> None:
        return None

    def perform(self, effect: Effect) -> Any:
        assert effect == Now()
        return 0


class Desk:
    """Streams of which every check and every report of ends is recorded in `done`."""

    def __init__(self, *, reports: bool = True) -> None:
        self.now = 1000.9
        self.done: list[object] = []
        self.results: RESULT = {"check": 2000, "recheck": True, "catch up": True}
        catch_up = (lambda: self._doing("catch up")) if reports else None
        self.streams = OpenStreams(World(), lambda: self.now, catch_up)

    def open(
        self, key: str = "s", ends_at: int = 9000, idle: int = 2000, wake: Callable[[], object] | None = None
    ) -> OpenStream:
        def recheck(now: int) -> Step[bool]:
            return self._doing("recheck", key, now)

        return self.streams.open(
            Lifetime(key, ends_at, idle, recheck), lambda: self._doing("check", key), wake
        )

    def _doing(self, what: str, *more: object) -> Step[Any]:
        self.done.append((what, *more) if more else what)
        result = self.results[what]
        yield Now()
        if isinstance(result, Exception):
            raise result
        return result

    def look(self, stream: OpenStream) -> tuple[bool, list[object]]:
        """Return whether `stream` is over, and what was done to find that out."""
        self.done.clear()
        return stream.is_over(), list(self.done)

    def pass_by(self) -> list[object]:
        """Check the sessions as the thread does, and return what was done."""
        self.done.clear()
        self.streams._check_sessions(list(self.streams._sessions.values()))
        return list(self.done)


FIRST = ["catch up", ("recheck", "s", 1000), ("check", "s")]


def test_a_new_stream_is_checked_and_then_only_what_is_due() -> None:
    desk = Desk()
    stream = desk.open()
    assert desk.look(stream) == (False, FIRST)
    assert desk.look(stream) == (False, FIRST[:2])
    desk.streams.ended(None)
    assert desk.look(stream) == (False, FIRST)
    desk.open()
    assert desk.look(stream) == (False, FIRST), "another stream of the session may have seen its end"
    assert len(desk.streams) == 2


@pytest.mark.parametrize(
    ("now", "known", "checked", "is_over"),
    [
        (1999.9, 2000, False, False),
        (2000, 2000, True, True),
        (2000, 2001, True, False),
        (2000, 1500, True, True),
        (8999.9, 9999, True, False),
        (9000, 9999, False, True),
    ],
)
def test_the_bounds_of_the_idle_time_and_of_the_session(
    now: float, known: int, *, checked: bool, is_over: bool
) -> None:
    desk = Desk()
    stream = desk.open()
    desk.look(stream)
    desk.now, desk.results["check"] = now, known
    found, done = desk.look(stream)
    assert (found, ("check", "s") in done) == (is_over, checked)
    assert len(desk.streams) == (0 if is_over else 1)


@pytest.mark.parametrize(("what", "result"), [("recheck", False), ("check", None)])
def test_what_ends_a_session(what: str, result: object) -> None:
    desk = Desk()
    woken: list[str] = []
    streams_of_it = [desk.open(wake=None), desk.open(wake=None)]
    streams_of_it[0].wake = lambda: woken.append("first")
    desk.results[what] = result
    assert desk.look(streams_of_it[1])[0] is True
    assert woken == ["first"]
    assert desk.look(streams_of_it[0]) == (True, ["catch up"]), "it is not checked any more"
    assert (woken, len(desk.streams)) == (["first"], 0)


def test_a_session_that_has_ended_is_a_new_one_when_it_is_opened_again() -> None:
    desk = Desk()
    old = desk.open()
    desk.streams.ended("s")
    new = desk.open()
    assert (desk.look(old)[0], desk.look(new)[0]) == (True, False)
    old.close()
    assert len(desk.streams) == 1, "the end of the old stream leaves the new one alone"
    new.close()
    assert (len(desk.streams), desk.streams._sessions) == (0, {})


@pytest.mark.parametrize("what", ["catch up", "recheck", "check"])
def test_a_store_that_does_not_answer_ends_nothing_and_is_asked_again(what: str) -> None:
    desk = Desk()
    stream = desk.open()
    desk.results[what] = DOWN
    for _ in range(2):
        is_over, done = desk.look(stream)
        assert (is_over, repr(what) in str(done)) == (False, True)
    desk.results[what] = {"catch up": True, "recheck": True, "check": 2000}[what]
    assert desk.look(stream) == (False, FIRST if what != "catch up" else FIRST[:2])


@pytest.mark.parametrize(("now", "is_over"), [(1999, False), (2000, True)])
@pytest.mark.parametrize("error", [DOWN, ValueError("a fault")])
def test_a_check_that_fails_ends_a_session_that_is_idle(error: Exception, now: int, *, is_over: bool) -> None:
    desk = Desk()
    stream = desk.open()
    desk.now, desk.results["check"] = now, error
    if isinstance(error, GateError):
        assert desk.look(stream)[0] is is_over
    else:
        with pytest.raises(ValueError, match="a fault"):
            desk.look(stream)
    assert (stream._session.is_over, stream._session.is_due) == (is_over, True)


def test_an_idle_end_is_moved_by_what_is_known_and_never_back() -> None:
    desk = Desk()
    stream = desk.open(idle=3000)
    assert stream._session.idle_ends_at == 3000
    desk.open(idle=2500)
    assert stream._session.idle_ends_at == 3000
    desk.open(idle=3500)
    assert stream._session.idle_ends_at == 3500
    desk.results["check"] = 3400
    desk.look(stream)
    assert stream._session.idle_ends_at == 3500
    desk.results["check"] = 3600
    desk.streams.ended(None)
    desk.look(stream)
    assert stream._session.idle_ends_at == 3600
    for given, expected in ((3599, 3600), (3700, 3700)):
        desk.streams.renewed("s", given)
        assert stream._session.idle_ends_at == expected


def test_the_newest_stream_says_how_its_session_is_checked() -> None:
    desk = Desk()
    stream = desk.open()
    desk.streams.open(Lifetime("s", 9000, 2000), lambda: desk._doing("check", "newer"))
    assert desk.look(stream) == (False, ["catch up", ("check", "newer")])


def test_without_a_store_there_are_no_ends_to_report() -> None:
    desk = Desk(reports=False)
    assert desk.look(desk.open()) == (False, FIRST[1:])


class TestAllSessions:
    """What the thread does once a second."""

    def test_every_session_is_checked_at_one_time(self) -> None:
        desk = Desk()
        desk.open("a")
        desk.open("b")
        assert desk.pass_by() == [
            "catch up",
            ("recheck", "a", 1000),
            ("check", "a"),
            ("recheck", "b", 1000),
            ("check", "b"),
        ]
        assert desk.pass_by() == ["catch up", ("recheck", "a", 1000), ("recheck", "b", 1000)]

    @pytest.mark.parametrize("what", ["catch up", "check"])
    def test_a_store_that_does_not_answer_is_asked_once_and_ends_only_what_is_idle(self, what: str) -> None:
        desk = Desk()
        opened = [desk.open("a", idle=5000), desk.open("b", idle=5000), desk.open("c")]
        desk.now, desk.results[what] = 2000, DOWN
        done = desk.pass_by()
        checks = [each for each in done if each[0] == "check"]  # type: ignore[index]
        assert (done[0], checks) == ("catch up", [] if what == "catch up" else [("check", "a")])
        assert [stream._session.is_over for stream in opened] == [False, False, True]
        assert [stream._session.is_due for stream in opened[:2]] == [True, True]

    def test_a_fault_is_in_the_log_and_the_others_are_checked(self, caplog: pytest.LogCaptureFixture) -> None:
        desk = Desk()
        desk.open("a")
        other = desk.open("b")
        desk.results["recheck"] = ValueError("a fault")
        assert desk.pass_by() == ["catch up", ("recheck", "a", 1000), ("recheck", "b", 1000)]
        message = "an open stream could not be checked: an error in oidc_gate"
        assert caplog.record_tuples == [("oidc_gate", logging.ERROR, message)] * 2
        assert all(record.exc_info for record in caplog.records)
        assert other._session.is_over is False


def test_the_thread_keeps_no_process_alive_and_is_started_once(started: list[RESULT]) -> None:
    desk = Desk()
    desk.open()
    assert started == []
    opened = [desk.open(wake=lambda: None) for _ in range(2)]
    assert started == [{"target": desk.streams._watch, "name": "oidc_gate-streams", "daemon": True}]
    for stream in opened:
        stream.close()
    desk.streams._watch()
    assert desk.streams._is_watching is False, "the stream that is left asks for itself"
    desk.open(wake=lambda: None)
    assert len(started) == 2


def test_it_waits_a_second_or_until_something_happens(
    started: list[RESULT], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    stream = desk.open(wake=lambda: None)
    waits: list[float] = []

    class Signal(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(-1.0 if timeout is None else timeout)
            if len(waits) == 3:
                stream.close()
            return self.is_set()

    monkeypatch.setattr(desk.streams, "_wake_up", signal := Signal())
    signal.set()
    desk.streams._watch()
    assert (waits, signal.is_set()) == ([1.0, 1.0, 1.0], False)
    assert desk.done == [*FIRST, *FIRST[:2]]
    desk.streams.ended(None)
    assert signal.is_set()
    signal.clear()
    desk.open()
    assert signal.is_set()

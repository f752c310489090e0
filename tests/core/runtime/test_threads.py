"""Lanes: how many go out at once, how many wait, for how long, and when a refused request should come again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Any

import anyio
import pytest

from oidc_gate.effects import Lane
from oidc_gate.errors import QueueFull
from oidc_gate.runtime import threads
from oidc_gate.runtime.loops import enter, in_thread
from oidc_gate.runtime.threads import (
    MAX_PLACES,
    MAX_WAITING,
    THREAD_SEEN_SECONDS,
    BoundedLane,
    Place,
    ServerThreads,
    Waiter,
)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def lane_of(kind: Lane, wait_seconds: float = 20.0, clock: Callable[[], float] | None = None) -> BoundedLane:
    clock = clock or time.monotonic
    return BoundedLane(kind, ServerThreads(clock), wait_seconds=wait_seconds, clock=clock)


def take(lane: BoundedLane) -> Place:
    """Take a place as a request on an event loop does."""
    return lane.place_of(lane.enqueue(lambda: None, is_first=True))


def elsewhere(call: Callable[[], Any]) -> Future[Any]:
    """Call in a thread that then stays, as a server's does."""
    result: Future[Any] = Future()

    def work() -> None:
        try:
            result.set_result(call())
        except Exception as error:
            result.set_exception(error)
        threading.Event().wait(60)

    threading.Thread(target=work, daemon=True).start()
    return result


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- event loops ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
@pytest.mark.parametrize("which", list(Lane))
def test_no_more_than_the_places_are_taken_on_loops_and_all_in_line_get_one(kind: str, which: Lane) -> None:
    lane, limit = lane_of(which), MAX_PLACES[which]
    running, most, served = 0, 0, 0
    full = threading.Event()

    async def one() -> None:
        nonlocal running, most, served
        place = await enter(lane)
        running += 1
        most = max(most, running)
        if running == limit:
            full.set()
        assert await in_thread(lambda: full.wait(20))
        running -= 1
        served += 1
        place.leave()

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(limit + 20):
                group.start_soon(one)

    anyio.run(crowd, backend=kind)
    assert (most, served) == (limit, limit + 20)
    assert (lane._places, len(lane._queue)) == ([], 0)


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_a_line_that_is_full_refuses_at_once_and_one_that_does_not_move_in_time(kind: str) -> None:
    lane = lane_of(Lane.PUSHED, wait_seconds=0.3)
    refused: list[tuple[str, bool]] = []

    async def one() -> None:
        started = time.monotonic()
        try:
            await enter(lane)
        except QueueFull as error:
            refused.append((error.code, time.monotonic() - started >= 0.3))

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(MAX_PLACES[Lane.PUSHED] + MAX_WAITING[Lane.PUSHED]):
                group.start_soon(one)
            await anyio.sleep(0.05)
            await one()
            assert len(refused) == 1

    anyio.run(crowd, backend=kind)
    assert refused == [
        ("sign_in_line_full", False),
        *[("sign_in_line_full", True)] * MAX_WAITING[Lane.PUSHED],
    ]
    assert len(lane._queue) == 0


def test_a_step_that_had_a_place_before_is_not_refused_by_a_full_queue() -> None:
    lane = lane_of(Lane.PUSHED)
    waiters = [
        lane.enqueue(lambda: None, is_first=True)
        for _ in range(MAX_PLACES[Lane.PUSHED] + MAX_WAITING[Lane.PUSHED])
    ]
    with pytest.raises(QueueFull):
        lane.enqueue(lambda: None, is_first=True)
    last = lane.enqueue(lambda: None, is_first=False)
    for waiter in waiters:
        lane.place_of(waiter).leave()
    assert lane.place_of(last)


def test_one_whose_loop_is_closed_passes_its_place_on() -> None:
    lane, woken = lane_of(Lane.PUSHED), []

    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    places = [take(lane) for _ in range(MAX_PLACES[Lane.PUSHED])]
    lane.enqueue(closed, is_first=True)
    last: Waiter = lane.enqueue(lambda: woken.append("last"), is_first=True)
    places[0].leave()
    assert (woken, last.place is not None) == (["last"], True)


# --- threads of a WSGI server -----------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thread wait for longer than half a second, on a machine that is busy."""
    monkeypatch.setattr(threads, "MAX_THREAD_WAIT_SECONDS", 20.0)


def seen(lane: BoundedLane, number: int) -> None:
    """Let the lane have seen this many threads, the calling one included."""
    lane._threads._seen = {-ident: lane._clock() for ident in range(1, number)}


@pytest.fixture
def known_threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the lanes take each call after this function for one of another thread, which they have seen before.

    `seen` counts the calling thread, which there is none of here.
    """
    idents = count(-1_000, -1)

    def switch() -> None:
        ident = next(idents)
        monkeypatch.setattr(threads, "get_ident", lambda: ident)

    monkeypatch.setattr(ServerThreads, "see", lambda self: True)
    return switch


@pytest.mark.parametrize(
    ("which", "number", "out", "waiting"),
    [
        (Lane.PROVIDER, 1, 1, 1),
        (Lane.PROVIDER, 2, 1, 1),
        (Lane.PROVIDER, 3, 1, 1),
        (Lane.PROVIDER, 4, 2, 1),
        (Lane.PROVIDER, 8, 4, 2),
        (Lane.PROVIDER, 16, 8, 4),
        (Lane.PROVIDER, 100, 16, 59),
        (Lane.PUSHED, 3, 1, 0),
        (Lane.PUSHED, 4, 1, 1),
        (Lane.PUSHED, 16, 4, 4),
    ],
)
def test_one_thread_in_four_is_left_alone(
    which: Lane, number: int, out: int, waiting: int, known_threads: Callable[[], None]
) -> None:
    lane = lane_of(which, clock=Clock())
    seen(lane, number + 1)
    waiters = []
    for _ in range(out + waiting):
        known_threads()
        waiters.append(lane._enqueue_thread(lambda: None, is_first=True))
    assert [waiter.place is not None for waiter in waiters] == [True] * out + [False] * waiting
    known_threads()
    with pytest.raises(QueueFull):
        lane._enqueue_thread(lambda: None, is_first=True)
    for waiter in waiters:
        lane.withdraw(waiter)
    assert (lane._threads.held, lane._places, len(lane._queue)) == (0, [], 0)


def test_the_lanes_to_the_provider_share_the_threads_and_a_store_needs_none_of_them(
    known_threads: Callable[[], None],
) -> None:
    server = ServerThreads()
    lanes = {kind: BoundedLane(kind, server, wait_seconds=1) for kind in Lane}
    seen(lanes[Lane.PROVIDER], 5)
    for kind in (Lane.PROVIDER, Lane.PROVIDER, Lane.PUSHED):
        known_threads()
        assert lanes[kind].enter()
    known_threads()
    for kind in (Lane.PUSHED, Lane.PROVIDER):
        with pytest.raises(QueueFull):
            lanes[kind].enter()
    for _ in range(4):
        assert lanes[Lane.STORE].enter()


def test_a_thread_that_is_held_already_is_one_thread_and_may_enter_another_lane(
    known_threads: Callable[[], None],
) -> None:
    """Before, it counted twice, so that the first sign-ins of a process were refused without a request under way."""
    server = ServerThreads()
    lanes = {kind: BoundedLane(kind, server, wait_seconds=1) for kind in Lane}
    seen(lanes[Lane.PROVIDER], 5)
    for _ in range(2):
        known_threads()
        place = lanes[Lane.PROVIDER].enter()
    known_threads()
    waiter = lanes[Lane.PROVIDER]._enqueue_thread(lambda: None, is_first=True)
    assert server.is_short()
    pushed = lanes[Lane.PUSHED].enter()
    assert server.held == 3
    known_threads()
    with pytest.raises(QueueFull):
        lanes[Lane.PUSHED].enter()
    pushed.leave()
    assert server.held == 3, "it is held as long as it has one place"
    lanes[Lane.PROVIDER].withdraw(waiter)
    assert server.held == 2
    place.leave()
    assert server.held == 1


def test_threads_that_were_not_seen_for_a_while_do_not_count() -> None:
    clock = Clock()
    server = ServerThreads(clock)
    assert [elsewhere(server.see).result(20) for _ in range(3)] == [False] * 3
    assert (server.see(), server.see(), server.count) == (False, True, 4)
    clock.now += THREAD_SEEN_SECONDS
    assert (server.see(), server.count) == (False, 1)


def test_the_first_requests_of_a_worker_show_how_many_threads_there_are(patient: None) -> None:
    """Each new thread may wait: the server has more of them than the lane knew."""
    lane = lane_of(Lane.PROVIDER)
    jobs = []
    for number in range(1, 9):
        jobs.append(elsewhere(lane.enter))
        eventually(lambda number=number: len(lane._places) + len(lane._queue) == number)  # type: ignore[misc]
    assert (len(lane._places), len(lane._queue)) == (4, 4)
    places = iter([job.result(20) for job in jobs[:4]])
    for job in jobs[4:]:
        next(places).leave()
        assert isinstance(job.result(20), Place)


def test_what_takes_its_time_without_the_provider_is_done_before_a_place_is_taken() -> None:
    places: list[int] = []
    lane = BoundedLane(
        Lane.PROVIDER,
        ServerThreads(),
        wait_seconds=1,
        prepare=lambda: places.append(len(lane._places) + lane._threads.count),
    )
    lane.enter()
    assert places == [0]


def test_a_thread_waits_for_young_work_and_gets_its_place(patient: None) -> None:
    lane = lane_of(Lane.PROVIDER)
    first = elsewhere(lane.enter).result(20)
    second = elsewhere(lane.enter)
    eventually(lambda: len(lane._queue) == 1)
    first.leave()
    assert isinstance(second.result(20), Place)


def test_a_thread_does_not_wait_for_old_work() -> None:
    clock = Clock()
    lane = lane_of(Lane.PROVIDER, clock=clock)
    take(lane)
    seen(lane, 3)
    clock.now += 0.5
    with pytest.raises(QueueFull):
        lane.enter()
    assert (len(lane._queue), lane._threads.held) == (0, 0)


def test_a_thread_that_waits_gives_up_when_the_work_grows_old() -> None:
    lane = lane_of(Lane.PROVIDER)
    elsewhere(lane.enter).result(20)
    with pytest.raises(QueueFull):
        elsewhere(lane.enter).result(20)
    assert (len(lane._queue), lane._threads.held) == (0, 1)


def test_a_thread_whose_step_had_a_place_before_waits_for_old_work_too() -> None:
    lane = lane_of(Lane.PROVIDER)
    first = elsewhere(lane.enter).result(20)
    again = elsewhere(lambda: lane.enter(is_first=False))
    with pytest.raises(QueueFull):
        elsewhere(lane.enter).result(20)
    assert not again.done()
    first.leave()
    assert isinstance(again.result(20), Place)


def test_greenlets_wait_in_a_line_as_long_as_on_a_loop() -> None:
    script = """
from gevent import monkey; monkey.patch_all()
import gevent
from tests.core.runtime.test_threads import lane_of
from oidc_gate.effects import Lane
lane, running, most = lane_of(Lane.PROVIDER), 0, 0
def one():
    global running, most
    place = lane.enter()
    running += 1
    most = max(most, running)
    gevent.sleep(0.01)
    running -= 1
    place.leave()
gevent.joinall([gevent.spawn(one) for _ in range(100)], raise_error=True)
print(most)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.stdout == f"{MAX_PLACES[Lane.PROVIDER]}\n", done.stderr


# --- when to come again -----------------------------------------------------------------------------


def test_refused_requests_come_again_one_after_another_as_fast_as_places_become_free() -> None:
    clock = Clock()
    lane = lane_of(Lane.PUSHED, clock=clock)
    for _ in range(50):
        places = [take(lane) for _ in range(4)]
        clock.now += 0.4
        for place in places:
            place.leave()
    waiters = [lane.enqueue(lambda: None, is_first=True) for _ in range(4 + MAX_WAITING[Lane.PUSHED])]

    def refusal() -> float:
        with pytest.raises(QueueFull) as caught:
            lane.enqueue(lambda: None, is_first=True)
        return caught.value.retry_after_seconds

    turns = [refusal() for _ in range(200)]
    assert turns[0] == pytest.approx(0.5)
    assert turns[10] - turns[0] == pytest.approx(1.0)
    assert max(turns) == turns[-1] == pytest.approx(10.0)
    assert len(waiters) == 68


@pytest.mark.parametrize(("out", "apart"), [(0, 0.6), (1, 0.6), (2, 0.3), (3, 0.2)])
def test_refused_requests_come_again_as_far_apart_as_places_become_free(out: int, apart: float) -> None:
    lane = lane_of(Lane.PUSHED, clock=Clock())
    for _ in range(out):
        take(lane)
    lane._typical_seconds = 0.6
    turns = [lane._refusal("a limit").retry_after_seconds for _ in range(3)]
    assert turns == pytest.approx([0.5, 0.5 + apart, 0.5 + 2 * apart])


@pytest.mark.parametrize(
    ("which", "code", "message"),
    [
        (Lane.PROVIDER, "sign_in_line_full", "Many users are signing in at the moment."),
        (Lane.PUSHED, "sign_in_line_full", "Many users are signing in at the moment."),
        (Lane.STORE, "store_line_full", "This service is very busy at the moment."),
    ],
)
def test_the_refusal_says_which_line_is_full(which: Lane, code: str, message: str) -> None:
    lane = lane_of(which)
    for _ in range(MAX_PLACES[which] + MAX_WAITING[which]):
        lane.enqueue(lambda: None, is_first=True)
    with pytest.raises(QueueFull) as caught:
        lane.enqueue(lambda: None, is_first=True)
    assert (caught.value.code, caught.value.status, caught.value.public_message) == (code, 503, message)
    expected = (
        f"{which.value}: {MAX_PLACES[which]} under way, {MAX_WAITING[which]} waiting: the queue is full"
    )
    assert caught.value.detail == expected


@pytest.mark.parametrize(
    ("which", "number", "before", "why"),
    [
        (
            Lane.PROVIDER,
            4,
            3,
            "provider: 2 under way, 1 waiting: 3 of 4 known threads of the server wait, and one in four stays free",
        ),
        (
            Lane.PUSHED,
            4,
            2,
            "pushed: 1 under way, 1 waiting: pushed requests may hold half of the 4 known threads of the server",
        ),
    ],
)
def test_the_refusal_says_which_limit_of_threads_was_reached(
    which: Lane, number: int, before: int, why: str, known_threads: Callable[[], None]
) -> None:
    lane = lane_of(which, clock=Clock())
    seen(lane, number + 1)
    for _ in range(before):
        known_threads()
        lane._enqueue_thread(lambda: None, is_first=True)
    known_threads()
    with pytest.raises(QueueFull) as caught:
        lane._enqueue_thread(lambda: None, is_first=True)
    assert caught.value.detail == why


def test_the_refusal_says_that_no_place_became_free() -> None:
    lane = lane_of(Lane.PROVIDER, wait_seconds=0.01)
    for _ in range(MAX_PLACES[Lane.PROVIDER]):
        take(lane)
    waiter = lane.enqueue(lambda: None, is_first=True)
    with pytest.raises(QueueFull) as caught:
        lane.place_of(waiter)
    assert caught.value.detail == "provider: 16 under way, 0 waiting: no place became free in time"


# --- the threads of a server ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "held", "is_short"),
    [
        *((0, 1, False), (0, 2, True), (1, 2, True), (2, 1, False), (2, 2, True)),
        *((3, 1, False), (3, 2, True), (4, 2, False), (4, 3, True), (7, 5, False), (7, 6, True)),
        *((8, 5, False), (8, 6, True), (100, 74, False), (100, 75, True)),
    ],
)
def test_few_threads_are_left(known: int, held: int, *, is_short: bool) -> None:
    server = ServerThreads(Clock())
    server._seen = dict.fromkeys(range(known), 1_000.0)
    for thread in range(held):
        server.hold(thread)
    assert (server.count, server.is_short()) == (known, is_short)


def test_a_thread_that_waits_for_its_client_is_held_if_there_are_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ServerThreads(Clock())
    idents = count(1)
    monkeypatch.setattr(threads, "get_ident", lambda: next(idents))
    with server.holding() as first:
        with server.holding() as second:
            with server.holding() as third:
                assert (first, second, third, server.held) == (True, True, False, 2)
            assert server.held == 2
        assert server.held == 1
    assert server.held == 0


def test_a_thread_that_is_held_twice_is_one_thread_until_it_is_released_twice() -> None:
    server = ServerThreads(Clock())
    assert not server.holds_current()
    thread = threading.get_ident()
    server.hold(thread)
    server.hold(thread)
    assert (server.held, server.holds_current()) == (1, True)
    server.release(thread)
    assert (server.held, server.holds_current()) == (1, True)
    server.release(thread)
    assert (server.held, server.holds_current()) == (0, False)


@pytest.mark.parametrize(("age", "count", "known"), [(0.0, 1, True), (299.9, 1, True), (300.0, 1, False)])
def test_a_thread_is_known_for_five_minutes(age: float, count: int, *, known: bool) -> None:
    clock = Clock()
    server = ServerThreads(clock)
    assert server.see() is False
    clock.now += age
    assert (server.see(), server.count) == (known, count)


def test_the_load_of_a_lane() -> None:
    lane = lane_of(Lane.PUSHED, clock=Clock())
    assert lane.load() == (0, 0)
    places = [lane.take() for _ in range(MAX_PLACES[Lane.PUSHED])]
    assert all(places)
    assert (lane.take(), lane.load()) == (None, (4, 0))
    waiter = lane.enqueue(lambda: None, is_first=True)
    assert (waiter.place, lane.load()) == (None, (4, 1))
    assert places[0] is not None
    places[0].leave()
    assert (waiter.place is not None, lane.load()) == (True, (4, 0))
    lane.withdraw(waiter)
    assert lane.load() == (3, 0)


def test_who_comes_later_does_not_pass_one_that_waits() -> None:
    lane = lane_of(Lane.PUSHED, clock=Clock())
    lane._queue.append(Waiter(lambda: None))
    assert (lane.take(), lane.load()) == (None, (0, 1))


def test_the_lanes_of_a_gate() -> None:
    prepared: list[int] = []
    shared = ServerThreads()
    lanes = threads.make_lanes(5.0, lambda: prepared.append(1), shared)
    found = {
        lane: (bounded._lane, bounded.wait_seconds, bounded.is_brief, bounded._prepare is not None)
        for lane, bounded in lanes.items()
    }
    assert found == {
        Lane.PROVIDER: (Lane.PROVIDER, 5.0, False, True),
        Lane.PUSHED: (Lane.PUSHED, 5.0, False, True),
        Lane.STORE: (Lane.STORE, 0.4, True, False),
    }
    assert all(bounded._threads is shared for bounded in lanes.values())
    assert threads.make_lanes(0.1)[Lane.STORE].wait_seconds == 0.1


def test_the_numbers_of_places_and_of_requests_that_wait() -> None:
    assert threads.MAX_PLACES == {Lane.PROVIDER: 16, Lane.PUSHED: 4, Lane.STORE: 16}
    assert threads.MAX_WAITING == {Lane.PROVIDER: 256, Lane.PUSHED: 64, Lane.STORE: 256}


def test_the_typical_time_follows_the_newest_ones() -> None:
    clock = Clock()
    lane = lane_of(Lane.PUSHED, clock=clock)
    for _ in range(2):
        place = take(lane)
        clock.now += 1.3
        place.leave()
    # 0.3, and then twice a fifth of the way to 1.3
    assert lane._typical_seconds == pytest.approx(0.66)


class Interrupted(BaseException):
    """What ends a greenlet, or a signal handler raises."""


@pytest.mark.parametrize("is_cheap", [True, False])
def test_a_thread_that_is_interrupted_while_it_waits_leaves_the_queue(
    monkeypatch: pytest.MonkeyPatch, is_cheap: bool
) -> None:
    """Otherwise the next free place would be given to it, and nobody would leave that place."""

    def interrupted(event: threading.Event, timeout: float | None = None) -> bool:
        raise Interrupted

    lane = lane_of(Lane.PROVIDER)
    places = [take(lane) for _ in range(MAX_PLACES[Lane.PROVIDER])]
    monkeypatch.setattr(threads, "_is_waiting_cheap", lambda: is_cheap)
    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(Interrupted):
        lane.enter()
    assert (lane.load(), lane._threads.held) == ((len(places), 0), 0)

"""The two drivers: who performs what, and in which thread."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from oidc_gate import effects
from oidc_gate.effects import Effect, Fetch, Fetched, Now, ReadBody, Step, arun, run
from oidc_gate.runtime.threads import off_loop

FETCH = Fetch("GET", "https://op.example/")


class World:
    """Answers, and notes in which thread."""

    def __init__(self) -> None:
        self.performed: list[tuple[str, bool]] = []
        self.loop = threading.get_ident()

    def blocks(self, effect: Effect) -> bool:
        return isinstance(effect, Fetch)

    def perform(self, effect: Effect) -> Any:
        self.note(type(effect).__name__)
        if isinstance(effect, Fetch) and effect.method == "POST":
            raise ConnectionError("away")
        return Fetched(200, {}, b"fetched") if isinstance(effect, Fetch) else 7

    def note(self, what: str) -> None:
        self.performed.append((what, threading.get_ident() == self.loop))


def story(world: World) -> Step[str]:
    now = yield from effects.now()
    body = yield from effects.read_body(10)
    fetched = yield from effects.fetch(FETCH)
    world.note("check")
    now += yield from effects.now()
    yield from effects.fetch(FETCH)
    body += yield from effects.read_body(10)
    now += yield from effects.now()
    return f"{now} {body.decode()} {fetched.body.decode()}"


def driven(kind: str, step: Step[Any], world: World) -> Any:
    def read(limit: int) -> bytes:
        world.note("read")
        return b"body"

    async def aread(limit: int) -> bytes:
        await anyio.sleep(0)
        return read(limit)

    if kind == "threads":
        return run(step, world, read)

    async def main() -> Any:
        world.loop = threading.get_ident()
        return await arun(step, world, aread, off_loop)

    return anyio.run(main, backend=kind)


@pytest.mark.parametrize("kind", ["threads", "asyncio", "trio"])
def test_a_step_is_driven_to_its_end(kind: str) -> None:
    world = World()
    assert driven(kind, story(world), world) == "21 bodybody fetched"


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_what_follows_a_blocking_effect_goes_on_off_the_loop_until_the_body_is_wanted(kind: str) -> None:
    world = World()
    driven(kind, story(world), world)
    assert world.performed == [
        ("Now", True),
        ("read", True),
        ("Fetch", False),
        ("check", False),
        ("Now", False),
        ("Fetch", False),
        ("read", True),
        ("Now", True),
    ]


@pytest.mark.parametrize("kind", ["threads", "asyncio", "trio"])
def test_a_failure_is_raised_at_the_yield(kind: str) -> None:
    def fails() -> Step[str]:
        try:
            yield from effects.fetch(Fetch("POST", "https://op.example/"))
        except ConnectionError as error:
            yield Now()
            return str(error)
        raise AssertionError

    assert driven(kind, fails(), World()) == "away"


@pytest.mark.parametrize("kind", ["threads", "asyncio", "trio"])
@pytest.mark.parametrize("after", [(), (FETCH,)])
def test_an_error_of_the_step_leaves_the_driver(kind: str, after: tuple[Effect, ...]) -> None:
    def breaks() -> Step[str]:
        if after:
            yield after[0]
        raise KeyError("broken")

    with pytest.raises(KeyError):
        driven(kind, breaks(), World())


@pytest.mark.parametrize("kind", ["threads", "asyncio", "trio"])
def test_a_body_that_cannot_be_read_is_told_to_the_step(kind: str) -> None:
    class Gone(World):
        def note(self, what: str) -> None:
            if what == "read":
                raise OSError("gone")

    def reads() -> Step[str]:
        try:
            yield ReadBody(5)
        except OSError as error:
            return str(error)
        raise AssertionError

    assert driven(kind, reads(), Gone()) == "gone"

"""A process that has just started, to which many visitors come back from the provider at once.

The gate knows few of the server's threads then. No visitor may see an error page: whoever gets no place sees the page
that tries again by itself, and a script gets 503 with ``Retry-After``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from oidc_gate.testing import Client, Fault, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.servers import serving
from tests.real.test_slow_provider import Answer, Browser

PROVIDER_SECONDS = 0.2


class Visitor(Browser):
    """Keeps what it was shown."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.shown: list[Answer] = []

    def open(self, target: str, port: int | None = None) -> Answer:
        answer = super().open(target, port)
        self.shown.append(answer)
        return answer


@dataclass
class Process:
    """A process of gunicorn that can be started again and again, and the visitors of its site."""

    op: TestProvider
    start: Callable[[], AbstractContextManager[Server]]
    user: Visitor
    crowd: list[Visitor]


@contextmanager
def process(directory: Path, threads: int, visitors: int) -> Iterator[Process]:
    port = free_port()
    url = f"http://localhost:{port}"
    registered = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[f"{url}{CALLBACK}"])
    ada = Person(sub="ada", email="ada@example.com", email_verified=True, name="Ada")
    with TestProvider(clients=[registered], people=[ada], auto_login="ada") as op:
        start = partial(
            serving,
            "gunicorn-gthread",
            "tests.real.wrapped:wsgi",
            directory=directory,
            env=gate_environment(op.issuer, url, provider_timeout_seconds="60"),
            port=port,
            options=(f"--threads={threads}",),
            ready_path="/oauth2/ping",
        )
        found = Process(op, start, Visitor(port), [Visitor(port) for _ in range(visitors)])
        with start():
            assert found.user.sign_in() == ""
        yield found


def all_at_once(process: Process, targets: list[str]) -> None:
    """Send every visitor on in the first second of a process, beside a user who is signed in."""
    with process.start(), ThreadPoolExecutor(len(targets)) as pool:
        ends = [
            pool.submit(visitor.sign_in, target)
            for visitor, target in zip(process.crowd, targets, strict=True)
        ]
        pages = [process.user.open("/page").status]
        while not all(end.done() for end in ends):
            pages.append(process.user.open("/page").status)
            time.sleep(0.2)
    assert [end.result() for end in ends] == [""] * len(targets)
    assert set(pages) == {200}


def waited(process: Process) -> int:
    """Return how often a visitor saw the page that tries again by itself. There may be no other page."""
    shown = [answer for visitor in process.crowd for answer in visitor.shown if answer.status != 302]
    assert {(answer.status, answer.wait_seconds is not None) for answer in shown} <= {(503, True)}
    assert all("sign_in_line_full" in answer.text for answer in shown)
    return len(shown)


@pytest.mark.parametrize(("threads", "visitors"), [(4, 40), (16, 100)])
def test_all_who_come_back_in_the_first_second_are_signed_in(
    threads: int, visitors: int, tmp_path: Path
) -> None:
    with process(tmp_path, threads, visitors) as place:
        with place.start():
            backs = [visitor.begin() for visitor in place.crowd]
        for visitor in place.crowd:
            visitor.shown.clear()
        place.op.misbehave(Fault.SLOW, at="token", seconds=PROVIDER_SECONDS)
        all_at_once(place, backs)
        assert waited(place), "more came than there are threads"


@pytest.mark.parametrize(("threads", "visitors"), [(4, 40), (16, 100)])
def test_all_who_begin_in_the_first_second_are_signed_in(threads: int, visitors: int, tmp_path: Path) -> None:
    with process(tmp_path, threads, visitors) as place:
        place.op.misbehave(Fault.SLOW, at="token", seconds=PROVIDER_SECONDS)
        all_at_once(place, ["/oauth2/start?rd=/page"] * visitors)
        assert waited(place), "more came than there are threads"


@pytest.mark.parametrize("endpoint", ["discovery", "par"])
def test_a_user_is_served_in_the_first_second_although_the_provider_hangs(
    endpoint: str, tmp_path: Path
) -> None:
    """A step that holds its thread for discovery may wait for a pushed request, but not for long."""
    with process(tmp_path, 4, 100) as place, ThreadPoolExecutor(100) as pool:
        place.op.misbehave(Fault.HANGS, at=endpoint)
        with place.start():
            starts = [pool.submit(visitor.open, "/oauth2/start?rd=/page") for visitor in place.crowd]
            pages = []
            for _ in range(20):
                pages.append(place.user.open("/page"))
                time.sleep(0.1)
            refused = [start.result() for start in starts if start.done()]
    assert [page.status for page in pages] == [200] * 20
    assert {answer.status for answer in refused} == {503}
    assert all("sign_in_line_full" in answer.text for answer in refused), "the pages came before any time-out"

"""A process that has just started, to which many visitors come back from the provider at once.

The gate knows few of the server's threads then. No visitor may see an error page: whoever gets no place sees the page
that tries again by itself, and a script gets 503 with ``Retry-After``.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from oidc_gate.testing import Client, Fault, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, gate_environment
from tests.real.ports import free_port
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


@pytest.mark.parametrize(("threads", "visitors"), [(4, 40), (16, 100)])
def test_all_who_come_back_in_the_first_second_are_signed_in(
    threads: int, visitors: int, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    registered = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[f"{url}{CALLBACK}"])
    ada = Person(sub="ada", email="ada@example.com", email_verified=True, name="Ada")
    crowd, user = [Visitor(port) for _ in range(visitors)], Visitor(port)
    with (
        TestProvider(clients=[registered], people=[ada], auto_login="ada") as op,
        ThreadPoolExecutor(visitors + 1) as pool,
    ):
        env = gate_environment(op.issuer, url, provider_timeout_seconds="20")
        start = partial(
            serving,
            "gunicorn-gthread",
            "tests.real.wrapped:wsgi",
            directory=tmp_path,
            env=env,
            port=port,
            options=(f"--threads={threads}",),
            ready_path="/oauth2/ping",
        )
        with start():
            assert user.sign_in() == ""
            backs = [visitor.begin() for visitor in crowd]
        for visitor in crowd:
            visitor.shown.clear()
        op.misbehave(Fault.SLOW, at="token", seconds=PROVIDER_SECONDS)
        with start():
            ends = [pool.submit(visitor.sign_in, back) for visitor, back in zip(crowd, backs, strict=True)]
            pages = [user.open("/page").status]
            while not all(end.done() for end in ends):
                pages.append(user.open("/page").status)
                time.sleep(0.2)
    assert [end.result() for end in ends] == [""] * visitors
    assert set(pages) == {200}
    shown = [answer for visitor in crowd for answer in visitor.shown if answer.status != 302]
    assert shown, "more came than there are threads"
    assert {(answer.status, answer.wait_seconds is not None) for answer in shown} == {(503, True)}
    assert all("sign_in_line_full" in answer.text for answer in shown)

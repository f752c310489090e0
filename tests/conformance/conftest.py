"""What every conformance test gets: a relying party over each shell; and docs/conformance.md, written by the run.

``OIDC_GATE_WRITE_CONFORMANCE=1`` writes the page, after a run of all of them in one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import report
from tests.conformance.driver import Party, closing
from tests.fast import interfaces

HERE = Path(__file__).parent
MakeParty = Callable[..., Party]


@pytest.fixture(params=interfaces(("wsgi", "asyncio")))
def make_party(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[MakeParty]:
    """Build a relying party and its provider: `client` and `provider` differ from the ordinary, settings too."""
    with ExitStack() as stack:

        def make(client: Any = None, provider: Any = None, **settings: Any) -> Party:
            record = request.node.user_properties
            made = Party(
                request.param, caplog, record, client=client or {}, provider=provider or {}, **settings
            )
            return stack.enter_context(closing(made))

        yield make


@pytest.fixture
def party(make_party: MakeParty) -> Party:
    """Give the ordinary relying party: a secret, Basic, PKCE, everything else as it comes."""
    return make_party()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    if item.path.is_relative_to(HERE):
        report.seen(item.path.stem, outcome)  # type: ignore[arg-type]
    return outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("OIDC_GATE_WRITE_CONFORMANCE") == "1":
        report.write()

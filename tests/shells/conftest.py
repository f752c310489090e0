"""Every test that takes `site` runs over each shell, at the root, mounted, and with another prefix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fast import interfaces
from tests.shells.site import Shell, Site

PLACES = [("", "/oauth2"), ("/base", "/oauth2"), ("", "/-/gate")]
SHELLS = [Shell(kind, mount, prefix) for kind in ("wsgi", "asyncio", "trio") for mount, prefix in PLACES]
SHELLS_AT_THE_ROOT = [shell for shell in SHELLS if (shell.mount, shell.prefix) == PLACES[0]]
MakeSite = Callable[..., Site]


def name_of(shell: Shell) -> str:
    return f"{shell.kind}{shell.mount}:{shell.prefix}"


@pytest.fixture(params=interfaces(SHELLS), ids=name_of)
def shell(request: pytest.FixtureRequest) -> Shell:
    found: Shell = request.param
    return found


@pytest.fixture
def make_site(shell: Shell) -> MakeSite:
    """Build a site with settings of one's own."""

    def make(app: Any = None, **settings: Any) -> Site:
        return Site(shell, app, **settings)

    return make


@pytest.fixture
def site(shell: Shell) -> Site:
    return Site(shell, public_paths=("/open/*", "OPTIONS /*"))


@pytest.fixture(params=interfaces([shell for shell in SHELLS if shell.is_asgi]), ids=name_of)
def ashell(request: pytest.FixtureRequest) -> Shell:
    found: Shell = request.param
    return found

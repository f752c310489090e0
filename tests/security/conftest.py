"""Every test that takes `site` or `make_site` attacks a gate over both shells, through requests and cookies alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fast import interfaces
from tests.shells.site import Shell, Site

SHELLS = {"wsgi": Shell("wsgi", "", "/oauth2"), "asgi": Shell("asyncio", "", "/oauth2")}
MakeSite = Callable[..., Site]


@pytest.fixture(params=interfaces(sorted(SHELLS)))
def shell(request: pytest.FixtureRequest) -> Shell:
    return SHELLS[request.param]


@pytest.fixture
def make_site(shell: Shell) -> MakeSite:
    """Build a site with settings of one's own."""

    def make(app: Any = None, **settings: Any) -> Site:
        return Site(shell, app, **settings)

    return make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(public_paths=("/open/*",))


def from_peer(site: Site, address: str) -> dict[str, Any]:
    """What a shell is told when a connection comes from `address`."""
    return {"client": (address, 40000)} if site.shell.is_asgi else {"REMOTE_ADDR": address}

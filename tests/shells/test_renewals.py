"""Which requests renew a session, and what is kept of it in the cache of a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, Shell, Site, Visitor
from tests.shells.stores import Place
from tests.shells.test_stored_sessions import rows, signed_in
from tests.shells.test_websockets import connect


def kept(visitor: Visitor) -> Any:
    """Return what the process keeps of the session of a visitor."""
    return visitor.site.gate._runtime.gate.admissions.lookup(visitor.cookies[COOKIE])


def stored(shell: Shell, directory: Path) -> Site:
    place = Place("memory", directory)
    return Site(shell, store=place.open(), session_store=place.url)


def test_a_websocket_renews_a_session_in_a_store(ashell: Shell, tmp_path: Path) -> None:
    site = stored(ashell, tmp_path)
    visitor = signed_in(site)
    site.now += site.settings.session_idle_seconds - 1
    assert connect(visitor, "/socket").kind == "accepted"
    (row,) = rows(site)
    assert row.last_seen == site.now
    site.now += site.settings.session_idle_seconds - 1
    assert visitor.get("/").status == 200


def test_a_websocket_leaves_the_renewal_of_a_cookie_to_the_next_request(ashell: Shell) -> None:
    """No browser is sent a cookie with the answer to a handshake here, so the session stays due."""
    site = Site(ashell)
    visitor = site.person()
    site.now += site.settings.session_idle_seconds - 1
    assert connect(visitor, "/socket").kind == "accepted"
    assert kept(visitor) is None
    assert len(visitor.get("/").all("set-cookie")) == 1


def test_the_cookie_from_before_a_renewal_is_not_renewed_again_at_once(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.person()
    before = dict(visitor.cookies)
    site.now += site.settings.session_idle_seconds // 2
    renewed = []
    for later in (0, 1, 28, 1):
        site.now += later
        visitor.cookies = dict(before)
        answer = visitor.get("/")
        assert answer.status == 200
        renewed.append(len(answer.all("set-cookie")))
    assert renewed == [1, 0, 0, 1]


def test_a_session_from_a_store_is_kept_whole_once_it_is_read_again(
    make_site: MakeSite, tmp_path: Path
) -> None:
    place = Place("memory", tmp_path)
    site = make_site(store=place.open(), session_store=place.url)
    visitor = signed_in(site)
    assert visitor.get("/").status == 200
    assert kept(visitor).loaded is None
    assert visitor.ask("userinfo").status == 200
    assert kept(visitor).loaded.session.identity.subject == "alice"
    site.now += site.settings.session_idle_seconds // 2
    for _ in range(2):
        assert visitor.ask("auth").status == 202
        assert kept(visitor).loaded.session.last_seen == site.now
        assert visitor.ask("userinfo").status == 200


def test_a_session_in_a_cookie_is_never_kept_whole(make_site: MakeSite) -> None:
    visitor = make_site().person()
    for _ in range(2):
        assert visitor.get("/").status == 200
        assert visitor.ask("userinfo").status == 200
        assert kept(visitor).loaded is None


@pytest.mark.parametrize(("before", "is_renewed"), [(1, False), (0, True)])
def test_a_session_is_renewed_after_a_tenth_of_its_idle_time(
    make_site: MakeSite, before: int, is_renewed: bool
) -> None:
    site = make_site()
    visitor = site.person()
    site.now += site.settings.session_idle_seconds // 10 - before
    assert len(visitor.get("/").all("set-cookie")) == is_renewed

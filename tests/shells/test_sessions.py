"""A session is renewed by those who use it, and ends for everybody else: by a clock that the test moves."""

from __future__ import annotations

import hashlib

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site

IDLE, LIFETIME = 3600, 28800
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


def test_it_is_renewed_after_a_tenth_of_the_idle_time_by_one_cookie(site: Site) -> None:
    visitor = site.person()
    before = visitor.cookies[COOKIE]
    for seconds in (0, 1, IDLE / 10 - 1):
        site.now += seconds if seconds < 2 else IDLE / 10 - 2
        assert visitor.get("/").all("set-cookie") == []
    site.now += 1
    answer = visitor.get("/")
    (cookie,) = answer.all("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert f"Max-Age={LIFETIME - IDLE // 10};" in cookie
    assert answer.header("cache-control") == "private"
    assert visitor.cookies[COOKIE] != before
    assert visitor.get("/").all("set-cookie") == []
    assert site.app.identity is not None
    assert site.app.identity.session_id == "session of alice"


def test_the_old_cookie_goes_on_and_is_answered_with_a_new_one_now_and_then(site: Site) -> None:
    old = dict(site.person().cookies)
    site.now += IDLE / 10
    renewals = []
    for _ in range(61):  # a page that loads sixty things at once, and a proxy that hands no cookie on
        visitor = site.visitor()
        visitor.cookies = dict(old)
        renewals += visitor.get("/").all("set-cookie")
        site.now += 1
    assert len(renewals) == 3


def test_a_page_that_polls_userinfo_does_not_keep_the_session_from_being_renewed(site: Site) -> None:
    visitor = site.person()
    for _ in range(0, 2 * IDLE, 20):
        assert visitor.ask("userinfo", FETCH).status == 200
        site.now += 10
        assert visitor.get("/", FETCH).status == 200
        site.now += 10


@pytest.mark.parametrize(
    ("cache_control", "rides"),
    [
        (None, True),
        ("private, max-age=60", True),
        ("no-store", True),
        ("no-cache", True),
        ("max-age=0, must-revalidate", True),
        ("public", False),
        ("Public, max-age=60", False),
        ("s-maxage=60", False),
        ("max-age=0, s-maxage=60", False),
        ("public, max-age=0", False),
        ("max-age=60", False),
        ("max-age=60, immutable", False),
    ],
)
def test_it_rides_on_no_answer_that_a_shared_cache_may_keep(
    site: Site, cache_control: str | None, rides: bool
) -> None:
    visitor = site.person()
    if cache_control:
        site.app.headers = [*site.app.headers, ("Cache-Control", cache_control)]
    site.now += IDLE / 2
    answer = visitor.get("/")
    assert len(answer.all("set-cookie")) == rides
    assert answer.header("cache-control") == (cache_control or "private")


@pytest.mark.parametrize("method", METHODS)
def test_it_ends_by_idleness_for_every_method(make_site: MakeSite, method: str) -> None:
    site = make_site()
    visitor = site.person()
    site.now += IDLE - 1
    assert visitor.get("/").all("set-cookie") != []
    site.now += IDLE
    answer = visitor.send(method, "/")
    assert answer.status == 401
    assert len(site.app.seen) == 1
    if method == "GET":
        assert answer.json["code"] == "session_idle"


@pytest.mark.parametrize("method", METHODS)
def test_it_ends_after_eight_hours_however_busy_and_whatever_the_method(
    make_site: MakeSite, method: str
) -> None:
    site = make_site()
    visitor = site.person()
    for _ in range(15):
        site.now += IDLE / 2
        assert visitor.get("/").status == 200
    site.now += IDLE / 2 - 1
    assert visitor.get("/").status == 200
    site.now += 1
    answer = visitor.send(method, "/")
    assert answer.status == 401
    if method == "GET":
        assert answer.json["code"] == "session_expired"


def test_what_is_remembered_of_a_cookie_ends_with_its_session(make_site: MakeSite) -> None:
    site = make_site(session_lifetime_seconds=IDLE, session_idle_seconds=IDLE)
    visitor, old = site.person(), site.visitor()
    old.cookies = dict(visitor.cookies)
    site.now += IDLE - 2
    assert visitor.get("/").status == 200
    for _ in range(2):  # by the renewed cookie, and by the one that it was renewed from
        assert visitor.get("/").status == 200
        assert old.get("/").all("set-cookie") == []
    site.now += 1
    assert [visitor.get("/").status, old.get("/").status] == [200, 200]
    site.now += 1
    assert [visitor.get("/").status, old.get("/").status] == [401, 401]


def test_a_session_that_ended_is_asked_to_sign_in_and_comes_back(site: Site) -> None:
    visitor = site.person()
    site.now += IDLE
    answer = visitor.get("/reports?x=1", NAVIGATION)
    assert site.rd(site.start_link(answer)) == site.own("/reports?x=1")


def test_the_lifetime_of_the_settings_counts_at_once(make_site: MakeSite) -> None:
    visitor = make_site().person()
    site = make_site(session_lifetime_seconds=600, session_idle_seconds=600)
    stranger = site.visitor()
    stranger.cookies = visitor.cookies
    assert stranger.get("/").status == 200
    site.now += 600
    assert stranger.get("/").json["code"] in ("session_idle", "session_expired")


def test_expires_at_is_when_the_session_ends(make_site: MakeSite) -> None:
    before = make_site()
    visitor = before.person()
    assert visitor.get("/").status == 200
    assert before.app.identity is not None
    assert before.app.identity.expires_at == before.now + LIFETIME
    site = make_site(session_lifetime_seconds=600, session_idle_seconds=600)
    started, stranger = int(site.now), site.visitor()
    stranger.cookies = dict(visitor.cookies)
    for seconds in (0, 100, 499):  # the cookie as it was, and renewed
        site.now += seconds
        assert stranger.get("/").status == 200
        assert site.app.identity is not None
        assert site.app.identity.expires_at == started + 600
    site.now += 1
    assert stranger.get("/").json["code"] == "session_expired"


@pytest.mark.parametrize("number", [1, 70], ids=["one cookie", "two cookies"])
def test_a_cookie_of_the_browser_session_has_no_age_and_the_session_ends_all_the_same(
    make_site: MakeSite, number: int
) -> None:
    site = make_site(session_expires_at_browser_close=True)
    groups = [hashlib.sha256(b"%d" % each).hexdigest() for each in range(number)]
    site.provider.person = {"sub": "alice", "groups": groups}
    visitor = site.visitor()
    cookies = [each for each in visitor.sign_in().all("set-cookie") if each.startswith(COOKIE)]
    kept = [each for each in cookies if "Max-Age=0" not in each and ".rounds" not in each]
    assert len(kept) == (1 if number == 1 else 2)
    started = site.now
    for _ in range(14):
        site.now += IDLE / 2
        kept += visitor.get("/").all("set-cookie")
    assert len(kept) > 14
    assert not any("Max-Age" in each or "Expires" in each for each in kept)
    site.now = started + LIFETIME - 1
    assert visitor.get("/").status == 200
    site.now += 1
    assert visitor.get("/").json["code"] == "session_expired"


def test_a_session_from_the_future_is_none(site: Site) -> None:
    visitor = site.person()
    site.now -= 61
    assert visitor.get("/").json["code"] == "session_from_the_future"
    site.now += 1
    assert visitor.get("/").status == 200


def test_auth_hands_a_renewed_cookie_on_and_only_one(site: Site) -> None:
    visitor = site.person()
    site.now += IDLE / 10
    answer = visitor.ask("auth")
    assert answer.status == 202
    assert len(answer.all("set-cookie")) == 1
    assert visitor.ask("auth").all("set-cookie") == []


def test_a_large_session_takes_two_cookies_and_renews_by_one(make_site: MakeSite) -> None:
    site = make_site()
    groups = tuple(hashlib.sha256(b"%d" % number).hexdigest() for number in range(66))
    visitor = site.person(groups=groups)
    assert set(visitor.cookies) == {COOKIE, f"{COOKIE}.body"}
    assert visitor.get("/").status == 200
    assert site.app.identity is not None
    assert site.app.identity.groups == groups
    site.now += IDLE / 10
    (cookie,) = visitor.get("/").all("set-cookie")
    assert len(cookie) < 400
    assert visitor.get("/").status == 200
    del visitor.cookies[f"{COOKIE}.body"]
    site.gate._runtime.gate.components.cache.clear()
    assert visitor.get("/").json["code"] == "session_parts"

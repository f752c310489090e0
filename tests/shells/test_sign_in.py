"""The whole way: to the provider and back to the page that was asked for; and all that can come back instead."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_gate.errors import ProviderUnavailable
from oidc_gate.store.expiring_keys import MemoryKeys
from tests.core.provider.scripted import answer as answered
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.provider import ISSUER
from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Site, Visitor

HOSTILE = "<script>alert(1)</script>\"'\r\nSet-Cookie: a=b\x00\u202e" + "x" * 5000


def begin(visitor: Visitor, rd: str = "/") -> str:
    """Start; the location at the provider."""
    answer = visitor.navigate(visitor.site.path("start") + f"?rd={visitor.site.own(rd)}")
    assert answer.status == 302
    return answer.header("location")


def callback(visitor: Visitor, query: str) -> Answer:
    return visitor.navigate(visitor.site.path("callback") + "?" + query, Sec_Fetch_Site="cross-site")


def assert_error_page(site: Site, answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.is_page) == (status, True)
    assert code in answer.text
    assert answer.header("cache-control") == "no-store"
    assert "<script>alert" not in answer.text
    assert not any(cookie.startswith(f"{COOKIE}=") for cookie in answer.all("set-cookie"))
    assert site.app.seen == []


def test_there_and_back_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    visitor = site.visitor()
    page = visitor.get("/reports?month=5&x=%2F", NAVIGATION)
    started = visitor.open("GET", site.start_link(page), NAVIGATION)
    asked = parse_qs(urlsplit(started.header("location")).query)
    assert asked["redirect_uri"] == [ORIGIN + site.path("callback")]
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    assert len(started.all("set-cookie")) == 1
    assert next(iter(visitor.cookies)).startswith(f"{COOKIE}.flow")
    back = site.provider.authorize(started.header("location"))
    answer = visitor.navigate(back, Sec_Fetch_Site="cross-site")
    assert (answer.status, answer.header("location")) == (302, site.own("/reports?month=5&x=%2F"))
    assert set(visitor.cookies) == {COOKIE, f"{COOKIE}.rounds"}
    assert visitor.open("GET", answer.header("location")).body == b"the application"
    assert site.app.identity is not None
    assert (site.app.identity.subject, site.app.identity.expires_at) == ("alice", int(site.now) + 28800)
    assert site.provider.fetches[:3] == ["openid-configuration", "token", "jwks"]
    for secret in ("code-0", asked["state"][0], asked["nonce"][0], visitor.cookies[COOKIE]):
        assert secret not in caplog.text


def test_every_sign_in_is_a_new_session(site: Site) -> None:
    ids = set()
    for _ in range(2):
        visitor = site.visitor()
        visitor.cookies[COOKIE] = "planted"
        visitor.sign_in()
        assert visitor.get("/").status == 200
        assert site.app.identity is not None
        ids.add(site.app.identity.session_id)
    assert len(ids) == 2


def test_somebody_who_may_not_enter_is_told_so_and_stays_signed_in(make_site: MakeSite) -> None:
    site = make_site(allowed_groups=("staff",))
    visitor = site.visitor()
    answer = visitor.sign_in("/reports")
    assert (answer.status, answer.is_page) == (403, True)
    assert "prompt=select_account" in answer.text
    assert visitor.get("/", NAVIGATION).status == 403
    assert "alice" in visitor.get("/", NAVIGATION).text
    assert site.app.seen == []


def test_the_same_answer_twice(site: Site) -> None:
    visitor = site.visitor()
    location = begin(visitor, "/reports")
    kept = dict(visitor.cookies)
    back = site.provider.authorize(location)
    assert visitor.navigate(back).status == 302
    again = visitor.navigate(back)
    assert (again.status, again.header("location")) == (302, site.own("/reports"))
    stranger = site.visitor()
    stranger.cookies = kept
    answer = stranger.navigate(back)
    assert_error_page(site, answer, 400, "flow_used")
    assert site.rd(site.start_link(answer)) == site.own("/reports")
    assert site.provider.fetches.count("token") == 1


def test_an_answer_that_another_browser_asked_for(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.world._entropy = lambda size: os.urandom(size - 1) + b"\0"  # both flows take the same slot
    back = site.provider.authorize(begin(site.visitor(), "/reports"))
    victim = site.visitor()
    begin(victim)
    for stranger in (site.visitor(), victim):
        answer = stranger.navigate(back)
        assert_error_page(site, answer, 400, "flow_missing")
        assert site.rd(site.start_link(answer)) == site.own("/reports")
    assert "token" not in site.provider.fetches
    assert "no flow cookie fits the state" in caplog.text


def test_an_answer_that_comes_too_late(site: Site) -> None:
    visitor = site.visitor()
    back = site.provider.authorize(begin(visitor))
    site.now += 601
    assert_error_page(site, visitor.navigate(back), 400, "flow_expired")
    assert "token" not in site.provider.fetches


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda q: q.replace("state=", "other="), "state_missing"),
        (lambda q: q.replace("state=", "state=&x="), "state_missing"),
        (lambda q: q.replace("state=", "state=A"), "state_invalid"),
        (lambda q: q.replace("state=", "state=%00%ff"), "state_invalid"),
        (lambda q: q[:-9] + ("A" if q[-9] != "A" else "B") + q[-8:], "state_invalid"),
        (lambda q: q + "&state=x", "callback_malformed"),
        (lambda q: q + "&code=x", ""),
        (lambda q: q.replace("code=", "other="), ""),
        (lambda q: q.replace("code=", "code=&x="), ""),
        (lambda q: q + "&iss=https://evil.example", ""),
        (lambda q: q + f"&iss={ISSUER}&iss={ISSUER}", ""),
        (lambda q: "&".join(f"a{i}=1" for i in range(200)) + "&" + q, "callback_malformed"),
        (lambda q: q + "&x=" + "y" * 70_000, "callback_malformed"),
        (lambda q: "", "state_missing"),
        (lambda q: "%", "state_missing"),
        (lambda q: "\x00=\xff;&&==", "state_missing"),
    ],
)
def test_an_answer_that_is_not_as_it_should_be(
    site: Site, change: Callable[[str], str], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = site.visitor()
    query = urlsplit(site.provider.authorize(begin(visitor))).query
    answer = callback(visitor, change(query))
    assert_error_page(site, answer, 400, code)
    assert "token" not in site.provider.fetches
    assert any(record.levelno == logging.WARNING and ": 400: " in record.message for record in caplog.records)


def test_unknown_parameters_do_not_matter(site: Site) -> None:
    visitor = site.visitor()
    query = urlsplit(site.provider.authorize(begin(visitor))).query
    answer = callback(visitor, f"session_state=x&scope=openid&{query}&iss={ISSUER}&hint=%3Cb%3E")
    assert answer.status == 302


@pytest.mark.parametrize(
    "error", ["access_denied", "server_error", "login_required", "no_such", HOSTILE, "%"]
)
def test_an_error_of_the_provider_is_a_clear_page(
    site: Site, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = site.visitor()
    location = begin(visitor, "/reports")
    back = site.provider.authorize(
        location, code="", error=error, error_description=HOSTILE, error_uri="javascript:alert(1)"
    )
    answer = visitor.navigate(back)
    assert answer.status in (400, 403, 502, 503)
    assert_error_page(site, answer, answer.status, "")
    assert "javascript:" not in answer.text
    assert site.rd(site.start_link(answer)) == site.own("/reports")
    assert all("\n" not in record.message for record in caplog.records)
    assert "\u202e" not in caplog.text


@pytest.mark.parametrize(
    ("endpoint", "instead", "status"),
    [
        ("token", ProviderUnavailable("provider_timeout", "Away.", retry_after_seconds=7), 503),
        ("token", answered({"error": "invalid_grant", "error_description": HOSTILE}, 400), 400),
        ("token", answered({"error": "invalid_client"}, 401), 502),
        ("token", answered(b"<html>", 200), 502),
        ("token", answered(b"", 200), 502),
        ("token", answered(b"oops", 500), 503),
        ("token", answered(b"", 429, retry_after="30"), 503),
        ("token", answered({"token_type": "Bearer", "access_token": "at"}), 502),
        ("token", answered({"token_type": "Bearer", "access_token": "at", "id_token": "a.b.c"}), 502),
        ("jwks", answered(b"oops", 500), 503),
        ("jwks", answered({"keys": []}), 502),
    ],
)
def test_trouble_at_the_provider_is_a_page_with_a_way_on(
    site: Site, endpoint: str, instead: object, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = site.visitor()
    location = begin(visitor, "/reports")
    site.provider.instead[endpoint] = instead  # type: ignore[assignment]
    answer = visitor.navigate(site.provider.authorize(location))
    assert_error_page(site, answer, status, "")
    assert (answer.header("retry-after") != "") == (status == 503)
    assert site.rd(site.start_link(answer)) == site.own("/reports")
    assert f": {status}: " in caplog.text
    assert "code-0" not in caplog.text
    site.provider.instead.clear()
    site.now += 120
    assert visitor.sign_in().status == 302


def test_while_discovery_is_down_start_says_so_and_those_signed_in_are_served(site: Site) -> None:
    site.provider.instead["openid-configuration"] = ProviderUnavailable("provider_unreachable", "Away.")
    answer = site.visitor().navigate(site.path("start") + f"?rd={site.own('/reports')}")
    assert_error_page(site, answer, 503, "provider_unreachable")
    assert site.rd(site.start_link(answer)) == site.own("/reports")
    assert site.person().get("/").status == 200


@pytest.mark.parametrize("headers", [FETCH, {"X-Requested-With": "x"}, NAVIGATION | {"Purpose": "prefetch"}])
def test_start_is_for_navigations(site: Site, headers: dict[str, str]) -> None:
    answer = site.visitor().ask("start", headers)
    assert (answer.status, answer.json["code"], answer.all("set-cookie")) == (400, "not_a_navigation", [])


def test_tabs_that_start_at_once_end_each_on_its_own_page(site: Site) -> None:
    visitor = site.visitor()
    backs = [site.provider.authorize(begin(visitor, f"/page/{number}")) for number in range(12)]
    assert sum(len(f"{name}={value}; ") for name, value in visitor.cookies.items()) < 7000
    for number, back in reversed(list(enumerate(backs))):
        assert visitor.navigate(back).header("location") == site.own(f"/page/{number}")


def test_a_browser_that_keeps_no_session_is_told_after_three_rounds(site: Site) -> None:
    visitor = site.visitor()
    for _ in range(3):
        assert visitor.sign_in().status == 302
        del visitor.cookies[COOKIE]
    answer = visitor.navigate(site.path("start"))
    assert (answer.status, answer.is_page) == (400, True)
    assert visitor.navigate(site.path("start")).status == 302


def test_form_post(make_site: MakeSite) -> None:
    site = make_site(response_mode="form_post")
    visitor = site.visitor()
    back = urlsplit(site.provider.authorize(begin(visitor, "/reports")))
    assert visitor.navigate(back.path + "?" + back.query).status == 400
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    answer = visitor.open("POST", back.path, NAVIGATION | form, back.query.encode())
    assert (answer.status, answer.header("location")) == (303, site.own("/reports"))
    assert visitor.get("/").status == 200


def test_a_strict_cookie_ends_in_a_page_that_goes_on(make_site: MakeSite) -> None:
    answer = make_site(cookie_samesite="Strict").visitor().sign_in("/reports")
    assert (answer.status, answer.is_page) == (200, True)
    assert "/reports" in answer.header("refresh")


def test_a_storm_of_sign_ins_leaves_nothing_behind(make_site: MakeSite) -> None:
    """What is kept so that no code is sent twice is gone when the codes are."""
    site = make_site(session_cache_bytes=64 * 1024)
    site.world.expiring_keys = expiring_keys = MemoryKeys(monotonic=lambda: site.now)
    for _ in range(60):
        visitor = site.visitor()
        assert visitor.sign_in("/").status == 302
        assert visitor.get("/").status == 200
    cache = site.gate._runtime.gate.components.cache
    assert len(expiring_keys) == 120
    assert 0 < cache.size <= 64 * 1024
    site.now += 20 * 60
    site.visitor().sign_in("/")
    assert len(expiring_keys) == 2


GOOGLE = "https://accounts.google.com"


@pytest.mark.parametrize(
    ("issuer", "listed", "link", "prompt"),
    [
        (ISSUER, ["none", "login", "select_account"], "prompt=select_account&", ["select_account"]),
        (ISSUER, ["none", "login", "consent"], "prompt=select_account&", ["login"]),  # Keycloak
        (ISSUER, None, "prompt=select_account&", ["login"]),
        (ISSUER, [], "prompt=select_account&", ["login"]),
        (GOOGLE, None, "prompt=select_account&", ["select_account"]),
        (ISSUER, ["none", "login"], "prompt=consent&", ["consent"]),  # the operator's own wish
        (ISSUER, None, "prompt=login&", ["login"]),
        (ISSUER, ["select_account"], "", []),
        (ISSUER, ["select_account"], "rd=/&prompt=select_account&x=", []),  # the query of another page
    ],
)
def test_another_account_is_asked_for_in_a_way_that_the_provider_knows(
    make_site: MakeSite, issuer: str, listed: list[str] | None, link: str, prompt: list[str]
) -> None:
    site = make_site(issuer=issuer, allow_everyone=True)
    site.provider.metadata |= {"issuer": issuer} | (
        {} if listed is None else {"prompt_values_supported": listed}
    )
    started = site.visitor().navigate(f"{site.path('start')}?{link}rd=/reports")
    assert parse_qs(urlsplit(started.header("location")).query).get("prompt", []) == prompt


def test_the_page_of_a_refused_user_leads_to_another_account(make_site: MakeSite) -> None:
    site = make_site(allowed_groups=("staff",))
    visitor = site.person("eve")
    page = visitor.get("/reports", NAVIGATION)
    started = visitor.navigate(site.start_link(page))
    assert parse_qs(urlsplit(started.header("location")).query)["prompt"] == ["login"]

"""What follows a sign-out: the place to go on to, the browser's cache, and the tokens at the provider."""

from __future__ import annotations

import logging
import re
import time
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from oidc_gate.endpoints import logout_state
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.provider import revocation
from tests.core.provider.scripted import answer
from tests.fast import interfaces
from tests.shells.conftest import SHELLS_AT_THE_ROOT, MakeSite, name_of
from tests.shells.provider import CLIENT, ISSUER
from tests.shells.site import NAVIGATION, ORIGIN, Shell, Site, Visitor
from tests.shells.stores import Place
from tests.shells.test_sign_out import CROSS, FORM, SAME

OTHER = "https://www.example"


@pytest.fixture(params=interfaces(SHELLS_AT_THE_ROOT), ids=name_of)
def shell(request: pytest.FixtureRequest) -> Shell:
    """Each interface once: where a gate is mounted is tested elsewhere."""
    found: Shell = request.param
    return found


def state_of(location: str) -> str:
    (state,) = parse_qs(urlsplit(location).query)["state"]
    return state


def comes_back(site: Site, location: str) -> Any:
    """The answer to the browser that the provider sent back."""
    assert location.startswith(f"{ISSUER}/logout?")
    assert parse_qs(urlsplit(location).query)["post_logout_redirect_uri"] == [
        ORIGIN + site.path("signed_out")
    ]
    return site.visitor().navigate(f"{site.path('signed_out')}?state={state_of(location)}")


def signed_out(site: Site, query: str = "", visitor: Visitor | None = None) -> Any:
    return (visitor or site.person()).ask("sign_out" + query, SAME, "POST")


# --- where the user goes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rd", "target"),
    [
        ("/goodbye?a=1#x", "/goodbye?a=1#x"),
        (f"{OTHER}/bye", f"{OTHER}/bye"),
        (f"{ORIGIN}/bye", "/bye"),
        ("/ü", "/%C3%BC"),
    ],
)
def test_rd_is_where_the_user_comes_out_after_the_provider(make_site: MakeSite, rd: str, target: str) -> None:
    site = make_site(allowed_redirect_hosts=("www.example",))
    location = signed_out(site, f"?rd={quote(rd)}").header("location")
    assert target not in location
    assert quote(target, safe="") not in location
    back = comes_back(site, location)
    assert (back.status, back.header("location")) == (303, target)


@pytest.mark.parametrize(
    "rd",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/oauth2/start",
        "",
    ],
)
def test_a_place_that_is_not_allowed_is_none(make_site: MakeSite, rd: str) -> None:
    site = make_site(allowed_redirect_hosts=("www.example",))
    back = comes_back(site, signed_out(site, f"?rd={quote(rd)}").header("location"))
    assert (back.status, back.is_page) == (200, True)


def test_without_a_sign_out_at_the_provider_the_user_goes_there_all_the_same(make_site: MakeSite) -> None:
    site = make_site(allowed_redirect_hosts=("www.example",))
    del site.provider.metadata["end_session_endpoint"]
    visitor = site.person()
    location = visitor.ask("sign_out?rd=/bye", SAME, "POST").header("location")
    assert visitor.navigate(location).header("location") == "/bye"
    visitor = site.person()
    page = visitor.ask(f"sign_out?rd={OTHER}/bye", NAVIGATION | FORM | SAME, "POST")
    assert page.status == 200
    assert "identity provider" not in page.text
    assert visitor.cookies == {}
    assert (
        visitor.navigate(page.header("refresh").removeprefix("0; url=")).header("location") == f"{OTHER}/bye"
    )
    assert "not signed in to" in visitor.navigate(signed_out(site).header("location")).text


def test_the_page_that_asks_keeps_the_place(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.person()
    asked = visitor.ask("sign_out?rd=/goodbye%3Fa=1%26b=2", NAVIGATION | CROSS)
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', asked.text)
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', asked.text)
    left = visitor.open("POST", unescape(action), FORM | {"Accept": "*/*"}, f"form_token={token}".encode())
    back = comes_back(site, left.header("location"))
    assert back.header("location") == "/goodbye?a=1&b=2"


@pytest.mark.parametrize("url", ["/goodbye", "https://elsewhere.example/?from=app"])
def test_the_setting_is_the_place_without_rd(make_site: MakeSite, url: str) -> None:
    """An operator may name any host; a link may not."""
    site = make_site(after_sign_out_url=url)
    assert comes_back(site, signed_out(site).header("location")).header("location") == url
    assert comes_back(site, signed_out(site, "?rd=/x").header("location")).header("location") == "/x"
    site.provider.instead["openid-configuration"] = ProviderUnavailable("provider_unreachable", "away")
    other = make_site(after_sign_out_url=url)
    other.provider.instead = site.provider.instead
    location = signed_out(other).header("location")
    assert other.visitor().navigate(location).header("location") == url


def test_a_place_that_is_too_long_is_left_out(make_site: MakeSite) -> None:
    site = make_site()
    for length, status in ((logout_state.MAX_TARGET_LENGTH, 303), (logout_state.MAX_TARGET_LENGTH + 1, 200)):
        location = signed_out(site, f"?rd=/{'x' * (length - 1)}").header("location")
        assert len(state_of(location)) < 1500
        assert comes_back(site, location).status == status


@pytest.mark.parametrize("part", [0, 1, 2])
def test_no_part_of_the_state_can_be_changed(make_site: MakeSite, part: int) -> None:
    site = make_site()
    states = []
    for rd in ("/one", "/two"):
        states.append(state_of(signed_out(site, f"?rd={rd}").header("location")).split("."))
        site.now += 1
    mixed = list(states[0])
    mixed[part] = states[1][part]
    back = site.visitor().navigate(f"{site.path('signed_out')}?state={'.'.join(mixed)}")
    assert (back.status, back.header("location")) == (200, "")


def test_the_place_is_forgotten_after_an_hour(make_site: MakeSite) -> None:
    site = make_site()
    location = signed_out(site, "?rd=/bye").header("location")
    site.now += 3601
    assert comes_back(site, location).status == 200


# --- the cache of the browser --------------------------------------------------------------------------


def test_only_the_cache_is_cleared_and_only_by_a_sign_out(make_site: MakeSite) -> None:
    """Chromium keeps the page of the user for "Back" when the next one appears: the end has to say it once more."""
    site = make_site()
    asked = site.person().ask("sign_out", NAVIGATION | CROSS)
    assert asked.all("clear-site-data") == []
    for headers in (SAME, NAVIGATION | FORM | SAME):
        assert site.person().ask("sign_out", headers, "POST").all("clear-site-data") == ['"cache"']
    for rd in ("", "?rd=/bye"):
        assert comes_back(site, signed_out(site, rd).header("location")).all("clear-site-data") == ['"cache"']
    for query in ("", "?state=made.up"):
        assert site.visitor().navigate(site.path("signed_out") + query).all("clear-site-data") == []


def test_a_browser_shows_a_page_between_that_of_the_user_and_the_end(make_site: MakeSite) -> None:
    for headers, method in ((NAVIGATION | SAME, "GET"), (NAVIGATION | FORM | SAME, "POST")):
        answer = make_site().person().ask("sign_out", headers, method)
        assert (answer.status, answer.header("refresh").startswith(f"0; url={ISSUER}/logout?")) == (200, True)


# --- the tokens at the provider ------------------------------------------------------------------------


def revoking(make_site: MakeSite, **settings: Any) -> Site:
    site = make_site(**({"pass_access_token": True} | settings))
    site.provider.metadata["revocation_endpoint"] = f"{ISSUER}/revoke"
    site.provider.tokens = {"access_token": "at-1", "expires_in": 600}
    return site


def signed_in(site: Site) -> Visitor:
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    return visitor


def wait_for(condition: Any) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_access_token_is_revoked(make_site: MakeSite) -> None:
    site = revoking(make_site)
    signed_out(site, visitor=signed_in(site))
    wait_for(lambda: site.provider.revoked)
    (form,) = site.provider.revoked
    assert form | {"token": "at-1", "token_type_hint": "access_token"} == form


def test_an_expired_token_and_none_are_not_revoked(make_site: MakeSite) -> None:
    site = revoking(make_site)
    visitor = signed_in(site)
    site.now += 601
    signed_out(site, visitor=visitor)
    without = revoking(make_site, pass_access_token=False)
    signed_out(without, visitor=signed_in(without))
    signed_out(site, visitor=site.visitor())  # nobody
    off = revoking(make_site, revoke_tokens=False)
    signed_out(off, visitor=signed_in(off))
    time.sleep(0.05)
    for each in (site, without, off):
        assert "revoke" not in each.provider.fetches


def test_the_refresh_token_is_revoked_first_as_it_is_in_the_store(make_site: MakeSite, tmp_path: Any) -> None:
    """Another worker may have refreshed the tokens since this one has seen the session."""
    place = Place("memory", tmp_path)
    site = revoking(make_site, store=place.open(), session_store=place.url)
    visitor = signed_in(site)
    for _ in range(3):  # so that this one remembers the session with its tokens
        assert visitor.ask("userinfo").status == 200
    components = site.gate._runtime.gate.components

    def rewrite() -> Any:
        loaded = yield from components.sessions.read(
            f"{components.cookies.main}={visitor.cookies['__Host-oidc_gate']}"
        )
        newer = loaded.session._replace(refresh_token="rt-2", access_token="at-2")
        assert (yield from components.stored_sessions.replace(loaded, newer))

    site.world._drive(rewrite)
    signed_out(site, visitor=visitor)
    wait_for(lambda: len(site.provider.revoked) == 2)
    found = {(form["token"], form["token_type_hint"]) for form in site.provider.revoked}
    assert found == {("rt-2", "refresh_token"), ("at-2", "access_token")}


@pytest.mark.parametrize(
    "failure",
    [
        ProviderUnavailable("provider_timeout", "away"),
        answer({"error": "unsupported_token_type"}, 400),
        answer(b"<html>", 404),
        answer(b"", 503),
        answer(b"", 302, location="https://evil.example/"),
    ],
)
def test_a_failure_keeps_nobody_signed_in_and_is_logged(
    make_site: MakeSite, failure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = revoking(make_site)
    site.provider.instead["revoke"] = failure
    visitor = signed_in(site)
    assert signed_out(site, visitor=visitor).status == 303
    assert visitor.get("/").status == 401
    wait_for(lambda: "revocation_failed: the access_token was not revoked" in caplog.text)
    assert "at-1" not in caplog.text


def test_no_more_threads_and_tokens_wait_than_allowed(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "MAX_WAITING", 3)
    site = revoking(make_site)
    started: list[Any] = []
    perform = site.world.perform
    monkeypatch.setattr(
        site.world, "perform", lambda effect: perform(effect) if not _starts(effect, started) else None
    )
    caplog.set_level(logging.WARNING)
    for _ in range(5):
        signed_out(site, visitor=signed_in(site))
    assert len(started) == revocation.MAX_THREADS
    assert caplog.text.count("revocation_failed: 3 tokens wait already") == 2
    for start in started:  # the threads, one after the other
        site.world._drive(start)
    assert len(site.provider.revoked) == 3
    signed_out(site, visitor=signed_in(site))
    assert len(started) == revocation.MAX_THREADS + 1


def _starts(effect: Any, started: list[Any]) -> bool:
    if type(effect).__name__ != "Background":
        return False
    started.append(effect.start)
    return True


def test_google_is_not_asked_unless_told(make_site: MakeSite) -> None:
    google = {"issuer": "https://accounts.google.com", "client_id": CLIENT, "allow_everyone": True}
    assert make_site(**google).settings.revoke_tokens is False
    assert make_site(**google, revoke_tokens=True).settings.revoke_tokens is True
    assert make_site().settings.revoke_tokens is True

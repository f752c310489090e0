"""A full line, or a provider that did not answer a moment ago: a page that tries again, and no code is used up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_gate.effects import Enter, Lane
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.runtime import threads
from oidc_gate.runtime.threads import MAX_PLACES, MAX_WAITING, BoundedLane
from tests.core.provider.scripted import ISSUER, METADATA
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site, Visitor

SILENCE = ProviderUnavailable("provider_timeout", "Away.")


class Crowd:
    """As many requests as a lane holds, under way and in line."""

    def __init__(self, site: Site, kind: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
        # A thread of a server would wait for half a second, in the hope that the others are soon done.
        monkeypatch.setattr(threads, "MAX_THREAD_WAIT_SECONDS", 0.0)
        lane = site.world.lane_of(Enter(kind))
        assert isinstance(lane, BoundedLane)
        self._lane = lane
        number = MAX_PLACES[kind] + MAX_WAITING[kind]
        self._waiters = [lane.enqueue(lambda: None, is_first=True) for _ in range(number)]

    def go(self) -> None:
        for waiter in reversed(self._waiters):
            self._lane.withdraw(waiter)


def begin(visitor: Visitor, rd: str = "/reports") -> str:
    """Start, and return the address that the provider sends the browser back to."""
    answer = visitor.navigate(visitor.site.path("start") + f"?rd={visitor.site.own(rd)}")
    assert answer.status == 302, answer.text
    return visitor.site.provider.authorize(answer.header("location"))


def assert_waits(site: Site, answer: Answer, code: str) -> None:
    assert (answer.status, answer.is_page) == (503, True)
    assert code in answer.text
    seconds = int(answer.header("retry-after"))
    assert 1 <= seconds <= 10
    assert answer.header("refresh") == str(seconds + 1)
    assert re.search(r'<a class="button" href=""[^>]* data-again="\d+"', answer.text)
    assert answer.header("cache-control") == "no-store"
    assert not any(cookie.startswith(f"{COOKIE}=") for cookie in answer.all("set-cookie"))
    assert site.app.seen == []


def test_a_callback_that_finds_the_line_full_is_brought_again_with_the_same_code(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = site.visitor()
    back = begin(visitor)
    crowd = Crowd(site, Lane.PROVIDER, monkeypatch)
    for _ in range(3):
        assert_waits(site, visitor.navigate(back), "sign_in_line_full")
    assert "token" not in site.provider.fetches
    crowd.go()
    answer = visitor.navigate(back)
    assert (answer.status, answer.header("location")) == (302, site.own("/reports"))


def test_so_is_a_form_by_its_button_and_with_the_script(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(response_mode="form_post")
    visitor = site.visitor()
    back = urlsplit(begin(visitor))
    crowd = Crowd(site, Lane.PROVIDER, monkeypatch)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    answer = visitor.open("POST", back.path, NAVIGATION | form, back.query.encode())
    assert (answer.status, answer.all("refresh")) == (503, []), "a Refresh would lose the fields"
    assert re.search(r'<form method="post" data-again="\d+">', answer.text)
    assert "form-action 'self'" in answer.header("content-security-policy")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text))
    assert fields == dict(parse_qsl(back.query))
    crowd.go()
    answer = visitor.open("POST", back.path, NAVIGATION | form, back.query.encode())
    assert (answer.status, answer.header("location")) == (303, site.own("/reports"))


def test_start_waits_too_where_discovery_is_not_known_yet(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(site, Lane.PROVIDER, monkeypatch)
    start = site.path("start") + f"?rd={site.own('/reports')}"
    assert_waits(site, site.visitor().navigate(start), "sign_in_line_full")
    assert site.provider.fetches == []
    crowd.go()
    assert site.visitor().navigate(start).status == 302


def test_pushed_requests_have_a_line_of_their_own(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(pushed_authorization_requests="auto")
    visitor = site.visitor()
    back = begin(visitor)
    site.provider.metadata |= {"pushed_authorization_request_endpoint": f"{ISSUER}/par"}
    site.now += 3600
    crowd = Crowd(site, Lane.PUSHED, monkeypatch)
    assert_waits(site, site.visitor().navigate(site.path("start")), "sign_in_line_full")
    assert visitor.navigate(back).status != 503, "a callback does not wait for them"
    crowd.go()
    assert METADATA["issuer"] == ISSUER


@pytest.mark.parametrize("endpoint", ["sign_out", "userinfo", "ping", "ready", "signed_out", "sign_in"])
def test_what_needs_no_provider_does_not_wait(
    site: Site, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = site.person()
    Crowd(site, Lane.PROVIDER, monkeypatch)
    assert person.get("/").status == 200
    answer = person.ask(endpoint, NAVIGATION | {"Sec-Fetch-Site": "none"})
    assert "sign_in_line_full" not in answer.text
    if endpoint == "sign_out":
        assert COOKIE not in person.cookies


def test_a_session_that_has_to_be_looked_up_waits_for_the_store_alone(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Store:
        blocks = True

        def has(self, kinds: Sequence[str]) -> bool:
            return True

        def add_once(self, key: str, until: int, now: int) -> bool:
            return True

        def last_seen(self, keys: Sequence[str], now: int) -> int | None:
            return None

    site = make_site()
    site.world.expiring_keys = Store()
    Crowd(site, Lane.PROVIDER, monkeypatch)
    assert site.person().get("/").status == 200
    crowd = Crowd(site, Lane.STORE, monkeypatch)
    person = site.person("bob")
    seen = len(site.app.seen)
    for headers in (NAVIGATION, FETCH):
        answer = person.get("/", headers)
        assert (answer.status, "store_line_full" in answer.text) == (503, True)
    assert person.ask("auth").status == 503
    assert len(site.app.seen) == seen
    crowd.go()
    assert person.get("/").status == 200


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
def test_a_silence_that_was_just_seen_uses_up_no_code(make_site: MakeSite, endpoint: str) -> None:
    site = make_site(user_claim="nickname") if endpoint == "userinfo" else make_site()
    site.provider.person["nickname"] = "al" if endpoint == "token" else ""
    first, second = site.visitor(), site.visitor()
    backs = begin(first), begin(second)
    if endpoint == "userinfo":
        site.provider.person.pop("nickname")
    site.provider.instead[endpoint] = SILENCE
    assert first.navigate(backs[0]).status == 503
    asked = len(site.provider.fetches)
    assert_waits(site, second.navigate(backs[1]), "provider_timeout")
    assert len(site.provider.fetches) == asked
    site.provider.instead.clear()
    site.provider.person["nickname"] = "al"
    site.now += 10
    assert second.navigate(backs[1]).status == 302


def test_whose_code_was_in_the_silence_starts_again(site: Site) -> None:
    visitor = site.visitor()
    back = begin(visitor)
    site.provider.instead["token"] = SILENCE
    assert "Sign in again" in visitor.navigate(back).text
    answer = visitor.navigate(back)
    assert (answer.status, "flow_used" in answer.text) == (400, True)


def test_a_callback_before_discovery_succeeded_is_brought_again(site: Site) -> None:
    visitor = site.visitor()
    back = begin(visitor)
    fresh = Site(site.shell)
    fresh.now = site.now
    fresh.provider.instead["openid-configuration"] = SILENCE
    elsewhere = fresh.visitor()
    elsewhere.cookies = visitor.cookies
    assert_waits(fresh, elsewhere.navigate(back), "provider_timeout")
    fresh.provider.instead.clear()
    fresh.provider._nonces = site.provider._nonces
    fresh.now += 10
    assert elsewhere.navigate(back).status == 302


@pytest.mark.parametrize(
    "failure",
    [
        ProviderUnavailable("provider_unreachable", "Away."),
        ProviderUnavailable("provider_failing", "Away."),
    ],
)
def test_a_failure_that_comes_quickly_stops_nobody_else(site: Site, failure: Exception) -> None:
    first, second = site.visitor(), site.visitor()
    backs = begin(first), begin(second)
    site.provider.instead["token"] = failure
    assert first.navigate(backs[0]).status == 503
    site.provider.instead.clear()
    assert second.navigate(backs[1]).status == 302


def test_a_script_that_finds_the_line_full_gets_a_problem(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    Crowd(site, Lane.PROVIDER, monkeypatch)
    answer = site.visitor().open("GET", site.path("start"), {"Accept": "application/json"})
    assert (answer.status, answer.json["code"]) == (503, "sign_in_line_full")
    assert int(answer.header("retry-after")) >= 1

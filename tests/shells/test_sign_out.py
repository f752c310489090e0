"""Sign-out: what our own pages or the person sends acts; anything else is asked about, and touches no cookie."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_gate.errors import ProviderUnavailable
from tests.core.provider.scripted import sign
from tests.shells.conftest import MakeSite
from tests.shells.provider import CLIENT, ISSUER
from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Site, Visitor

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SAME, NONE = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}
CROSS, SITE = {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}


def is_on(visitor: Visitor) -> bool:
    return visitor.get("/").status == 200


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", FETCH | SAME),
        ("POST", NAVIGATION | FORM | SAME),
        ("POST", {"Origin": ORIGIN}),
        ("GET", NAVIGATION | SAME),
        ("GET", NAVIGATION | NONE),
    ],
)
def test_what_is_meant_ends_the_session_here_and_at_the_provider(
    site: Site, method: str, headers: dict[str, str]
) -> None:
    visitor = site.person()
    kept = dict(visitor.cookies)
    assert is_on(visitor)
    answer = visitor.ask("sign_out", headers, method)
    # a browser gets a page that goes on: form-action would be held against every redirect
    assert answer.status == (200 if "Accept" in headers and headers["Accept"] != "*/*" else 303)
    onward = urlsplit(answer.header("location") or answer.header("refresh").removeprefix("0; url="))
    assert f"{onward.scheme}://{onward.netloc}{onward.path}" == f"{ISSUER}/logout"
    asked = parse_qs(onward.query)
    assert asked["client_id"] == [CLIENT]
    assert asked["post_logout_redirect_uri"] == [ORIGIN + site.path("signed_out")]
    assert "id_token_hint" not in asked
    assert visitor.cookies == {}
    visitor.cookies = kept  # whoever kept a copy
    assert visitor.get("/").json["code"] == "session_revoked"
    back = visitor.navigate(site.path("signed_out") + "?state=" + asked["state"][0])
    assert back.status == 200
    assert back.is_page


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", NAVIGATION | CROSS, 200),
        ("GET", NAVIGATION | SITE, 200),
        ("GET", {"Accept": "text/html"}, 200),
        ("GET", NAVIGATION | SAME | {"Sec-Purpose": "prefetch"}, 403),
        ("GET", NAVIGATION | SAME | {"Sec-Fetch-Dest": "iframe"}, 200),
        ("GET", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"} | SAME, 403),
        ("GET", {}, 403),
        ("POST", NAVIGATION | FORM | CROSS | {"Origin": "https://evil.example"}, 200),
        ("POST", NAVIGATION | FORM | CROSS | {"Origin": "null"}, 200),
        ("POST", {"Origin": ORIGIN + ".evil.example"}, 403),
        ("POST", {"Origin": f"http://{ORIGIN[8:]}"}, 403),
        ("POST", {}, 403),
    ],
)
def test_what_may_not_be_meant_is_asked_about(
    site: Site, method: str, headers: dict[str, str], status: int
) -> None:
    visitor = site.person()
    answer = visitor.ask("sign_out", headers, method)
    assert answer.status == status
    assert answer.all("set-cookie") == []
    assert answer.header("cache-control") == "no-store"
    assert is_on(visitor)


def test_the_button_of_that_page_works_from_a_browser_that_tells_nothing(site: Site) -> None:
    visitor = site.person()
    page = visitor.ask("sign_out", NAVIGATION | CROSS)
    assert "form-action 'self';" in page.header("content-security-policy")
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', page.text)

    def press(who: Visitor, token: str) -> int:
        headers = FORM | {"Accept": "*/*"}
        return who.open("POST", site.path("sign_out"), headers, f"form_token={token}".encode()).status

    assert press(site.person("bob"), token) == 403  # a token is good for one session
    assert press(visitor, token[:-1]) == 403
    site.now += 3601
    assert press(visitor, token) == 403
    site.now -= 3601
    assert press(visitor, token) == 303
    assert visitor.cookies == {}


def test_while_the_provider_is_down_the_session_ends_here(site: Site) -> None:
    site.provider.instead["openid-configuration"] = ProviderUnavailable("provider_unreachable", "away")
    visitor = site.person()
    answer = visitor.ask("sign_out", SAME, "POST")
    location = answer.header("location")
    assert (answer.status, location.partition("?")[0]) == (303, site.path("signed_out"))
    assert "identity provider has sent you back" not in visitor.navigate(location).text
    assert not is_on(visitor)


def test_every_cookie_of_ours_is_cleared(site: Site) -> None:
    visitor = site.person()
    visitor.cookies |= {
        f"{COOKIE}.body": "b",
        f"{COOKIE}.flow2": "f",
        f"{COOKIE}.rounds": "1.1",
        "theme": "x",
    }
    visitor.ask("sign_out", SAME, "POST")
    assert visitor.cookies == {"theme": "x"}


def test_nobody_can_sign_out_too(site: Site) -> None:
    assert site.visitor().ask("sign_out", SAME, "POST").status == 303


def test_the_provider_is_believed_only_with_our_state(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    plain = site.visitor().navigate(site.path("signed_out"))
    forged = site.visitor().navigate(site.path("signed_out") + "?state=forged")
    assert (plain.status, forged.status) == (200, 200)
    assert forged.body == plain.body
    assert "logout_state: the state is not one that the gate sent" in caplog.text
    asked = site.person().ask("sign_out", SAME, "POST").header("location")
    state = parse_qs(urlsplit(asked).query)["state"][0]
    assert site.visitor().navigate(site.path("signed_out") + f"?state={state}").body != plain.body


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"iss={ISSUER}&iss={ISSUER}&sid=x", "frontchannel_iss"),
        (f"iss={ISSUER}&sid=x&sid=y", "frontchannel_iss"),
        ("sid=x", "frontchannel_iss"),
        (f"iss={ISSUER}", "frontchannel_sid"),
        (f"iss={ISSUER}&sid={'x' * 256}", "frontchannel_sid"),
    ],
)
def test_a_front_channel_logout_that_is_not_plain_ends_nothing(site: Site, query: str, code: str) -> None:
    visitor = site.person()
    answer = visitor.navigate(f"{site.path('frontchannel_logout')}?{query}")
    assert (answer.status, answer.json["code"]) == (400, code)
    assert answer.all("set-cookie") == []
    assert is_on(visitor)


@pytest.mark.parametrize("way", ["sign_out", "frontchannel_logout", "backchannel_logout"])
def test_a_copy_of_the_cookie_stays_out_to_the_last_second(make_site: MakeSite, way: str) -> None:
    """The end of a session is remembered for as long as its cookie could be opened."""
    given = {"session_lifetime_seconds": 600, "session_idle_seconds": 600}
    site = make_site(insecure_single_process_revocation=True, **given)
    site.provider.person["sid"] = "sid-1"
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    kept = dict(visitor.cookies)
    if way == "sign_out":
        visitor.ask("sign_out", SAME, "POST")
    elif way == "frontchannel_logout":
        site.visitor().navigate(f"{site.path(way)}?iss={ISSUER}&sid=sid-1", Sec_Fetch_Dest="iframe")
    else:
        body = f"logout_token={logout_token(site)}".encode()
        assert site.visitor().open("POST", site.path(way), FORM, body).status == 200
    for _ in range(2):
        visitor.cookies = dict(kept)
        assert visitor.get("/").json["code"] == "session_revoked"
        site.now += 599


def logout_token(site: Site, **changes: Any) -> str:
    event: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    claims = {"iss": ISSUER, "aud": CLIENT, "iat": int(site.now), "exp": int(site.now) + 60}
    claims |= {"jti": f"jti-{site.now}", "sub": "alice", "events": event} | changes
    return sign({name: value for name, value in claims.items() if value is not None})


def test_a_logout_token_without_exp_is_a_matter_of_the_settings(make_site: MakeSite) -> None:
    for accepted, status in ((False, 400), (True, 200)):
        site = make_site(insecure_single_process_revocation=True, accept_logout_tokens_without_exp=accepted)
        visitor = site.person()
        assert is_on(visitor)
        body = f"logout_token={logout_token(site, exp=None)}".encode()
        answers = [
            site.visitor().open("POST", site.path("backchannel_logout"), FORM, body).status for _ in range(2)
        ]
        assert answers == [status, 400]  # never twice
        assert is_on(visitor) is not accepted


def test_a_front_channel_logout_hides_no_back_channel_logout(make_site: MakeSite) -> None:
    """Anyone can send the former, so an old one of it must not be what is found of a session."""
    site = make_site(insecure_single_process_revocation=True)
    site.provider.person["sid"] = "sid-1"

    def sign_in() -> Visitor:
        visitor = site.visitor()
        assert visitor.sign_in().status == 302
        return visitor

    def log_out() -> int:
        body = f"logout_token={logout_token(site)}".encode()
        return site.visitor().open("POST", site.path("backchannel_logout"), FORM, body).status

    first = sign_in()
    front = f"{site.path('frontchannel_logout')}?iss={ISSUER}&sid=sid-1"
    assert site.visitor().navigate(front, Sec_Fetch_Dest="iframe").status == 200
    assert not is_on(first)
    site.now += 2
    second = sign_in()
    assert is_on(second)
    site.now += 2
    assert log_out() == 200
    assert not is_on(second)
    site.now += 2
    third = sign_in()
    site.visitor().navigate(front, Sec_Fetch_Dest="iframe")
    assert not is_on(third)


def test_it_ends_every_copy_of_the_session_and_what_is_remembered_of_nobody_else(site: Site) -> None:
    alice, bob = site.person(), site.person("bob")
    other_window = site.person()  # the same session, sealed once more
    assert [who.get("/").status for who in (alice, bob, other_window)] == [200] * 3
    cache = site.gate._runtime.gate.components.cache
    assert len(cache) == 3
    alice.ask("sign_out", SAME, "POST")
    assert len(cache) == 1
    assert [who.get("/").status for who in (other_window, bob)] == [401, 200]


def test_after_a_form_of_the_application_a_page_goes_on_too(site: Site) -> None:
    """Browsers apply the form-action policy of the page with the form to every redirect that follows it."""
    answer = site.person().ask("sign_out", NAVIGATION | SAME)
    assert (answer.status, answer.header("refresh").startswith(f"0; url={ISSUER}/logout?")) == (200, True)
    asked = site.person().ask("sign_out", NAVIGATION | CROSS)
    assert "Sign out?" in asked.text

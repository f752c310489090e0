"""The provider refuses this client, or the clocks disagree: the page says whose fault it is, the log what to do."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.core.provider.scripted import answer as answered
from tests.shells.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.provider import CLIENT, ISSUER, SECRET
from tests.shells.site import ORIGIN, Site

NOT_ACCEPTED = "The sign-in service does not accept this application. Nothing is wrong with your account."
WHERE = ("authorization response", "pushed request", "token request")
CODES = {
    "invalid_client": "compare client_id, client_secret and client_auth",
    "invalid_request": "compare redirect_uri with what is registered",
    "unauthorized_client": "or its secret is wrong",
    "invalid_scope": "compare scopes with what the client may ask for",
}


def sign_in_refused(site: Site, where: str, error: dict[str, str]) -> Answer:
    visitor = site.visitor()
    if where == "token request":
        site.provider.instead["token"] = answered(error, 401)
        return visitor.sign_in()
    if where == "pushed request":
        site.provider.instead["par"] = answered(error, 401)
        return visitor.navigate(site.path("start"))
    started = visitor.navigate(site.path("start"))
    return visitor.navigate(site.provider.authorize(started.header("location"), code="", **error))


def make(make_site: MakeSite, where: str) -> Site:
    if where != "pushed request":
        return make_site()
    site = make_site(pushed_authorization_requests="always")
    site.provider.metadata["pushed_authorization_request_endpoint"] = f"{ISSUER}/par"
    return site


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("code", CODES)
def test_a_client_that_is_not_accepted(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, where: str, code: str
) -> None:
    if (where, code) == ("authorization response", "invalid_client"):
        pytest.skip("no error of the authorization endpoint: RFC 6749 §4.1.2.1")
    site = make(make_site, where)
    text = "Authentication failed."
    echo = "" if where == "authorization response" else SECRET  # which is never sent through the browser
    page = sign_in_refused(site, where, {"error": code, "error_description": f"{text} {echo}"})
    assert page.status in (400, 502)
    assert NOT_ACCEPTED in page.text
    assert "This application is not accepted" in page.text
    assert "cannot be trusted" not in page.text
    assert f"<code>{code}</code>" in page.text
    line = caplog.messages[-1]
    assert text in line
    assert f"sent: client_id '{CLIENT}', redirect_uri '{ORIGIN}{site.path('callback')}'" in line
    assert "scopes 'openid email profile'" in line
    assert f"Fix: {CODES[code]}" in line or CODES[code] in line.partition("Fix: ")[2]
    assert ("client_auth client_secret_basic" in line) is (where != "authorization response")
    assert SECRET not in caplog.text


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("code", ["made_up", "server_error", "login_required"])
def test_other_errors_do_not_blame_the_application(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, where: str, code: str
) -> None:
    page = sign_in_refused(make(make_site, where), where, {"error": code})
    assert page.status in (400, 502)
    assert "does not accept this application" not in page.text
    assert "Fix:" not in caplog.text


@pytest.mark.parametrize(
    ("seconds_ahead", "code", "words"),
    [
        (
            7200,
            "id_token_iat",
            "it was issued 7200 s in the future; if it is fresh, this host's clock is 7200 s behind",
        ),
        (
            -7200,
            "id_token_exp",
            "it expired 6900 s ago; if it is fresh, this host's clock is 7200 s ahead of",
        ),
    ],
)
def test_clocks_that_are_apart_are_named_with_amount_and_direction(
    site: Site, caplog: pytest.LogCaptureFixture, seconds_ahead: int, code: str, words: str
) -> None:
    site.provider.seconds_ahead = seconds_ahead
    page = site.visitor().sign_in()
    assert (page.status, f"<code>{code}</code>" in page.text) == (502, True)
    assert words in caplog.messages[-1]
    assert caplog.messages[-1].endswith("the provider's. Fix: synchronize both with NTP")


def test_clocks_that_are_apart_name_themselves_for_each_time_claim(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(max_age_seconds=60)
    site.provider.person["nbf"] = int(site.now) + 1000
    site.visitor().sign_in()
    assert "id_token: nbf: " in caplog.messages[-1]
    assert caplog.messages[-1].endswith("; it is valid in 1000 s")  # iat says that the clocks agree
    del site.provider.person["nbf"]
    for apart, words in ((1000, "1000 s in the future"), (-1000, "1000 s ago")):
        site.provider.person["auth_time"] = int(site.now) + apart
        site.visitor().sign_in()
        assert caplog.messages[-1].endswith(f"; the user signed in {words}; max_age_seconds is 60")


def test_a_clock_that_is_a_little_off_signs_in(site: Site) -> None:
    for seconds_ahead in (50, -50):
        site.provider.seconds_ahead = seconds_ahead
        location = site.visitor().sign_in().header("location")
        assert parse_qs(urlsplit(location).query) == {}
        assert urlsplit(location).path == site.own("/")

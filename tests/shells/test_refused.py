"""A signed-in user whom the rules refuse: 403 where sign-in is needed, and no identity on a public path."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, ORIGIN, Site, Visitor
from tests.shells.test_websockets import connect

FRAME = NAVIGATION | {"Sec-Fetch-Dest": "iframe"}
HTMX = FETCH | {"HX-Request": "true"}
POSTED = NAVIGATION | {"X-Auth-Request-Method": "POST", "Referer": f"{ORIGIN}/form"}


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(
        public_paths=("/open/*",),
        allowed_groups=("staff",),
        identity_headers=True,
        pass_access_token=True,
        pass_authorization=True,
    )


def eve(site: Site) -> Visitor:
    return site.person("eve", groups=("guests",), access_token="token of eve")


def assert_no_identity(site: Site) -> None:
    """Assert that the application sees what an anonymous visitor would show it, and nothing of the user."""
    seen = site.app.last
    assert site.app.identity is None
    if site.shell.is_asgi:
        assert not seen["user"].is_authenticated
        assert (seen["user"].display_name, seen["auth"].scopes) == ("", [])
    else:
        assert seen.keys().isdisjoint({"REMOTE_USER", "AUTH_TYPE"})
    for name in ("user", "email", "groups", "preferred-username", "access-token"):
        assert site.app.header(f"x-forwarded-{name}") == [""]
    assert site.app.header("authorization") == []
    assert site.app.header("cookie") == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_the_application_sees_no_identity_on_a_public_path(site: Site, method: str) -> None:
    visitor, spoofed = eve(site), {"X-Forwarded-User": "root", "Authorization": "Bearer root"}
    more: dict[str, Any] = {} if site.shell.is_asgi else {"REMOTE_USER": "root", "AUTH_TYPE": "Basic"}
    site.app.body = b"" if method == "HEAD" else b"public"
    for _ in range(3):  # nothing is remembered that a later request would be admitted by
        assert visitor.send(method, "/open/x", FETCH | spoofed, **more).status == 200
        assert_no_identity(site)
        assert visitor.send(method, "/secret", FETCH).status == 403
    assert len(site.app.seen) == 3


def test_a_user_who_is_admitted_is_known_beside_one_who_is_not(site: Site) -> None:
    refused, admitted = eve(site), site.person("alice", groups=("staff",))
    for _ in range(2):
        refused.get("/open/x")
        assert_no_identity(site)
        admitted.get("/open/x")
        assert site.app.header("x-forwarded-user") == ["alice"]


@pytest.mark.parametrize("headers", [NAVIGATION, FRAME], ids=["page", "frame"])
@pytest.mark.parametrize("auto_sign_in", [False, True])
def test_the_applications_own_401_becomes_the_403_page(
    make_site: MakeSite, headers: dict[str, str], auto_sign_in: bool
) -> None:
    site = make_site(public_paths=("/open/*",), allowed_groups=("staff",), auto_sign_in=auto_sign_in)
    site.app.status, site.app.body = "401 Unauthorized", b"its own words"
    visitor = eve(site)
    for _ in range(2):
        answer = visitor.get("/open/members?x=1", headers)
        assert (answer.status, answer.is_page, answer.all("location")) == (403, True, [])
        assert b"its own words" not in answer.body
        assert answer.all("www-authenticate") == []
        assert answer.header("cache-control") == "no-store"
        assert "You do not have access" in answer.text
        assert "prompt=select_account" in site.start_link(answer)
        assert site.rd(site.start_link(answer)) == site.own("/open/members?x=1")
    site.app.body = b""
    head = visitor.send("HEAD", "/open/members", headers)
    assert (head.status, head.body, head.is_page) == (403, b"", True)


def test_the_applications_own_401_to_a_program_stays(site: Site) -> None:
    """It is an answer that the program can read; a page would be none, and the program's user sees no page."""
    site.app.status = "401 Unauthorized"
    for method, headers in (("GET", FETCH), ("GET", HTMX), ("POST", NAVIGATION)):
        answer = eve(site).send(method, "/open/api", headers)
        assert (answer.status, answer.body) == (401, b"the application")


def test_a_challenge_that_browsers_answer_by_themselves_stays(site: Site) -> None:
    site.app.status = "401 Unauthorized"
    site.app.headers.append(("WWW-Authenticate", 'Basic realm="x"'))
    assert eve(site).get("/open/x", NAVIGATION).body == b"the application"


def test_the_session_is_kept_and_renewed(site: Site) -> None:
    visitor = eve(site)
    before = visitor.cookies[COOKIE]
    site.now += site.settings.session_idle_seconds / 2
    answer = visitor.get("/open/x", NAVIGATION)
    assert len(answer.all("set-cookie")) == 1
    assert answer.header("cache-control") == "private"
    assert visitor.cookies[COOKIE] != before
    assert_no_identity(site)
    site.now += site.settings.session_idle_seconds / 2 + 1
    assert visitor.get("/secret", NAVIGATION).status == 403


def test_userinfo_is_403_and_names_no_one(site: Site) -> None:
    visitor = eve(site)
    for headers in (NAVIGATION, FETCH, {}):
        answer = visitor.ask("userinfo", headers)
        assert (answer.status, answer.is_problem, answer.json["code"]) == (403, True, "access_denied")
        assert "eve" not in answer.text
        assert answer.header("cache-control") == "no-store"
        assert answer.all("www-authenticate") == []
    assert (visitor.ask("userinfo", method="HEAD").status, visitor.ask("userinfo", method="HEAD").body) == (
        403,
        b"",
    )
    assert site.person("alice", groups=("staff",)).ask("userinfo").json["sub"] == "alice"


@pytest.mark.parametrize("headers", [NAVIGATION, FRAME, POSTED], ids=["page", "frame", "form"])
@pytest.mark.parametrize("auto_sign_in", [False, True])
def test_sign_in_shows_the_403_page_with_the_request_id(
    make_site: MakeSite, headers: dict[str, str], auto_sign_in: bool, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(allowed_groups=("staff",), auto_sign_in=auto_sign_in)
    told = headers | {"X-Auth-Request-Redirect": site.own("/reports?x=1")}
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        page = eve(site).ask("sign_in", told)
    assert (page.status, page.is_page, page.all("refresh")) == (401, True, [])
    assert "You do not have access" in page.text
    assert "corp.example" in page.text
    assert "prompt=select_account" in site.start_link(page)
    assert site.rd(site.start_link(page)) == ("/form" if headers is POSTED else site.own("/reports?x=1"))
    line = next(record.getMessage() for record in caplog.records if "sign_in_page" in record.getMessage())
    assert line.split()[0] in page.text
    assert "signed in, refused by allowed_groups" in line


def test_sign_in_leads_nobody_who_is_signed_in_round_in_circles(site: Site) -> None:
    """To sign in once more would end here again: also where the query of one location refuses the user."""
    for visitor in (eve(site), site.person("alice", groups=("staff",))):
        for headers in (FETCH, HTMX, {}):
            answer = visitor.ask("sign_in", headers)
            assert (answer.status, answer.is_problem, answer.json["code"]) == (401, True, "access_denied")
            assert answer.all("hx-redirect") == []
        prefetch = visitor.ask("sign_in", NAVIGATION | {"Sec-Purpose": "prefetch"})
        assert (prefetch.status, prefetch.body) == (401, b"")
    known = site.person("alice", groups=("staff",)).ask("sign_in", NAVIGATION)
    assert "You do not have access" not in known.text
    assert "alice" in known.text
    assert "alice" in site.person("alice", groups=("staff",)).ask("sign_in", POSTED).text


def test_a_user_whom_the_rules_refuse_signs_in_to_403_and_may_sign_out(site: Site) -> None:
    visitor = site.visitor()
    signed_in = visitor.sign_in("/open/x")
    assert (signed_in.status, COOKIE in visitor.cookies) == (403, True)
    assert "You do not have access" in signed_in.text
    copy = site.visitor()
    copy.cookies = dict(visitor.cookies)
    out = visitor.ask("sign_out", {"Origin": ORIGIN}, "POST")
    assert (out.status, COOKIE in visitor.cookies) == (303, False)
    assert copy.get("/secret", FETCH).status == 401
    assert visitor.get("/open/x").status == 200


def test_the_log_says_why_there_is_no_identity(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        eve(site).get("/open/x")
        site.visitor().get("/open/x")
        eve(site).get("/secret", FETCH)
        eve(site).ask("userinfo")
    lines = [
        record.getMessage().partition(": ")[2] for record in caplog.records if record.name == "oidc_gate"
    ]
    assert lines == [
        "allowed: refused_on_public_path (allowed_groups) sub='eve'",
        "allowed: user_refused (allowed_groups): sub='eve'; groups: guests; looked for: staff",
        "allowed: public_path",
        "403: refused (allowed_groups) sub='eve'",
        "403: refused (allowed_groups) sub='eve'",
    ]


@pytest.mark.parametrize("origin", [ORIGIN, "https://other.example", None])
def test_a_websocket_on_a_public_path_has_no_identity(site: Site, origin: str | None) -> None:
    if not site.shell.is_asgi:
        pytest.skip("ASGI's alone")
    headers: dict[str, Any] = {"Origin": origin} if origin else {}
    for _ in range(2):
        assert connect(eve(site), "/open/socket", **headers).kind == "accepted"
        assert_no_identity(site)
        assert connect(eve(site), "/socket", **headers).status == 403

"""Somebody signed in: the application is told who, by nobody else; and who may not enter is told so."""

from __future__ import annotations

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site

SPELLINGS = ["X-Forwarded-User", "x_forwarded_user", "X_Forwarded-User", "X-FORWARDED_USER"]


def test_the_application_is_told_who_it_is(site: Site) -> None:
    visitor = site.person("alice", name="Alice", groups=("staff", "admins"))
    for _ in range(3):  # at first sight, and as recognised
        assert visitor.get("/reports").body == b"the application"
        identity = site.app.identity
        assert identity is not None
        assert (identity.subject, identity.email, identity.groups) == (
            "alice",
            "alice@corp.example",
            ("staff", "admins"),
        )
        assert identity.issuer == site.settings.issuer
        if site.shell.is_asgi:
            assert site.app.last["user"].display_name == "alice@corp.example"
            assert site.app.last["auth"].scopes == ["authenticated", "group:staff", "group:admins"]
        else:
            assert (site.app.last["REMOTE_USER"], site.app.last["AUTH_TYPE"]) == ("alice", "oidc_gate")


def test_user_claim_names_who_remote_user_is(make_site: MakeSite) -> None:
    site = make_site(user_claim="email", identity_headers=True)
    site.person().get("/")
    assert site.app.header("x-forwarded-user") == ["alice@corp.example"]
    assert site.app.last.get("REMOTE_USER", "alice@corp.example") == "alice@corp.example"


def test_the_path_query_and_mount_are_left_alone(site: Site) -> None:
    site.person().get("/a%20b?x=1&y=%2F")
    seen = site.app.last
    if site.shell.is_asgi:
        assert seen["path"] == site.own("/a b")
        assert (seen["root_path"], seen["query_string"]) == (site.shell.mount, b"x=1&y=%2F")
    else:
        assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == (site.shell.mount, "/a b")
        assert seen["QUERY_STRING"] == "x=1&y=%2F"


def test_anonymous_on_a_public_path_is_nobody_and_signed_in_is_known(site: Site) -> None:
    spoofed = {"Remote-User": "root", "X-Forwarded-User": "root"}
    more = {} if site.shell.is_asgi else {"REMOTE_USER": "root", "AUTH_TYPE": "Basic"}
    assert site.visitor().get("/open/x", spoofed, **more).status == 200
    assert site.app.identity is None
    assert "REMOTE_USER" not in site.app.last
    assert "AUTH_TYPE" not in site.app.last
    if site.shell.is_asgi:
        assert not site.app.last["user"].is_authenticated
        assert site.app.last["auth"].scopes == []
    site.person().get("/open/x")
    assert site.app.identity is not None


@pytest.mark.parametrize("who", ["nobody", "somebody", "recognised"])
def test_identity_headers_come_always_and_from_nobody_else(make_site: MakeSite, who: str) -> None:
    site = make_site(identity_headers=True, public_paths=("/open",))
    visitor = site.visitor() if who == "nobody" else site.person(groups=("staff", "a,b", "adm"))
    if who == "recognised":
        visitor.get("/open")
    for spelling in SPELLINGS:
        visitor.get("/open", {spelling: "root", spelling.replace("ser", "SER"): "root"})
        expected = ["", "", ""] if who == "nobody" else ["alice", "alice@corp.example", "staff,adm"]
        told = [site.app.header(f"x-forwarded-{name}") for name in ("user", "email", "groups")]
        assert told == [[value] for value in expected]


@pytest.mark.parametrize(
    "name",
    [
        "Remote-User",
        "Remote_User",
        "X-Auth-Request-User",
        "X_AUTH_REQUEST_EMAIL",
        "x-auth-request-groups",
        "X-Forwarded-Access-Token",
        "X-Auth-Request-Access-Token",
        "X-Forwarded-Preferred_Username",
        *SPELLINGS,
    ],
)
def test_what_carries_an_identity_is_stripped_without_being_asked(site: Site, name: str) -> None:
    for visitor in (site.person(), site.visitor()):
        for _ in range(2):
            visitor.get("/open/x", {name: "root"})
            assert site.app.header(name) == []


def test_other_headers_pass(site: Site) -> None:
    site.person().get("/", {"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer x", "X-Custom": "1"})
    for name, value in (("x-forwarded-for", "192.0.2.1"), ("authorization", "Bearer x"), ("x-custom", "1")):
        assert site.app.header(name) == [value]


def test_an_access_token_is_handed_on_where_asked_for(make_site: MakeSite) -> None:
    site = make_site(pass_access_token=True, pass_authorization=True)
    visitor = site.person(access_token="opaque")
    for _ in range(2):
        visitor.get("/", {"Authorization": "Bearer forged", "X-Forwarded-Access-Token": "forged"})
        assert site.app.header("x-forwarded-access-token") == ["opaque"]
        assert site.app.header("authorization") == ["Bearer opaque"]


def test_the_gates_cookies_are_taken_out_and_the_others_kept(site: Site) -> None:
    visitor = site.person()
    session = visitor.cookies[COOKIE]
    ours = f"{COOKIE}={session}; {COOKIE}.body=b; {COOKIE}.flow3=f; {COOKIE}.rounds=1.2"
    for header, expected in (
        (f"a=1; {ours}; b=2", ["a=1; b=2"]),
        (f"{ours}; b=2", ["b=2"]),
        (f"a=1; {ours}", ["a=1"]),
        (ours, []),
        (f"{COOKIE}={session}; {COOKIE}2=other; x{COOKIE}=y", [f"{COOKIE}2=other; x{COOKIE}=y"]),
        (f"a=1; {COOKIE}={session}; b=2", ["a=1; b=2"]),
    ):
        for _ in range(2):
            assert visitor.get("/", {"Cookie": header}).status == 200
            assert site.app.header("cookie") == expected
    site.visitor().get("/open/x", {"Cookie": f"a=1; {COOKIE}.flow3=f"})
    assert site.app.header("cookie") == ["a=1"]


def test_somebody_refused_gets_a_page_that_offers_another_account_and_never_a_redirect(
    make_site: MakeSite,
) -> None:
    site = make_site(allowed_groups=("staff",), auto_sign_in=True, public_paths=("/open",))
    visitor = site.person(groups=("guests",))
    for _ in range(3):
        answer = visitor.get("/reports?x=1", NAVIGATION)
        assert answer.status == 403
        assert answer.is_page
        assert "alice" in answer.text
        assert "prompt=select_account" in site.start_link(answer)
        assert site.rd(site.start_link(answer)) == site.own("/reports?x=1")
        assert answer.header("cache-control") == "no-store"
        assert answer.all("set-cookie") == []
        program = visitor.get("/reports", FETCH)
        assert (program.status, program.json["code"]) == (403, "access_denied")
    assert site.app.seen == []
    assert visitor.get("/open").status == 200
    assert site.app.identity is None


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/auth/", "/auth/x", "/static/../auth"])
def test_everything_below_the_prefix_is_the_gates(site: Site, path: str) -> None:
    for visitor in (site.visitor(), site.person()):
        visitor.get("/")  # so that somebody is recognised
        site.app.seen.clear()
        answer = visitor.get(site.shell.prefix + path)
        assert (answer.status, answer.json["code"]) == (404, "not_found")
        assert site.app.seen == []


def test_what_only_begins_like_the_prefix_is_the_applications(site: Site) -> None:
    visitor = site.person()
    for path in ("x", "x/auth", "-/"):
        for _ in range(2):
            assert visitor.get(site.shell.prefix + path).body == b"the application"
        assert site.visitor().get(site.shell.prefix + path).status == 401

"""An account that the rules refuse is signed in at the provider, and that opens nothing: it is no user here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.security.conftest import MakeSite
from tests.security.test_flow import bring, start
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Site, Visitor

SETTINGS: dict[str, Any] = {
    "public_paths": ("/", "/news/*"),
    "allowed_email_domains": ("corp.com",),
    "identity_headers": True,
    "pass_access_token": True,
    "pass_authorization": True,
}
BEHIND_A_PROXY: dict[str, Any] = {
    "public_url": ORIGIN,
    "trusted_proxies": ("192.0.2.7",),
    "original_uri_header": "X-Original-URI",
    "original_method_header": "X-Original-Method",
}
NEWS = {"X-Original-URI": "/news/members", "X-Original-Method": "GET"}


def eve(site: Site, **claims: Any) -> Visitor:
    """Sign an account in at the provider that the rules of the site refuse."""
    site.provider.person = {"sub": "eve", "email": "eve@evil.com", "email_verified": True} | claims
    visitor = site.visitor()
    assert bring(visitor, start(visitor)).status == 403
    return visitor


def assert_nothing_of_eve(site: Site) -> None:
    seen = site.app.last
    assert seen["oidc_gate.identity"] is None
    assert not {"REMOTE_USER", "AUTH_TYPE"} & seen.keys()
    assert "user" not in seen or not seen["user"].is_authenticated
    assert "eve" not in repr({key: value for key, value in seen.items() if key != "user"})


REFUSED = [
    {"email_verified": False, "email": "eve@corp.com"},
    {"email": "eve@evil.com"},
    {"email": "eve@evil.com@corp.com"},
    {"email": ""},
]


@pytest.mark.parametrize("claims", REFUSED, ids=str)
@pytest.mark.parametrize("path", ["/", "/news/members"])
def test_oidc_gate_2026_11_refused_is_not_anonymous_the_application_sees_nobody(
    make_site: MakeSite, path: str, claims: dict[str, Any]
) -> None:
    site = make_site(**SETTINGS)
    visitor = eve(site, **claims)
    for headers in (NAVIGATION, FETCH, {}, {"X-Forwarded-Email": "eve@corp.com"}):
        assert visitor.get(path, headers).status == 200
        assert_nothing_of_eve(site)
        assert [site.app.header(f"x-forwarded-{name}") for name in ("user", "email", "access-token")] == [
            [""]
        ] * 3
        assert site.app.header("authorization") == []


def test_oidc_gate_2026_11_refused_is_not_anonymous_once_the_rules_have_changed(make_site: MakeSite) -> None:
    """The session was made while the rules admitted its user; they are asked on every request."""
    before = make_site(**SETTINGS | {"allowed_email_domains": ("corp.com", "evil.com")})
    before.provider.person = {"sub": "eve", "email": "eve@evil.com", "email_verified": True}
    visitor = before.visitor()
    bring(visitor, start(visitor))
    assert visitor.get("/news/members").status == 200
    assert before.app.header("x-forwarded-email") == ["eve@evil.com"]
    after = make_site(**SETTINGS)
    late = after.visitor()
    late.cookies = visitor.cookies
    for _ in range(2):
        assert late.get("/news/members").status == 200
        assert_nothing_of_eve(after)


@pytest.mark.parametrize("endpoint", ["auth", "forward"])
@pytest.mark.parametrize(
    ("rules", "query"),
    [
        ({"allowed_email_domains": ("corp.com",)}, ""),
        ({"allowed_email_domains": ("evil.com",)}, "?allowed_groups=x"),
        ({"allowed_email_domains": ("evil.com",)}, "?allowed_emails=adam@evil.com"),
        ({"allowed_email_domains": ("corp.com",)}, "?allowed_email_domains=evil.com"),
    ],
)
def test_oidc_gate_2026_11_refused_is_not_anonymous_the_verdict_names_nobody(
    make_site: MakeSite, endpoint: str, rules: dict[str, Any], query: str
) -> None:
    site = make_site(**SETTINGS | BEHIND_A_PROXY | rules)
    site.provider.person = {"sub": "eve", "email": "eve@evil.com", "email_verified": True}
    visitor = site.visitor()
    bring(visitor, start(visitor))
    for _ in range(2):
        answer = visitor.ask(endpoint + query, NEWS)
        assert (answer.status, answer.body) == (202, b"")
        for name in ("user", "email", "groups", "preferred-username", "access-token"):
            assert answer.all(f"x-auth-request-{name}") == [""]
        assert answer.all("authorization") == [""]
        assert visitor.ask(endpoint + query, NEWS | {"X-Original-URI": "/members"}).status == 403
        assert visitor.ask(endpoint + query).status == 403


def test_oidc_gate_2026_11_refused_is_not_anonymous_userinfo_says_nothing(make_site: MakeSite) -> None:
    visitor = eve(make_site(**SETTINGS))
    for headers in (NAVIGATION, FETCH, {}):
        answer = visitor.ask("userinfo", headers)
        assert (answer.status, answer.json["code"]) == (403, "access_denied")
        assert "eve" not in answer.text


def test_oidc_gate_2026_11_refused_is_not_anonymous_and_no_loop(make_site: MakeSite) -> None:
    """What asks for a sign-in on a public path ends at 403: to sign in once more would lead here again."""
    site = make_site(**SETTINGS, auto_sign_in=True)
    visitor = eve(site)
    site.app.status = "401 Unauthorized"
    for target in ("/", "/news/members", "/members"):
        answer = visitor.navigate(target)
        assert (answer.status, answer.is_page) == (403, True)
        assert (answer.all("location"), answer.all("refresh")) == ([], [])
    shown = visitor.ask("sign_in", NAVIGATION)
    assert (shown.status, shown.is_page, shown.all("refresh")) == (401, True, [])
    assert "You do not have access" in shown.text

"""Habits of real providers that must not stop a sign-in, and what must stop it all the same."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_gate.errors import ProviderUnavailable
from tests.core.provider.jose import forge
from tests.core.provider.scripted import answer as answered
from tests.core.provider.scripted import sign
from tests.shells.conftest import MakeSite
from tests.shells.provider import ISSUER
from tests.shells.site import COOKIE, Site

ONLY_SUB = {"sub": "alice"}
REFUSED = answered({"error": "invalid_token"}, 401)


def pushing(make_site: MakeSite, wish: str = "auto", **metadata: Any) -> Site:
    site = make_site(pushed_authorization_requests=wish)
    site.provider.metadata |= {"pushed_authorization_request_endpoint": f"{ISSUER}/par"} | metadata
    return site


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 404, 405])
def test_an_endpoint_for_pushed_requests_that_is_not_there_is_gone_round(
    make_site: MakeSite, status: int
) -> None:
    """Spring Authorization Server announces it while it is switched off."""
    site = pushing(make_site)
    site.provider.instead["par"] = answered(b"", status, location="/login")
    started = site.visitor().navigate(site.path("start"))
    asked = parse_qs(urlsplit(started.header("location")).query)
    assert started.status == 302
    assert "request_uri" not in asked
    assert asked["code_challenge_method"] == ["S256"]
    assert site.visitor().sign_in().status == 302


@pytest.mark.parametrize("status", [302, 404, 405])
@pytest.mark.parametrize(
    ("wish", "metadata"),
    [("always", {}), ("auto", {"require_pushed_authorization_requests": True})],
)
def test_it_is_never_gone_round_where_pushed_requests_are_required(
    make_site: MakeSite, status: int, wish: str, metadata: Any
) -> None:
    site = pushing(make_site, wish, **metadata)
    site.provider.instead["par"] = answered(b"", status, location="/login")
    started = site.visitor().navigate(site.path("start"))
    assert (started.status, started.all("location")) == (502, [])


@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
def test_a_pushed_request_that_is_refused_is_not_sent_through_the_browser(
    make_site: MakeSite, status: int
) -> None:
    site = pushing(make_site)
    site.provider.instead["par"] = answered({"error": "invalid_request"}, status)
    started = site.visitor().navigate(site.path("start"))
    assert (started.status in (502, 503), started.all("location")) == (True, [])


@pytest.mark.parametrize("instead", [REFUSED, answered({}, 403), answered(b"<html>"), answered(b"", 302)])
def test_userinfo_that_fails_does_not_undo_a_sign_in(
    site: Site, caplog: pytest.LogCaptureFixture, instead: Any
) -> None:
    site.provider.person, site.provider.instead["userinfo"] = ONLY_SUB, instead
    visitor = site.visitor()
    assert (visitor.sign_in().status, COOKIE in visitor.cookies) == (302, True)
    assert site.provider.fetches.count("userinfo") == 1
    assert "userinfo_failed: only the claims of the ID token are used: " in caplog.text
    visitor.get("/")
    assert (site.app.identity.subject, site.app.identity.email) == ("alice", "")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "claims", "status"),
    [
        ({"allowed_emails": ("alice@corp.example",)}, {}, 502),
        ({"allowed_email_domains": ("corp.example",)}, {}, 502),
        ({"allowed_groups": ("staff",)}, {}, 502),
        ({"user_claim": "preferred_username"}, {}, 502),
        ({"allowed_groups": ("staff",)}, {"groups": ["staff"]}, 302),
        (
            {"allowed_email_domains": ("corp.example",)},
            {"email": "a@corp.example", "email_verified": True},
            302,
        ),
    ],
)
def test_userinfo_that_fails_undoes_it_where_a_rule_needs_a_claim(
    make_site: MakeSite, settings: Any, claims: Any, status: int
) -> None:
    site = make_site(**settings)
    site.provider.person, site.provider.instead["userinfo"] = ONLY_SUB | claims, REFUSED
    visitor = site.visitor()
    assert (visitor.sign_in().status, COOKIE in visitor.cookies) == (status, status == 302)


def test_userinfo_of_another_user_undoes_it_always(site: Site) -> None:
    site.provider.person = ONLY_SUB
    site.provider.instead["userinfo"] = answered({"sub": "mallory", "email": "alice@corp.example"})
    visitor = site.visitor()
    page = visitor.sign_in()
    assert (page.status, "<code>userinfo_sub</code>" in page.text, visitor.cookies.get(COOKIE)) == (
        502,
        True,
        None,
    )


def test_userinfo_that_is_away_is_asked_again_later(site: Site) -> None:
    site.provider.person = ONLY_SUB
    site.provider.instead["userinfo"] = ProviderUnavailable("provider_timeout", "Away.")
    assert site.visitor().sign_in().status == 503


def test_an_id_token_encrypted_with_the_default_of_a_registration_is_opened(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenID Connect Dynamic Client Registration §2: ``id_token_encrypted_response_enc``."""
    key = forge.private_key("RSA", 1)
    site = make_site(id_token_decryption_key=json.dumps(key.as_dict(private=True)))
    monkeypatch.setattr(
        "tests.shells.provider.sign", lambda claims: forge.encrypt(sign(claims), enc="A128CBC-HS256", key=key)
    )
    visitor = site.visitor()
    assert (visitor.sign_in().status, COOKIE in visitor.cookies) == (302, True)

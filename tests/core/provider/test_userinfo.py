"""Userinfo: when it is asked, and what of it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jws

from oidc_gate.effects import Fetched
from oidc_gate.errors import GateError, IDTokenError, ProviderError, ProviderUnavailable
from oidc_gate.provider.client import Provider
from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.token import TokenResponse
from oidc_gate.provider.userinfo import fetch_userinfo, merge_claims, needs_userinfo

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, Scripted, answer, world

WHOLE = {"sub": "sub-1", "email": "a@corp.example", "name": "A"}


@pytest.mark.parametrize(
    ("claims", "changes", "about", "needed"),
    [
        (WHOLE, {}, {}, False),
        ({"sub": "sub-1"}, {}, {}, True),
        ({"sub": "sub-1"}, {}, {"userinfo_endpoint": None}, False),
        ({"sub": "sub-1"}, {"scopes": ("openid",)}, {}, False),
        ({"sub": "sub-1", "email": "a@x"}, {}, {}, True),
        ({"sub": "sub-1", "email": "a@x", "preferred_username": "a"}, {}, {}, False),
        ({"sub": "sub-1"}, {"scopes": ("openid",), "allowed_emails": ("a@x.example",)}, {}, True),
        (WHOLE, {"allowed_groups": ("g",)}, {}, True),
        (WHOLE | {"groups": []}, {"allowed_groups": ("g",)}, {}, False),
        (WHOLE, {"groups_claim": "realm_access.roles"}, {}, True),
        (WHOLE | {"realm_access": {"roles": []}}, {"groups_claim": "realm_access.roles"}, {}, False),
        (WHOLE | {"realm_access": []}, {"groups_claim": "realm_access.roles"}, {}, True),
        (WHOLE | {"a.b": []}, {"groups_claim": "a.b"}, {}, False),
        (WHOLE, {"user_claim": "upn"}, {}, True),
        (WHOLE, {}, {"claims_supported": ["sub", "groups"]}, True),
        (WHOLE, {}, {"claims_supported": ["sub"]}, False),
    ],
)
def test_when_it_is_needed(
    claims: Mapping[str, Any], changes: dict[str, Any], about: dict[str, Any], needed: bool
) -> None:
    document = {name: value for name, value in (dict(METADATA) | about).items() if value is not None}
    metadata = process_discovery(answer(document), ISSUER)
    if "allowed_emails" in changes or "allowed_groups" in changes:
        changes = changes | {"allow_everyone": False}
    assert needs_userinfo(claims, op.settings(**changes), metadata) is needed


def fetch(given: op.Answers | list[op.Answers], *, token_type: str = "Bearer", **changes: Any) -> Any:
    scripted, provider = world(userinfo=given), Provider(op.settings(**changes))
    tokens = TokenResponse("i", "at-1", token_type)
    return scripted.drive(fetch_userinfo(provider, tokens, sub="sub-1")), scripted


def test_plain_json() -> None:
    claims, scripted = fetch(answer(WHOLE))
    assert claims == WHOLE
    sent = scripted.fetches[-1]
    assert (sent.method, sent.url, sent.body) == ("GET", ISSUER + "/userinfo", None)
    assert dict(sent.headers)["Authorization"] == "Bearer at-1"


def signed(by: Any = None, **changes: Any) -> Fetched:
    claims = {"iss": ISSUER, "aud": CLIENT, **WHOLE} | changes
    return answer(op.sign(claims, by).encode(), content_type="application/jwt")


def test_signed() -> None:
    claims, _ = fetch(signed())
    assert claims["email"] == "a@corp.example"


NONE = b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdWItMSJ9."


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (answer({"sub": "sub-2"}), IDTokenError, "userinfo_sub"),
        (answer({}), IDTokenError, "userinfo_sub"),
        (answer({"sub": ["sub-1"]}), IDTokenError, "userinfo_sub"),
        (answer({"sub": "SUB-1"}), IDTokenError, "userinfo_sub"),
        (signed(sub="sub-2"), IDTokenError, "userinfo_sub"),
        (signed(iss="https://evil.example"), IDTokenError, "userinfo_iss"),
        (signed(aud="other"), IDTokenError, "userinfo_aud"),
        (signed(op.key("unknown")), IDTokenError, "userinfo_kid"),
        (answer(NONE, content_type="application/jwt"), IDTokenError, "userinfo_alg"),
        (answer(WHOLE, content_type="text/html"), ProviderError, "provider_answer"),
        (answer(b"x"), ProviderError, "provider_answer"),
        (answer(WHOLE, 401), ProviderError, "userinfo_refused"),
        (answer(WHOLE, 302), ProviderError, "provider_redirect"),
        (answer(WHOLE, 500), ProviderUnavailable, "provider_failing"),
    ],
)
def test_answers_that_are_refused(given: op.Answers, kind: type[GateError], code: str) -> None:
    with pytest.raises(kind) as caught:
        fetch(given)
    assert caught.value.code == code
    assert "at-1" not in str(caught.value)


def test_dpop_with_the_nonce_of_the_resource() -> None:
    wants = answer({}, 401, dpop_nonce="n1")
    _, scripted = fetch([wants, answer(WHOLE)], token_type="DPoP", dpop=True)
    headers = dict(scripted.fetches[-1].headers)
    assert headers["Authorization"] == "DPoP at-1"
    claims = jws.extract_compact(headers["DPoP"].encode()).payload
    assert b'"nonce":"n1"' in claims
    assert b'"ath":' in claims
    assert f'"htu":"{ISSUER}/userinfo"'.encode() in claims


@pytest.mark.parametrize(
    ("status", "nonce", "is_sent_again"),
    [(401, "n", True), (401, "n" * 512, True), (401, "n" * 513, False), (401, "", False), (400, "n1", False)],
)
def test_which_nonces_are_taken(status: int, nonce: str, is_sent_again: bool) -> None:
    given: list[op.Answers] = [answer({}, status, dpop_nonce=nonce), answer(WHOLE)]
    if is_sent_again:
        _, scripted = fetch(given, token_type="DPoP", dpop=True)
        assert scripted.fetches[-1].url == f"{ISSUER}/userinfo"
        return
    with pytest.raises(GateError):
        fetch(given, token_type="DPoP", dpop=True)


def test_without_dpop_a_nonce_is_of_no_use() -> None:
    with pytest.raises(ProviderError):
        fetch([answer({}, 401, dpop_nonce="n1"), answer(WHOLE)])


def test_a_nonce_is_not_asked_for_twice() -> None:
    wants = answer({}, 401, dpop_nonce="n1")
    with pytest.raises(ProviderError):
        fetch([wants, wants], token_type="DPoP", dpop=True)


@pytest.mark.parametrize(
    ("id_token", "userinfo", "merged"),
    [
        ({"sub": "1"}, {"sub": "1", "name": "A"}, {"sub": "1", "name": "A"}),
        ({"sub": "1", "name": "A"}, {"sub": "1", "name": "B"}, {"sub": "1", "name": "A"}),
        # what speaks of the token comes from the token
        ({"sub": "1"}, {"sub": "1", "acr": "gold", "auth_time": 1, "sid": "s", "iss": "x"}, {"sub": "1"}),
        # a flag comes from where its value came from
        ({"email_verified": True}, {"email": "b@x"}, {"email": "b@x"}),
        (
            {"email_verified": True},
            {"email": "b@x", "email_verified": False},
            {"email": "b@x", "email_verified": False},
        ),
        ({"email": "a@x"}, {"email": "b@x", "email_verified": True}, {"email": "a@x"}),
        (
            {"email": "a@x", "email_verified": True},
            {"email": "a@x", "email_verified": False},
            {"email": "a@x", "email_verified": True},
        ),
    ],
)
def test_merging(id_token: dict[str, Any], userinfo: dict[str, Any], merged: dict[str, Any]) -> None:
    assert dict(merge_claims(id_token, userinfo)) == merged


def test_userinfo_keys_are_renewed_too() -> None:
    scripted, provider = world(), Provider(op.settings())
    scripted.drive(provider.keys())
    new = op.key("k2")
    scripted.answers |= {ISSUER + "/jwks": answer(op.jwks(new)), ISSUER + "/userinfo": signed(new)}
    step = fetch_userinfo(provider, TokenResponse("i", "at", "Bearer"), sub="sub-1")
    assert scripted.drive(step)["name"] == "A"
    assert isinstance(scripted, Scripted)

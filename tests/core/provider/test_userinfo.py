"""Userinfo: when it is asked, and what of it is believed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jws

from oidc_gate.effects import Fetched
from oidc_gate.errors import GateError, IDTokenError, ProviderError, ProviderUnavailable
from oidc_gate.provider.client import Provider
from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.token import TokenResponse
from oidc_gate.provider.userinfo import (
    AccessTokenRefused,
    fetch_userinfo,
    has_claim,
    merge_claims,
    needs_userinfo,
    rules_need_userinfo,
)
from oidc_gate.settings import Settings

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, Scripted, answer, world

RULES = {"allowed_emails", "allowed_email_domains", "allowed_groups"}


def admitting(changes: dict[str, Any]) -> Settings:
    return op.settings(**{"allow_everyone": RULES.isdisjoint(changes)}, **changes)


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
        (WHOLE, {"scopes": ("openid", "email", "profile", "groups")}, {}, True),
        (WHOLE | {"groups": []}, {"scopes": ("openid", "groups")}, {}, False),
        ({"sub": "sub-1"}, {"scopes": ("openid", "email")}, {}, True),
        ({"sub": "sub-1", "email": "a@x"}, {"scopes": ("openid", "email")}, {}, False),
        ({"sub": "sub-1"}, {"scopes": ("openid", "profile")}, {}, True),
        ({"sub": "sub-1", "name": "A"}, {"scopes": ("openid", "profile")}, {}, False),
        ({"sub": "sub-1"}, {"scopes": ("openid",), "allowed_email_domains": ("x.example",)}, {}, True),
        ({"sub": "sub-1", "mail": "a@x"}, {"scopes": ("openid", "email"), "email_claim": "mail"}, {}, False),
    ],
)
def test_when_it_is_needed(
    claims: Mapping[str, Any], changes: dict[str, Any], about: dict[str, Any], needed: bool
) -> None:
    document = {name: value for name, value in (dict(METADATA) | about).items() if value is not None}
    metadata = process_discovery(answer(document), ISSUER)
    assert needs_userinfo(claims, admitting(changes), metadata) is needed


@pytest.mark.parametrize(
    ("claims", "changes", "needed"),
    [
        ({"sub": "1"}, {}, False),
        ({}, {}, True),
        ({"sub": "1"}, {"user_claim": "upn"}, True),
        ({"upn": "1"}, {"user_claim": "upn"}, False),
        ({"sub": "1"}, {"allowed_groups": ("g",)}, True),
        ({"sub": "1", "groups": []}, {"allowed_groups": ("g",)}, False),
        ({"sub": "1", "roles": []}, {"allowed_groups": ("g",), "groups_claim": "roles"}, False),
        ({"sub": "1"}, {"groups_claim": "roles"}, False),
        ({"sub": "1"}, {"allowed_emails": ("a@x.example",)}, True),
        ({"sub": "1"}, {"allowed_email_domains": ("x.example",)}, True),
        ({"sub": "1", "email": ""}, {"allowed_emails": ("a@x.example",)}, False),
        ({"sub": "1", "email": ""}, {"allowed_email_domains": ("x.example",)}, False),
        ({"sub": "1", "mail": ""}, {"allowed_email_domains": ("x.example",), "email_claim": "mail"}, False),
        (
            {"sub": "1", "email": ""},
            {"allowed_email_domains": ("x.example",), "allowed_groups": ("g",)},
            True,
        ),
    ],
)
def test_when_a_rule_cannot_do_without_it(
    claims: Mapping[str, Any], changes: dict[str, Any], needed: bool
) -> None:
    assert rules_need_userinfo(claims, admitting(changes)) is needed


@pytest.mark.parametrize(
    ("claims", "path", "is_there"),
    [
        ({"a": None}, "a", True),
        ({"a": 1}, "b", False),
        ({"a.b": 1}, "a.b", True),
        ({"a": {"b": None}}, "a.b", True),
        ({"a": {"b": {"c": 1}}}, "a.b.c", True),
        ({"a": {"b": {"c": 1}}}, "a.b.d", False),
        ({"a": {"c": 1}, "b": 1}, "a.b", False),
        ({"a": ["b"]}, "a.b", False),
        ({"a": "b"}, "a.b", False),
        ({}, "", False),
    ],
)
def test_a_claim_that_is_there(claims: Mapping[str, Any], path: str, is_there: bool) -> None:
    assert has_claim(claims, path) is is_there


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


def test_an_access_token_that_is_not_accepted_has_an_error_of_its_own() -> None:
    for status, kind in (
        (401, AccessTokenRefused),
        (400, ProviderError),
        (403, ProviderError),
        (204, ProviderError),
    ):
        with pytest.raises(ProviderError) as caught:
            fetch(answer(WHOLE, status))
        assert type(caught.value) is kind
        assert (caught.value.code, caught.value.detail) == ("userinfo_refused", f"userinfo: status {status}")


def test_claims_of_another_user_are_named() -> None:
    with pytest.raises(IDTokenError) as caught:
        fetch(answer({"sub": "sub-2\n"}))
    assert caught.value.detail == "userinfo: sub: expected 'sub-1', got 'sub-2?'"


@pytest.mark.parametrize("body", [b" \n%b\r\n", b"%b"])
def test_a_signed_answer_between_blanks(body: bytes) -> None:
    token = op.sign({"sub": "sub-1", "name": "A"}).encode()
    claims, _ = fetch(answer(body % token, content_type="Application/JWT; charset=utf-8"))
    assert dict(claims) == {"sub": "sub-1", "name": "A"}
    with pytest.raises(TypeError):
        claims["sub"] = "root"


def test_a_signed_answer_that_is_not_ascii() -> None:
    with pytest.raises(IDTokenError) as caught:
        fetch(answer(b"\xff.b.c", content_type="application/jwt"))
    assert caught.value.code == "userinfo_format"


@pytest.mark.parametrize(("algorithms", "is_taken"), [(("RS512", "RS256"), True), (("RS512",), False)])
def test_a_signed_answer_uses_an_algorithm_of_the_settings(
    algorithms: tuple[str, ...], is_taken: bool
) -> None:
    """Not that of the registration, which is about ID tokens."""
    about = {
        name: value for name, value in METADATA.items() if name != "id_token_signing_alg_values_supported"
    }
    settings = op.settings(id_token_algorithms=algorithms, id_token_signed_response_alg="RS512")
    tokens = TokenResponse("i", "at-1", "Bearer")
    step = fetch_userinfo(Provider(settings), tokens, sub="sub-1")
    if is_taken:
        assert world(about, userinfo=signed()).drive(step)["name"] == "A"
        return
    with pytest.raises(IDTokenError) as caught:
        world(about, userinfo=signed()).drive(step)
    assert caught.value.code == "userinfo_alg"


def test_a_client_with_a_certificate_asks_at_the_alias() -> None:
    alias = "https://mtls.op.example/userinfo"
    scripted = world(dict(METADATA) | {"mtls_endpoint_aliases": {"userinfo_endpoint": alias}})
    scripted.answers[alias] = answer(WHOLE)
    provider = Provider(op.settings(client_secret=None, client_certificate=__file__))
    tokens = TokenResponse("i", "at-1", "Bearer")
    assert scripted.drive(fetch_userinfo(provider, tokens, sub="sub-1")) == WHOLE
    assert scripted.fetches[-1].url == alias
    provider = Provider(op.settings(client_secret=None))
    scripted.drive(fetch_userinfo(provider, tokens, sub="sub-1"))
    assert scripted.fetches[-1].url == f"{ISSUER}/userinfo"


def test_dpop_with_the_nonce_of_the_resource() -> None:
    wants = answer({}, 401, dpop_nonce="n1")
    _, scripted = fetch([wants, answer(WHOLE)], token_type="DPoP", dpop=True)
    headers = dict(scripted.fetches[-1].headers)
    assert headers["Authorization"] == "DPoP at-1"
    proofs = [dict(fetch.headers)["DPoP"].encode() for fetch in scripted.fetches[-2:]]
    first, second = (json.loads(jws.extract_compact(proof).payload) for proof in proofs)
    hashed = hashlib.sha256(b"at-1").digest()
    assert first == {
        "jti": "AAECAwQFBgcICQoLDA0ODw",
        "htm": "GET",
        "htu": ISSUER + "/userinfo",
        "iat": op.START,
        "ath": base64.urlsafe_b64encode(hashed).decode().rstrip("="),
    }
    assert second == first | {"nonce": "n1"}


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


def test_without_a_nonce_nothing_is_sent_again() -> None:
    with pytest.raises(AccessTokenRefused):
        fetch([answer({}, 401), answer(WHOLE)], token_type="DPoP", dpop=True)


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
        (
            {"phone_number": "1"},
            {"phone_number": "2", "phone_number_verified": True, "email_verified": True},
            {"phone_number": "1", "email_verified": True},
        ),
        ({"phone_number_verified": True}, {"phone_number": "2"}, {"phone_number": "2"}),
    ],
)
def test_merging(id_token: dict[str, Any], userinfo: dict[str, Any], merged: dict[str, Any]) -> None:
    assert dict(merge_claims(id_token, userinfo)) == merged


OF_THE_TOKEN = [
    *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "c_hash", "s_hash"),
    *("auth_time", "acr", "amr", "sid"),
]


@pytest.mark.parametrize("name", OF_THE_TOKEN)
def test_userinfo_says_nothing_about_the_token(name: str) -> None:
    assert dict(merge_claims({"a": 1}, {name: "x", name + "2": "y"})) == {"a": 1, name + "2": "y"}
    with pytest.raises(TypeError):
        merge_claims({}, {})["a"] = 1  # type: ignore[index]


def test_userinfo_keys_are_renewed_too() -> None:
    scripted, provider = world(), Provider(op.settings())
    scripted.drive(provider.keys())
    new = op.key("k2")
    scripted.answers |= {ISSUER + "/jwks": answer(op.jwks(new)), ISSUER + "/userinfo": signed(new)}
    step = fetch_userinfo(provider, TokenResponse("i", "at", "Bearer"), sub="sub-1")
    assert scripted.drive(step)["name"] == "A"
    assert isinstance(scripted, Scripted)

"""The refresh: what is kept of the answer, who is refused, and what the provider says about the user then."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws

from oidc_gate.effects import Fetched
from oidc_gate.errors import CallbackError, GateError, IDTokenError, ProviderError
from oidc_gate.provider.client import Provider
from oidc_gate.provider.refresh import NewTokens, ask_userinfo, exchange_refresh_token, identify
from oidc_gate.provider.token import TokenResponse

from . import scripted as op
from .scripted import ISSUER, METADATA, START, Scripted, answer, world

TOKENS = {"token_type": "Bearer", "access_token": "at-2"}


def refresh(given: op.Answers | list[op.Answers], **changes: Any) -> tuple[NewTokens, Scripted]:
    scripted = world(token=given)
    return scripted.drive(exchange_refresh_token(Provider(op.settings(**changes)), "rt-1")), scripted


def refused(given: op.Answers | list[op.Answers], **changes: Any) -> GateError:
    with pytest.raises(GateError) as caught:
        refresh(given, **changes)
    return caught.value


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, NewTokens(TokenResponse("", "at-2", "Bearer", None, "rt-1"), 0)),
        ({"refresh_token": ""}, NewTokens(TokenResponse("", "at-2", "Bearer", None, "rt-1"), 0)),
        (
            {"refresh_token": "rt-2", "id_token": "x.y.z", "expires_in": 300},
            NewTokens(TokenResponse("x.y.z", "at-2", "Bearer", 300, "rt-2"), START + 300),
        ),
        ({"expires_in": 0}, NewTokens(TokenResponse("", "at-2", "Bearer", 0, "rt-1"), START)),
    ],
)
def test_the_tokens_of_a_session_after_a_refresh(more: dict[str, Any], expected: NewTokens) -> None:
    new, scripted = refresh(answer(TOKENS | more))
    assert new == expected
    assert scripted.urls()[1:] == [ISSUER + "/token"]
    for secret in ("rt-1", "rt-2", "at-2", "x.y.z"):
        assert secret not in repr(new)


@pytest.mark.parametrize(
    ("expires_in", "expected"),
    [
        (1, 1),
        (299.9, 299),
        ("300", 300),
        ("1234567890", None),
        ("0123456789", 123456789),
        ("00000000060", None),
        ("-1", None),
        ("6O", None),
        (True, None),
        (None, None),
        ([300], None),
        (10 * 366 * 86_400 - 1, 10 * 366 * 86_400 - 1),
        (10 * 366 * 86_400, None),
        (-10 * 366 * 86_400, None),
        (1e300, None),
    ],
)
def test_how_long_the_access_token_lasts(expires_in: object, expected: int | None) -> None:
    assert refresh(answer(TOKENS | {"expires_in": expires_in}))[0].tokens.expires_in == expected


def test_the_access_token_lasts_from_before_the_request() -> None:
    scripted = world()

    def late(_: object) -> Fetched:
        scripted.now += 100
        return answer(TOKENS | {"expires_in": 300})

    scripted.answers[ISSUER + "/token"] = late
    assert scripted.drive(exchange_refresh_token(Provider(op.settings()), "rt-1")).expires_at == START + 300


@pytest.mark.parametrize(
    "error",
    [
        "invalid_grant",
        "access_denied",
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
    ],
)
@pytest.mark.parametrize("status", [400, 200])
def test_a_user_who_must_not_go_on(error: str, status: int) -> None:
    caught = refused(answer({"error": error, "error_description": "no rt-1"}, status))
    assert type(caught) is CallbackError
    assert (caught.code, caught.status) == ("invalid_grant", 400)
    assert caught.detail == f"token endpoint: status {status}, error '{error}': 'no (hidden)'"


@pytest.mark.parametrize(
    ("error", "code", "ending"),
    [
        (
            "invalid_client",
            "invalid_client",
            "; sent: client_id 'client 1', redirect_uri '', client_auth client_secret_basic, scopes 'openid email "
            "profile'. Fix: the provider does not know this client, or refuses its authentication: compare "
            "client_id, client_secret and client_auth with what is registered",
        ),
        ("server_error", "token_refused", ""),
        ("made_up", "token_refused", ""),
        ("invalid_target", "invalid_target", None),
    ],
)
def test_an_error_that_is_not_about_the_user(error: str, code: str, ending: str | None) -> None:
    caught = refused(answer({"error": error, "error_description": f"rt-1 {op.SECRET}"}, 400))
    assert type(caught) is ProviderError
    assert caught.code == code
    start = f"token endpoint: status 400, error '{error}': '(hidden) (hidden)'"
    assert caught.detail.startswith(start)
    assert ending is None or caught.detail == start + ending


def test_errors_about_the_user_are_other_errors_at_the_sign_in() -> None:
    """There they come in the authorization response; at the token endpoint they show a provider that is broken."""
    from oidc_gate.provider.token import process_token_response

    with pytest.raises(ProviderError) as caught:
        process_token_response(answer({"error": "access_denied"}, 400), dpop=False, secrets=(), sent="")
    assert caught.value.code == "token_refused"


@pytest.mark.parametrize("id_token", ["", None, 7, ["x.y.z"]])
def test_an_id_token_that_is_there_and_unusable_is_refused(id_token: object) -> None:
    assert refused(answer(TOKENS | {"id_token": id_token})).code == "id_token_missing"


def test_a_nonce_that_the_provider_requires_is_sent_once() -> None:
    wants = answer({"error": "use_dpop_nonce"}, 400, dpop_nonce="n1")
    bound = TOKENS | {"token_type": "DPoP"}
    new, scripted = refresh([wants, answer(bound)], dpop=True)
    assert new.tokens == TokenResponse("", "at-2", "DPoP", None, "rt-1")
    assert scripted.urls()[1:] == [ISSUER + "/token"] * 2
    assert scripted.fetches[1].body == scripted.fetches[2].body
    proofs = [dict(fetch.headers)["DPoP"].encode() for fetch in scripted.fetches[1:]]
    first, second = (json.loads(jws.extract_compact(proof).payload) for proof in proofs)
    assert (first["htm"], first["htu"], "nonce" in first) == ("POST", ISSUER + "/token", False)
    assert second == first | {"nonce": "n1"}
    assert refused([wants, wants], dpop=True).code == "use_dpop_nonce"
    assert refused(answer(TOKENS), dpop=True).code == "provider_answer"


def test_without_dpop_no_nonce_is_sent() -> None:
    wants = answer({"error": "use_dpop_nonce"}, 400, dpop_nonce="n1")
    assert refused([wants, answer(TOKENS)]).code == "use_dpop_nonce"


# --- the user ---------------------------------------------------------------------------------------

NEW = NewTokens(TokenResponse("", "at", "Bearer", None, "rt-1"), START + 7)


def who(new: NewTokens, scripted: Scripted | None = None, sub: str = "sub-1") -> Any:
    return (scripted or world()).drive(identify(Provider(op.settings()), new, sub))


def with_id_token(expires_at: int, **changes: Any) -> NewTokens:
    token = op.id_token(nonce=None, **changes)
    return NewTokens(replace(NEW.tokens, id_token=token), expires_at)


def test_a_provider_that_says_nothing_about_the_user() -> None:
    document = {name: value for name, value in METADATA.items() if name != "userinfo_endpoint"}
    assert who(NEW, world(document)) == (None, START + 7)


def test_userinfo_takes_the_place_of_an_id_token() -> None:
    assert who(NEW) == ({"sub": "sub-1", "email": "a@corp.example", "name": "A"}, START + 7)
    with pytest.raises(IDTokenError) as caught:
        who(NEW, sub="sub-2")
    assert caught.value.code == "userinfo_sub"


@pytest.mark.parametrize(("expires_at", "expected"), [(START + 7, START + 7), (0, START + 300)])
def test_an_id_token_is_complemented_by_userinfo(expires_at: int, expected: int) -> None:
    claims, lasts = who(with_id_token(expires_at))
    assert (claims["email"], claims["iat"], lasts) == ("a@corp.example", START, expected)


def test_an_id_token_about_another_user() -> None:
    with pytest.raises(IDTokenError) as caught:
        who(with_id_token(0, sub="sub-2"))
    assert caught.value.detail == "id_token: sub: expected 'sub-1', got 'sub-2'"


@pytest.mark.parametrize(("dpop", "scheme"), [(False, "Bearer"), (True, "DPoP")])
def test_userinfo_is_asked_with_the_kind_of_token_that_the_settings_require(dpop: bool, scheme: str) -> None:
    scripted = world()
    claims = scripted.drive(ask_userinfo(Provider(op.settings(dpop=dpop)), "at-1", "sub-1"))
    assert claims == {"sub": "sub-1", "email": "a@corp.example", "name": "A"}
    assert dict(scripted.fetches[-1].headers)["Authorization"] == f"{scheme} at-1"
    assert ("DPoP" in dict(scripted.fetches[-1].headers)) is dpop

"""The token endpoint: what it may answer, and what becomes of everything else."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from oidc_gate.errors import CallbackError, GateError, ProviderError, ProviderUnavailable
from oidc_gate.provider.authorization import ValidatedCallback, process_authorization_response
from oidc_gate.provider.client import Provider
from oidc_gate.provider.token import TokenResponse, exchange_code, process_token_response, validate

from . import scripted as op
from .scripted import ISSUER, METADATA, Scripted, answer, world

TOKENS = {"token_type": "Bearer", "access_token": "at", "id_token": "x.y.z"}


def callback(provider: Provider, scripted: Scripted) -> ValidatedCallback:
    pairs = [("code", op.CODE), ("state", op.STATE)]
    return process_authorization_response(
        pairs, scripted.drive(provider.metadata()), expected_state=op.STATE, sent=""
    )


def exchange(scripted: Scripted, **changes: Any) -> TokenResponse:
    provider = Provider(op.settings(**changes))
    step = exchange_code(
        provider, callback(provider, scripted), redirect_uri=op.REDIRECT, code_verifier=op.VERIFIER
    )
    return scripted.drive(step)


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_tokens(token_type: str, content_type: str) -> None:
    given = answer(TOKENS | {"token_type": token_type}, content_type=content_type)
    tokens = exchange(world(token=given))
    assert (tokens.id_token, tokens.access_token, tokens.token_type) == ("x.y.z", "at", "Bearer")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (answer(TOKENS, content_type="text/html"), "provider_answer"),
        (answer(TOKENS, content_type=""), "provider_answer"),
        (answer(b""), "provider_answer"),
        (answer(b"<html>"), "provider_answer"),
        (answer([]), "provider_answer"),
        (answer(TOKENS | {"token_type": "mac"}), "provider_answer"),
        (answer(TOKENS | {"token_type": "DPoP"}), "provider_answer"),
        (answer(TOKENS | {"token_type": None}), "provider_answer"),
        (answer(TOKENS | {"access_token": ""}), "provider_answer"),
        (answer(TOKENS | {"access_token": 1}), "provider_answer"),
        (answer(TOKENS | {"access_token": "a\r\nX: y"}), "provider_answer"),
        (answer(TOKENS | {"access_token": "ü"}), "provider_answer"),
        (answer(TOKENS | {"access_token": "x" * 131_073}), "provider_answer"),
        (answer(TOKENS | {"id_token": None}), "id_token_missing"),
        (answer(TOKENS | {"id_token": ""}), "id_token_missing"),
        (answer(TOKENS | {"id_token": "x" * 524_289}), "id_token_missing"),
        (answer(TOKENS, 201), "token_refused"),
        (answer(TOKENS, 302, location="https://evil.example"), "provider_redirect"),
        (answer(TOKENS, 307, location="https://evil.example"), "provider_redirect"),
        (answer({"error": "invalid_client"}, 401), "invalid_client"),
        (answer({"error": "unauthorized_client"}, 400), "unauthorized_client"),
        (answer({"error": "invalid_scope"}, 400), "invalid_scope"),
        (answer({"error": "made_up"}, 400), "token_refused"),
        (answer({"error": "invalid_client"}), "invalid_client"),
        (answer({"error": ["x"]}, 400), "token_refused"),
        (answer(b"[" * 100_000, 400), "token_refused"),
        (answer(b"<html>", 403), "token_refused"),
    ],
)
def test_answers_that_are_refused(given: op.Answers, code: str) -> None:
    with pytest.raises(ProviderError) as caught:
        exchange(world(token=given))
    assert caught.value.code == code
    assert caught.value.status == 502


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, TokenResponse("x.y.z", "at", "Bearer", None, "")),
        (
            {"expires_in": 60, "refresh_token": "rt", "scope": "openid"},
            TokenResponse("x.y.z", "at", "Bearer", 60, "rt"),
        ),
        (
            {"access_token": "a" * 131_072, "id_token": "i" * 524_288, "refresh_token": "r" * 131_072},
            TokenResponse("i" * 524_288, "a" * 131_072, "Bearer", None, "r" * 131_072),
        ),
        ({"refresh_token": "r" * 131_073}, TokenResponse("x.y.z", "at", "Bearer", None, "")),
        ({"refresh_token": ["r"]}, TokenResponse("x.y.z", "at", "Bearer", None, "")),
    ],
)
def test_the_whole_answer(more: dict[str, Any], expected: TokenResponse) -> None:
    found = exchange(world(token=answer(TOKENS | more)))
    assert found == expected
    assert repr(found) == f"TokenResponse(token_type='Bearer', expires_in={expected.expires_in})"


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (answer(TOKENS | {"token_type": "m\tc"}), "token_type is 'm?c', expected Bearer"),
        (answer(TOKENS | {"token_type": "t" * 21}), "token_type is '', expected Bearer"),
        (answer(TOKENS | {"access_token": ""}), "no usable access_token"),
        (answer(TOKENS | {"id_token": ""}), "no id_token; does scopes contain openid?"),
        (answer({"error": "made_up"}, 400), "status 400, error 'made_up': ''"),
        (answer({"error": "e" * 101, "error_description": 7}, 400), "status 400, error '': '7'"),
        (answer({"error": "e" * 100}, 401), f"status 401, error '{'e' * 60}': ''"),
        (
            answer({"error": "invalid_scope", "error_description": "d" * 201}, 400),
            f"status 400, error 'invalid_scope': '{'d' * 200}'; sent: client_id 'client 1', redirect_uri "
            "'https://app.example/oauth2/callback', client_auth client_secret_basic, scopes 'openid email profile'. "
            "Fix: the provider refuses a scope: compare scopes with what the client may ask for",
        ),
    ],
)
def test_what_is_said_of_an_answer_that_is_refused(given: op.Answers, detail: str) -> None:
    with pytest.raises(ProviderError) as caught:
        exchange(world(token=given))
    assert caught.value.detail == f"token endpoint: {detail}"


def test_what_is_said_of_a_token_that_is_not_bound() -> None:
    with pytest.raises(ProviderError) as caught:
        exchange(world(token=answer(TOKENS)), dpop=True)
    assert caught.value.detail == "token endpoint: token_type is 'bearer', expected DPoP"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            "invalid_client",
            "The sign-in service does not accept this application. Nothing is wrong with your account.",
        ),
        ("made_up", "The sign-in service refused to complete the sign-in."),
    ],
)
def test_what_the_user_reads_of_an_error(error: str, message: str) -> None:
    with pytest.raises(ProviderError) as caught:
        exchange(world(token=answer({"error": error}, 400)))
    assert caught.value.public_message == message


def test_a_sign_in_needs_an_id_token() -> None:
    """A refresh does not (OpenID Connect Core §12.2)."""
    given = answer({"token_type": "Bearer", "access_token": "at"})
    with pytest.raises(ProviderError) as caught:
        exchange(world(token=given))
    assert caught.value.code == "id_token_missing"
    tokens = process_token_response(given, dpop=False, secrets=(), sent="", is_refresh=True)
    assert tokens == TokenResponse("", "at", "Bearer")


def test_a_nonce_that_is_demanded_and_not_given() -> None:
    scripted = world(token=[answer({"error": "use_dpop_nonce"}, 400)])
    with pytest.raises(ProviderError) as caught:
        exchange(scripted, dpop=True)
    assert caught.value.code == "use_dpop_nonce"
    assert scripted.urls().count(f"{ISSUER}/token") == 1


def test_an_answer_without_a_refresh_token() -> None:
    assert TokenResponse("i", "a", "Bearer") == TokenResponse("i", "a", "Bearer", None, "")


def test_a_code_that_is_used_up() -> None:
    with pytest.raises(CallbackError) as caught:
        exchange(world(token=answer({"error": "invalid_grant"}, 400)))
    assert (caught.value.code, caught.value.status) == ("invalid_grant", 400)


@pytest.mark.parametrize(("status", "code"), [(500, "provider_failing"), (429, "provider_busy")])
def test_trouble_over_there(status: int, code: str) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        exchange(world(token=answer(b"", status, retry_after="33")))
    assert (caught.value.code, caught.value.retry_after_seconds) == (code, 33)


@pytest.mark.parametrize("error", ["invalid_grant", "made_up"])
def test_what_the_provider_echoes_is_not_logged(error: str) -> None:
    echo = f"code {op.CODE}, verifier {op.VERIFIER}, secret {op.SECRET}"
    with pytest.raises(GateError) as caught:
        exchange(world(token=answer({"error": error, "error_description": echo}, 400)))
    assert "code (hidden), verifier (hidden), secret (hidden)" in caught.value.detail


def test_the_bytes_are_bounded() -> None:
    scripted = world(token=answer(TOKENS))
    exchange(scripted)
    assert scripted.fetches[-1].max_bytes <= 512 * 1024


# --- DPoP (RFC 9449) --------------------------------------------------------------------------------


def proof(scripted: Scripted, position: int) -> dict[str, Any]:
    header, claims, _ = dict(scripted.fetches[position].headers)["DPoP"].split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert read[0]["typ"] == "dpop+jwt"
    assert "d" not in read[0]["jwk"]
    claims_read: dict[str, Any] = read[1]
    return claims_read


def test_tokens_bound_to_our_key() -> None:
    scripted = world(token=answer(TOKENS | {"token_type": "DPoP"}))
    assert exchange(scripted, dpop=True).token_type == "DPoP"
    claims = proof(scripted, -1)
    assert (claims["htm"], claims["htu"], "nonce" in claims) == ("POST", ISSUER + "/token", False)


def test_a_token_that_is_not_bound() -> None:
    with pytest.raises(ProviderError):
        exchange(world(token=answer(TOKENS)), dpop=True)


WANTS_NONCE = answer({"error": "use_dpop_nonce"}, 400, dpop_nonce="n1")


def test_a_nonce_is_given_once() -> None:
    scripted = world(token=[WANTS_NONCE, answer(TOKENS | {"token_type": "DPoP"})])
    exchange(scripted, dpop=True)
    assert proof(scripted, -1)["nonce"] == "n1"
    with pytest.raises(ProviderError) as caught:
        exchange(world(token=[WANTS_NONCE, WANTS_NONCE]), dpop=True)
    assert caught.value.code == "use_dpop_nonce"


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("nonce", ["n", "n" * 512])
def test_a_nonce_that_is_demanded(status: int, nonce: str) -> None:
    """RFC 9449 §8 says 400; servers answer 401 as well, as a resource server does (§9)."""
    wants = answer({"error": "use_dpop_nonce"}, status, dpop_nonce=nonce)
    scripted = world(token=[wants, answer(TOKENS | {"token_type": "DPoP"})])
    exchange(scripted, dpop=True)
    assert proof(scripted, -1)["nonce"] == nonce


@pytest.mark.parametrize(
    ("status", "error", "nonce"),
    [
        (400, "use_dpop_nonce", ""),
        (400, "use_dpop_nonce", "n" * 513),
        (403, "use_dpop_nonce", "n1"),
        (200, "use_dpop_nonce", "n1"),
        (401, "invalid_client", "n1"),
        (401, "", "n1"),
    ],
)
def test_a_nonce_that_is_not_demanded_so(status: int, error: str, nonce: str) -> None:
    scripted = world(token=[answer({"error": error}, status, dpop_nonce=nonce)])
    with pytest.raises(GateError):
        exchange(scripted, dpop=True)
    assert [fetch.url for fetch in scripted.fetches].count(f"{ISSUER}/token") == 1


def test_without_dpop_there_is_no_second_try() -> None:
    scripted = world(token=[WANTS_NONCE])
    with pytest.raises(ProviderError):
        exchange(scripted)


@pytest.mark.parametrize("given", [answer({"error": "invalid_grant"}, 400, dpop_nonce="n1")])
def test_another_error_is_not_tried_again(given: op.Answers) -> None:
    with pytest.raises(CallbackError):
        exchange(world(token=[given]), dpop=True)


def test_aliases_for_a_client_with_a_certificate() -> None:
    document = dict(METADATA) | {"mtls_endpoint_aliases": {"token_endpoint": "https://mtls.op.example/token"}}
    scripted = world(document)
    scripted.answers["https://mtls.op.example/token"] = answer(TOKENS)
    exchange(scripted, client_auth="tls_client_auth", client_certificate=__file__, client_secret=None)
    sent = parse_qs((scripted.fetches[-1].body or b"").decode())
    assert sent["client_id"] == [op.CLIENT]
    assert scripted.fetches[-1].url == "https://mtls.op.example/token"


# --- the ID token -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "claims", "code"),
    [
        ({}, {"iss": ISSUER + "/"}, "id_token_iss"),
        ({}, {"aud": "other"}, "id_token_aud"),
        ({}, {"nonce": "other"}, "id_token_nonce"),
        ({}, {"exp": op.START - 61}, "id_token_exp"),
        ({}, {"at_hash": "x"}, "id_token_at_hash"),
        ({"max_age_seconds": 60}, {"auth_time": op.START - 121}, "id_token_auth_time"),
        ({"max_age_seconds": 60}, {}, "id_token_auth_time"),
        ({"acr_values": ("gold",)}, {"acr": "tin"}, "id_token_acr"),
        ({"id_token_algorithms": ("ES256",)}, {}, "id_token_alg"),
    ],
)
def test_every_expectation_reaches_the_validation(
    changes: dict[str, Any], claims: dict[str, Any], code: str
) -> None:
    about = dict(METADATA)
    del about["id_token_signing_alg_values_supported"]
    scripted, provider = world(about), Provider(op.settings(**changes))
    tokens = TokenResponse(op.id_token(**claims), "at", "Bearer")
    with pytest.raises(ProviderError) as caught:
        scripted.drive(validate(provider, tokens, nonce=op.NONCE))
    assert caught.value.code == code


def test_the_skew_of_the_settings_counts() -> None:
    tokens = TokenResponse(op.id_token(exp=op.START - 61), "at", "Bearer")
    provider = Provider(op.settings(clock_skew_seconds=120))
    assert world().drive(validate(provider, tokens, nonce=op.NONCE))["sub"] == "sub-1"


def test_the_algorithm_of_the_latest_id_token_is_remembered() -> None:
    provider = Provider(op.settings())
    claims = world().drive(validate(provider, TokenResponse(op.id_token(), "at", "Bearer"), nonce=op.NONCE))
    assert dict(claims) == {
        "iss": ISSUER,
        "sub": "sub-1",
        "aud": op.CLIENT,
        "iat": op.START,
        "exp": op.START + 300,
        "nonce": op.NONCE,
    }
    assert provider.latest_id_token_alg == "RS256"


def test_an_id_token_of_a_refresh_says_nothing_about_the_sign_in() -> None:
    """It has no nonce, and when and how the user signed in was checked then (OpenID Connect Core §12.2)."""
    settings = op.settings(max_age_seconds=60, acr_values=("gold",))
    tokens = TokenResponse(op.id_token(nonce=None, auth_time=1, acr="tin"), "at", "Bearer")
    assert world().drive(validate(Provider(settings), tokens, nonce=None))["acr"] == "tin"
    with pytest.raises(ProviderError):
        world().drive(validate(Provider(settings), tokens, nonce=op.NONCE))
    wrong = TokenResponse(op.id_token(nonce=None, at_hash="x"), "at", "Bearer")
    with pytest.raises(ProviderError):
        world().drive(validate(Provider(settings), wrong, nonce=None))

"""The authorization request in all its forms, and the answer in all its faults."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from oidc_gate.errors import CallbackError, ProviderError
from oidc_gate.provider.authorization import (
    REGISTERED_ERRORS,
    ProviderRefusal,
    ValidatedCallback,
    build_authorization_request,
    process_authorization_response,
    supported_prompt,
)
from oidc_gate.provider.discovery import Metadata, process_discovery
from oidc_gate.provider.dpop import DPoPKey

from . import scripted as op
from .scripted import CLIENT, CODE, ISSUER, METADATA, STATE, Scripted, answer


def metadata(**changes: Any) -> Metadata:
    return process_discovery(answer(dict(METADATA) | changes), ISSUER)


def build(
    about: Metadata, *, scripted: Scripted | None = None, prompt: str | None = None, **changes: Any
) -> dict[str, str]:
    """Build a request with the settings `changes`; return its parameters, none of them twice."""
    step = build_authorization_request(
        about,
        op.settings(**changes),
        redirect_uri=op.REDIRECT,
        state=STATE,
        nonce=op.NONCE,
        code_verifier=op.VERIFIER,
        prompt=prompt,
    )
    pairs = parse_qsl(urlsplit((scripted or Scripted()).drive(step)).query)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_what_may_be_asked_for() -> None:
    params = build(
        metadata(),
        prompt="select_account",
        response_mode="form_post",
        public_url="https://app.example",
        max_age_seconds=0,
        acr_values=("gold", "silver"),
        authorization_params={"hd": "corp.example", "ui_locales": "de"},
    )
    wanted = {
        "prompt": "select_account",
        "response_mode": "form_post",
        "max_age": "0",
        "acr_values": "gold silver",
        "hd": "corp.example",
        "ui_locales": "de",
    }
    assert wanted.items() <= params.items()


def test_without_settings_nothing_is_asked_for() -> None:
    assert not {"prompt", "response_mode", "max_age", "acr_values", "login_hint", "dpop_jkt"} & set(
        build(metadata())
    )


KEYCLOAK = "https://sso.example/realms/corp"
GOOGLE = "https://accounts.google.com"
ENTRA = "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"
OFFLINE = {"scopes_supported": ["openid", "offline_access"]}
STORED: dict[str, Any] = {"session_store": "redis://localhost", "refresh": True}
BASIC, MORE = "openid email profile", "openid email profile offline_access"


@pytest.mark.parametrize(
    ("issuer", "discovered", "changes", "scope", "prompt", "access_type"),
    [
        (ISSUER, OFFLINE, {}, MORE, "consent", None),
        (ISSUER, OFFLINE, {"prompt": "select_account"}, MORE, "select_account consent", None),
        (ISSUER, OFFLINE, {"refresh": False}, BASIC, None, None),
        (ISSUER, {}, {}, BASIC, None, None),
        (ISSUER, OFFLINE | {"prompt_values_supported": ["login"]}, {}, MORE, None, None),
        (ISSUER, OFFLINE, {"authorization_params": {"prompt": "login"}}, MORE, "login", None),
        (ISSUER, OFFLINE, {"scopes": ("openid", "offline_access")}, "openid offline_access", None, None),
        (ISSUER, {}, {"scopes": ("openid", "offline_access")}, "openid offline_access", None, None),
        (KEYCLOAK, OFFLINE, {}, BASIC, None, None),
        (ENTRA, OFFLINE, {}, MORE, None, None),
        ("https://login.microsoftonline.com.evil.example", OFFLINE, {}, MORE, "consent", None),
        ("https://corp.eu.auth0.com", OFFLINE, {}, MORE, None, None),
        ("https://notauth0.com", OFFLINE, {}, MORE, "consent", None),
        (GOOGLE, {}, {}, BASIC, "consent", "offline"),
        (GOOGLE, {}, {"authorization_params": {"prompt": "select_account"}}, BASIC, "select_account", "offline"),
    ],
)  # fmt: skip
def test_what_is_asked_for_so_that_there_is_a_refresh_token(
    issuer: str,
    discovered: dict[str, Any],
    changes: dict[str, Any],
    scope: str,
    prompt: str | None,
    access_type: str | None,
) -> None:
    about = process_discovery(answer(dict(METADATA) | discovered | {"issuer": issuer}), issuer)
    params = build(about, **(STORED | changes))
    assert params["scope"] == scope
    assert params.get("prompt") == prompt
    assert params.get("access_type") == access_type


@pytest.mark.parametrize(
    ("prompt", "issuer", "listed", "expected"),
    [
        ("select_account", ISSUER, None, "login"),
        ("select_account", ISSUER, [], "login"),
        ("select_account", ISSUER, ["login", "consent"], "login"),
        ("select_account", ISSUER, ["login", "select_account"], "select_account"),
        ("select_account", GOOGLE, None, "select_account"),
        ("select_account", GOOGLE, ["none"], "login"),
        ("select_account", "https://accounts.google.com.evil.example", None, "login"),
        ("login", ISSUER, ["none"], "login"),
        ("consent", ISSUER, None, "consent"),
    ],
)
def test_a_prompt_that_the_provider_does_not_know(
    prompt: str, issuer: str, listed: list[str] | None, expected: str
) -> None:
    document = dict(METADATA) | {"issuer": issuer, "prompt_values_supported": listed}
    assert supported_prompt(prompt, process_discovery(answer(document), issuer)) == expected


def test_an_endpoint_with_a_query_of_its_own() -> None:
    params = build(metadata(authorization_endpoint=ISSUER + "/authorize?tenant=a%20b&empty="))
    assert params["tenant"] == "a b"
    assert params["client_id"] == CLIENT


def test_the_key_of_dpop_is_named() -> None:
    assert build(metadata(), dpop=True)["dpop_jkt"] == DPoPKey.of(op.settings()).thumbprint


# --- signed requests (RFC 9101) ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def client_key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.mark.parametrize("by", ["settings", "provider"])
def test_signed_requests(by: str, client_key: RSAKey) -> None:
    pem = client_key.as_pem(private=True).decode()
    about = metadata(require_signed_request_object=by == "provider")
    params = build(
        about,
        client_private_key=pem,
        client_secret=None,
        signed_request_objects=by == "settings",
        max_age_seconds=60,
    )
    assert set(params) == {"client_id", "response_type", "scope", "request"}
    claims = json.loads(jws.deserialize_compact(params["request"], client_key, algorithms=["RS256"]).payload)
    assert claims["state"] == STATE
    assert claims["aud"] == ISSUER
    assert claims["max_age"] == 60


def test_a_signature_is_demanded_and_there_is_no_key() -> None:
    with pytest.raises(ProviderError) as caught:
        build(metadata(require_signed_request_object=True))
    assert caught.value.code == "client_key_missing"


# --- the answer -------------------------------------------------------------------------------------

PROMISES = metadata(authorization_response_iss_parameter_supported=True)
GOOD = (("code", CODE), ("state", STATE), ("iss", ISSUER))


def process(
    *pairs: tuple[str, str], about: Metadata = PROMISES, expected_state: str = STATE
) -> ValidatedCallback:
    return process_authorization_response(pairs, about, expected_state=expected_state, sent="")


def test_a_good_answer() -> None:
    assert process(*GOOD).code == CODE
    assert process(*GOOD, ("session_state", "x"), ("scope", "openid")).code == CODE
    assert process(("code", CODE), ("state", STATE), about=metadata()).code == CODE


def test_the_longest_answers() -> None:
    for code in ("c", "c" * 2048):
        assert process(("code", code), *GOOD[1:]).code == code
    more = [(f"p{number}", "") for number in range(29)]
    assert process(*GOOD, *more).code == CODE
    with pytest.raises(CallbackError) as caught:
        process(*GOOD, *more, ("p29", ""))
    assert caught.value.code == "callback_malformed"


def test_a_state_beyond_ascii() -> None:
    assert process(("code", CODE), ("state", "\u00fc"), GOOD[2], expected_state="\u00fc").code == CODE


def test_nobody_else_makes_one() -> None:
    with pytest.raises(TypeError):
        ValidatedCallback(CODE, object())
    assert repr(process(*GOOD)) == "ValidatedCallback()"


ERROR = ("error", "access_denied")


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ((*GOOD, ("code", CODE)), "callback_malformed"),
        ((*GOOD, ("state", STATE)), "callback_malformed"),
        ((*GOOD, ("iss", ISSUER)), "callback_malformed"),
        ((*GOOD, ("x", "1"), ("x", "2")), "callback_malformed"),
        (tuple((f"p{i}", "") for i in range(33)), "callback_malformed"),
        ((("code", CODE), ("state", STATE)), "callback_iss_missing"),
        ((("code", CODE), ("state", STATE), ("iss", ISSUER + "/")), "callback_iss"),
        ((("code", CODE), ("state", STATE), ("iss", "https://evil.example")), "callback_iss"),
        ((("code", CODE), ("state", STATE), ("iss", "")), "callback_iss"),
        ((("code", CODE), ("iss", ISSUER)), "callback_state"),
        ((("code", CODE), ("state", ""), ("iss", ISSUER)), "callback_state"),
        ((("code", CODE), ("state", STATE + "x"), ("iss", ISSUER)), "callback_state"),
        ((("code", CODE), ("state", "ü\udcff"), ("iss", ISSUER)), "callback_state"),
        ((("state", STATE), ("iss", ISSUER)), "callback_code_missing"),
        ((("code", ""), ("state", STATE), ("iss", ISSUER)), "callback_code_missing"),
        ((("code", "x" * 2049), ("state", STATE), ("iss", ISSUER)), "callback_code_missing"),
        # the order: what comes first decides
        ((ERROR, ("state", "x"), ("iss", "https://evil.example")), "callback_iss"),
        ((ERROR, ("state", "x"), ("iss", ISSUER)), "callback_state"),
        ((ERROR, ("state", STATE), ("iss", ISSUER), ("code", CODE)), "access_denied"),
    ],
)
def test_answers_that_are_refused(pairs: tuple[tuple[str, str], ...], code: str) -> None:
    with pytest.raises(CallbackError) as caught:
        process(*pairs)
    assert caught.value.code == code
    for secret in (CODE, STATE):
        assert secret not in str(caught.value)


def test_iss_is_compared_even_where_nobody_promised_it() -> None:
    with pytest.raises(CallbackError) as caught:
        process(("code", CODE), ("state", STATE), ("iss", "https://evil.example"), about=metadata())
    assert caught.value.code == "callback_iss"


def test_no_expected_state_is_no_wildcard() -> None:
    for state in ("", STATE):
        with pytest.raises(CallbackError) as caught:
            process(("code", CODE), ("state", state), ("iss", ISSUER), expected_state="")
        assert caught.value.code == "callback_state"


@pytest.mark.parametrize("error", [*sorted(REGISTERED_ERRORS), "", "made_up", "<b>", "access_denied "])
def test_refusals_of_the_provider(error: str) -> None:
    with pytest.raises(ProviderRefusal) as caught:
        process(
            ("error", error),
            ("error_description", f"no {STATE}\n<script>"),
            ("state", STATE),
            ("iss", ISSUER),
        )
    assert caught.value.code == (error if error in REGISTERED_ERRORS else "provider_error")
    assert caught.value.status == {
        "access_denied": 403,
        "server_error": 502,
        "temporarily_unavailable": 503,
    }.get(error, 400)
    assert "no (hidden)?<script>" in caught.value.detail
    assert "<" not in caught.value.public_message


@pytest.mark.parametrize(
    ("error", "message", "detail"),
    [
        (
            "access_denied",
            "The sign-in service reports that sign-in was cancelled or refused.",
            "the provider's error is 'access_denied': '(hidden) (hidden)'",
        ),
        (
            "temporarily_unavailable",
            "The sign-in service is too busy at the moment.",
            "the provider's error is 'temporarily_unavailable': '(hidden) (hidden)'",
        ),
        (
            "server_error",
            "The sign-in service reports an error of its own.",
            "the provider's error is 'server_error': '(hidden) (hidden)'",
        ),
        (
            "login_required",
            "The sign-in service did not sign you in.",
            "the provider's error is 'login_required': '(hidden) (hidden)'",
        ),
        (
            "unsupported_response_type",
            "The sign-in service does not accept this application. Nothing is wrong with your account.",
            "the provider's error is 'unsupported_response_type': '(hidden) (hidden)'; what was sent. Fix: the client "
            "may not use the authorization code flow: allow it in its registration",
        ),
        (
            f"{CODE} " + "e" * 60,
            "The sign-in service did not sign you in.",
            f"the provider's error is '(hidden) {'e' * 51}': '(hidden) (hidden)'",
        ),
    ],
)
def test_what_is_said_of_a_refusal(error: str, message: str, detail: str) -> None:
    pairs = [("error", error), ("error_description", f"{STATE} {CODE}"), *GOOD]
    with pytest.raises(ProviderRefusal) as caught:
        process_authorization_response(pairs, PROMISES, expected_state=STATE, sent="what was sent")
    assert (caught.value.public_message, caught.value.detail) == (message, detail)


@pytest.mark.parametrize(
    ("pairs", "code", "detail"),
    [
        ((*GOOD, ("x", "1"), ("x", "2")), "callback_malformed", "a parameter is repeated"),
        (tuple((f"p{i}", "") for i in range(33)), "callback_malformed", "33 parameters"),
        (GOOD[:2], "callback_iss_missing", f"no iss, though discovery promises it; expected {ISSUER!r}"),
        ((*GOOD[:2], ("iss", "\n")), "callback_iss", f"iss is '?', expected {ISSUER!r}"),
        ((GOOD[0], GOOD[2]), "callback_state", "state does not belong to the flow of this browser"),
        ((*GOOD[1:], ("code", "c" * 2049)), "callback_code_missing", "code of 2049 characters"),
    ],
)
def test_what_is_said_of_an_answer_that_does_not_belong_here(
    pairs: tuple[tuple[str, str], ...], code: str, detail: str
) -> None:
    with pytest.raises(CallbackError) as caught:
        process(*pairs)
    assert (caught.value.code, caught.value.status, caught.value.detail) == (code, 400, detail)
    assert caught.value.public_message == (
        "This answer of the sign-in service does not belong to a sign-in of this browser."
    )


def test_the_errors_that_keep_their_code() -> None:
    assert {
        *(
            "invalid_request",
            "unauthorized_client",
            "access_denied",
            "unsupported_response_type",
            "invalid_scope",
        ),
        *("server_error", "temporarily_unavailable", "interaction_required", "login_required"),
        *("account_selection_required", "consent_required", "invalid_request_uri", "invalid_request_object"),
        *("request_not_supported", "request_uri_not_supported", "registration_not_supported"),
        *("unmet_authentication_requirements", "invalid_target", "invalid_dpop_proof"),
    } == REGISTERED_ERRORS

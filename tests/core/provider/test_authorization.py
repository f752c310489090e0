"""The authorization request in all its forms, and the answer in all its faults."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from oidc_gate.errors import CallbackError, GateError, ProviderError, ProviderUnavailable
from oidc_gate.provider.authorization import (
    REGISTERED_ERRORS,
    ProviderRefusal,
    ValidatedCallback,
    build_authorization_request,
    process_authorization_response,
)
from oidc_gate.provider.discovery import Metadata, process_discovery
from oidc_gate.provider.dpop import DPoPKey

from . import scripted as op
from .scripted import CLIENT, CODE, ISSUER, METADATA, STATE, Scripted, answer

PAR = ISSUER + "/par"


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


def test_an_endpoint_with_a_query_of_its_own() -> None:
    params = build(metadata(authorization_endpoint=ISSUER + "/authorize?tenant=a%20b&empty="))
    assert params["tenant"] == "a b"
    assert params["client_id"] == CLIENT


def test_the_key_of_dpop_is_named() -> None:
    assert build(metadata(), dpop=True)["dpop_jkt"] == DPoPKey.of(op.settings()).thumbprint


# --- pushed requests (RFC 9126) ---------------------------------------------------------------------


def pushing(given: op.Answers) -> Scripted:
    return Scripted({PAR: given})


@pytest.mark.parametrize(
    ("wish", "offered", "required", "is_pushed"),
    [
        ("auto", True, False, True),
        ("auto", True, True, True),
        ("auto", False, False, False),
        ("always", True, False, True),
        ("never", True, False, False),
        ("never", True, True, True),
    ],
)
def test_when_requests_are_pushed(wish: str, offered: bool, required: bool, is_pushed: bool) -> None:
    about = metadata(
        pushed_authorization_request_endpoint=PAR if offered else "",
        require_pushed_authorization_requests=required,
    )
    scripted = pushing(answer({"request_uri": "urn:x:1", "expires_in": 60}, 201))
    params = build(about, scripted=scripted, pushed_authorization_requests=wish)
    assert len(scripted.fetches) == is_pushed
    if is_pushed:
        assert params == {"client_id": CLIENT, "request_uri": "urn:x:1"}


def test_what_is_pushed() -> None:
    scripted = pushing(answer({"request_uri": "urn:x:1"}, 201))
    about = metadata(
        pushed_authorization_request_endpoint=PAR,
        token_endpoint_auth_methods_supported=["client_secret_post"],
    )
    build(about, scripted=scripted)
    pairs = parse_qsl((scripted.fetches[0].body or b"").decode())
    pushed = dict(pairs)
    assert len(pushed) == len(pairs), "nothing is sent twice"
    assert pushed["client_secret"] == op.SECRET
    assert pushed["state"] == STATE
    assert pushed["code_challenge"] == op.challenge(op.VERIFIER)
    assert pushed["redirect_uri"] == op.REDIRECT
    assert op.VERIFIER not in pushed.values()


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (answer({"error": "invalid_request"}, 400), ProviderError, "invalid_request"),
        (answer({"error": "invalid_client"}, 401), ProviderError, "invalid_client"),
        (answer({"error": "<made up>"}, 400), ProviderError, "provider_error"),
        (answer(b"<html>", 410), ProviderError, "provider_error"),
        (answer({}, 201), ProviderError, "provider_answer"),
        (answer({"request_uri": 1}, 201), ProviderError, "provider_answer"),
        (answer({"request_uri": "x" * 2049}, 201), ProviderError, "provider_answer"),
        (answer({"request_uri": "urn:x"}, 201, content_type="text/html"), ProviderError, "provider_answer"),
        (answer({}, 300), ProviderError, "provider_redirect"),
        (answer({}, 503), ProviderUnavailable, "provider_failing"),
    ],
)
def test_pushed_requests_that_fail(given: op.Answers, kind: type[GateError], code: str) -> None:
    with pytest.raises(kind) as caught:
        build(metadata(pushed_authorization_request_endpoint=PAR), scripted=pushing(given))
    assert caught.value.code == code


def test_what_the_provider_echoes_is_not_logged() -> None:
    echo = {"error": "invalid_request", "error_description": f"bad state {STATE} for {op.SECRET}\r\nx"}
    with pytest.raises(ProviderError) as caught:
        build(metadata(pushed_authorization_request_endpoint=PAR), scripted=pushing(answer(echo, 400)))
    assert "bad state (hidden) for (hidden)??x" in caught.value.detail


def test_pushing_is_demanded_and_not_offered() -> None:
    with pytest.raises(ProviderError) as caught:
        build(metadata(), pushed_authorization_requests="always")
    assert caught.value.code == "discovery_unusable"


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


def test_signed_and_pushed(client_key: RSAKey) -> None:
    scripted = pushing(answer({"request_uri": "urn:x:1"}, 201))
    pem = client_key.as_pem(private=True).decode()
    about = metadata(pushed_authorization_request_endpoint=PAR)
    params = build(
        about, scripted=scripted, client_private_key=pem, client_secret=None, signed_request_objects=True
    )
    assert set(params) == {"client_id", "request_uri"}
    pushed = dict(parse_qsl((scripted.fetches[0].body or b"").decode()))
    assert {"request", "client_assertion"} <= set(pushed)
    assert "state" not in pushed


# --- the answer -------------------------------------------------------------------------------------

PROMISES = metadata(authorization_response_iss_parameter_supported=True)
GOOD = (("code", CODE), ("state", STATE), ("iss", ISSUER))


def process(
    *pairs: tuple[str, str], about: Metadata = PROMISES, expected_state: str = STATE
) -> ValidatedCallback:
    return process_authorization_response(pairs, about, expected_state=expected_state)


def test_a_good_answer() -> None:
    assert process(*GOOD).code == CODE
    assert process(*GOOD, ("session_state", "x"), ("scope", "openid")).code == CODE
    assert process(("code", CODE), ("state", STATE), about=metadata()).code == CODE


def test_nobody_else_makes_one() -> None:
    with pytest.raises(TypeError):
        ValidatedCallback(CODE, object())


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

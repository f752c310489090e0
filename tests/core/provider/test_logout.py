"""Sign-out at the provider."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.client import Provider
from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.jose.logout_token import LogoutClaims
from oidc_gate.provider.logout import build_logout_request, process_logout_token
from oidc_gate.provider.token import TokenResponse, validate

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, START, answer, world

BACK = "https://app.example/oauth2/signed_out?x=1&y"


def build(end_session_endpoint: str, **changes: Any) -> str:
    metadata = process_discovery(
        answer(dict(METADATA) | {"end_session_endpoint": end_session_endpoint}), ISSUER
    )
    return build_logout_request(
        metadata, op.settings(), post_logout_redirect_uri=BACK, state="s&t", **changes
    )


def test_where_it_is_offered() -> None:
    url = build(ISSUER + "/logout")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "client_id": CLIENT,
        "post_logout_redirect_uri": BACK,
        "state": "s&t",
    }


def test_with_the_id_token() -> None:
    url = build(ISSUER + "/logout", id_token_hint="x.y.z")
    assert dict(parse_qsl(urlsplit(url).query))["id_token_hint"] == "x.y.z"


@pytest.mark.parametrize("query", ["tenant=a", "a=1&b="])
def test_an_endpoint_with_a_query_of_its_own(query: str) -> None:
    url = build(f"{ISSUER}/logout?{query}")
    assert url.startswith(f"{ISSUER}/logout?{query}&client_id=")


EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_token(by: Any = None, **changes: Any) -> str:
    claims = {
        "iss": ISSUER, "aud": CLIENT, "iat": START, "exp": START + 120, "jti": "j-1", "sub": "sub-1",
        "events": {EVENT: {}},
    }  # fmt: skip
    return op.sign({name: value for name, value in (claims | changes).items() if value is not None}, by)


def process(token: str, **settings: Any) -> LogoutClaims:
    return world().drive(process_logout_token(Provider(op.settings(**settings)), token))


def test_the_sessions_that_a_logout_token_ends() -> None:
    assert process(logout_token(sid="s-1")) == LogoutClaims("sub-1", "s-1", "j-1", START, START + 120)


def test_a_logout_token_without_exp_is_accepted_if_the_settings_say_so() -> None:
    with pytest.raises(IDTokenError) as caught:
        process(logout_token(exp=None))
    assert caught.value.code == "logout_token_exp"
    lax = process(logout_token(exp=None), accept_logout_tokens_without_exp=True)
    assert lax == LogoutClaims("sub-1", "", "j-1", START, START + 600)


def test_a_logout_token_has_the_algorithm_of_the_latest_id_token() -> None:
    provider = Provider(op.settings())
    provider.latest_id_token_alg = "ES256"
    with pytest.raises(IDTokenError) as caught:
        world().drive(process_logout_token(provider, logout_token()))
    assert caught.value.code == "logout_token_alg"


def test_forged_logout_tokens_do_not_use_up_what_sign_ins_need() -> None:
    scripted, provider = world(), Provider(op.settings())
    for _ in range(10):
        with pytest.raises(IDTokenError):
            scripted.drive(process_logout_token(provider, logout_token(op.key("forged"))))
    scripted.answers[ISSUER + "/jwks"] = answer(op.jwks(op.key("k2")))
    tokens = TokenResponse(op.id_token(op.key("k2")), "at", "Bearer")
    assert scripted.drive(validate(provider, tokens, nonce=op.NONCE))["sub"] == "sub-1"

"""Every request that is sent to the provider, as a whole: method, URL, headers, form, bounds and lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from oidc_gate.effects import Fetch, Lane
from oidc_gate.provider.authorization import build_authorization_request, process_authorization_response
from oidc_gate.provider.client import Provider
from oidc_gate.provider.refresh import ask_userinfo, exchange_refresh_token
from oidc_gate.provider.revocation import Token, build_revocation_request
from oidc_gate.provider.token import exchange_code

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, Scripted, answer, world

FORM = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
DOCUMENT = dict(METADATA) | {
    "revocation_endpoint": ISSUER + "/revoke",
    "pushed_authorization_request_endpoint": ISSUER + "/par",
}
AUTHORIZATION = {
    "client_id": CLIENT,
    "response_type": "code",
    "scope": "openid email profile",
    "redirect_uri": op.REDIRECT,
    "state": op.STATE,
    "nonce": op.NONCE,
    "code_challenge": op.challenge(op.VERIFIER),
    "code_challenge_method": "S256",
    "prompt": "login",
    "login_hint": "ada@corp.example",
}


def authorize(provider: Provider, scripted: Scripted, **how: Any) -> str:
    step = build_authorization_request(
        scripted.drive(provider.metadata()),
        provider.settings,
        redirect_uri=op.REDIRECT,
        state=op.STATE,
        nonce=op.NONCE,
        code_verifier=op.VERIFIER,
        prompt="login",
        login_hint="ada@corp.example",
        **how,
    )
    return scripted.drive(step)


def redeem(provider: Provider, scripted: Scripted) -> object:
    pairs = [("code", op.CODE), ("state", op.STATE)]
    metadata = scripted.drive(provider.metadata())
    validated = process_authorization_response(pairs, metadata, expected_state=op.STATE, sent="")
    return scripted.drive(
        exchange_code(provider, validated, redirect_uri=op.REDIRECT, code_verifier=op.VERIFIER)
    )


def revoke(provider: Provider, scripted: Scripted) -> object:
    metadata = scripted.drive(provider.metadata())
    request = build_revocation_request(metadata, provider.settings, Token("rt-1", "refresh_token"))
    scripted.fetches.append(scripted.drive(request))
    return None


@pytest.mark.parametrize(
    ("send", "expected"),
    [
        pytest.param(
            lambda provider, scripted: scripted.drive(provider.metadata()),
            Fetch(
                "GET",
                ISSUER + "/.well-known/openid-configuration",
                (("Accept", "application/json"),),
                None,
                256 * 1024,
                Lane.PROVIDER,
            ),
            id="discovery",
        ),
        pytest.param(
            lambda provider, scripted: scripted.drive(provider.keys()),
            Fetch(
                "GET",
                ISSUER + "/jwks",
                (("Accept", "application/jwk-set+json, application/json"),),
                None,
                512 * 1024,
                Lane.PROVIDER,
            ),
            id="key set",
        ),
        pytest.param(
            lambda provider, scripted: scripted.drive(ask_userinfo(provider, "at-1", "sub-1")),
            Fetch(
                "GET",
                ISSUER + "/userinfo",
                (("Accept", "application/json, application/jwt"), ("Authorization", "Bearer at-1")),
                None,
                512 * 1024,
                Lane.PROVIDER,
            ),
            id="userinfo",
        ),
    ],
)
def test_what_is_read(send: Callable[[Provider, Scripted], object], expected: Fetch) -> None:
    scripted = world(DOCUMENT)
    send(Provider(op.settings(client_secret=None)), scripted)
    assert scripted.fetches[-1] == expected


@pytest.mark.parametrize(
    ("send", "path", "form", "max_bytes", "lane"),
    [
        pytest.param(
            redeem,
            "/token",
            {
                "grant_type": "authorization_code",
                "code": op.CODE,
                "redirect_uri": op.REDIRECT,
                "code_verifier": op.VERIFIER,
            },
            512 * 1024,
            Lane.PROVIDER,
            id="code",
        ),
        pytest.param(
            lambda provider, scripted: scripted.drive(exchange_refresh_token(provider, "rt-1")),
            "/token",
            {"grant_type": "refresh_token", "refresh_token": "rt-1"},
            512 * 1024,
            Lane.PROVIDER,
            id="refresh",
        ),
        pytest.param(
            revoke,
            "/revoke",
            {"token": "rt-1", "token_type_hint": "refresh_token"},
            64 * 1024,
            Lane.PROVIDER,
            id="revocation",
        ),
        pytest.param(authorize, "/par", AUTHORIZATION, 64 * 1024, Lane.PUSHED, id="pushed"),
    ],
)
def test_what_is_posted(
    send: Callable[[Provider, Scripted], object],
    path: str,
    form: dict[str, str],
    max_bytes: int,
    lane: Lane,
) -> None:
    scripted = world(DOCUMENT, par=answer({"request_uri": "urn:x:1"}, 201))
    send(Provider(op.settings(client_secret=None)), scripted)
    sent = scripted.fetches[-1]
    pairs = parse_qsl((sent.body or b"").decode(), keep_blank_values=True, strict_parsing=True)
    assert (dict(pairs), len(pairs)) == (form | {"client_id": CLIENT}, len(form | {"client_id": CLIENT}))
    assert sent == Fetch("POST", ISSUER + path, FORM, sent.body, max_bytes, lane)


def test_a_pushed_request_is_sent_as_the_caller_says() -> None:
    scripted, provider = world(DOCUMENT), Provider(op.settings(client_secret=None))
    pushed = []

    def push(request: Fetch) -> Any:
        yield from ()
        pushed.append(request.url)
        return answer({"request_uri": "urn:x:1"}, 200)

    url = authorize(provider, scripted, push=push)
    assert url == f"{ISSUER}/authorize?client_id=client+1&request_uri=urn%3Ax%3A1"
    assert pushed == [ISSUER + "/par"]


def test_a_signed_request_repeats_what_plain_oauth_reads() -> None:
    key = op.key().as_pem(private=True).decode()
    scripted = world()
    held = op.settings(client_secret=None, client_private_key=key, signed_request_objects=True)
    params = dict(parse_qsl(authorize(Provider(held), scripted).partition("?")[2]))
    assert params.pop("request").count(".") == 2
    assert params == {"client_id": CLIENT, "response_type": "code", "scope": "openid email profile"}

"""Pushed requests, signed requests and DPoP at the embeddable provider."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key

from oidc_gate.testing import Client, TestProvider
from tests.core.testing.provider.relying_party import (
    APP,
    CHALLENGE,
    REDIRECT_URI,
    VERIFIER,
    SmallRelyingParty,
    sent_back,
)

KEY = ECKey.generate_key("P-256")
REQUEST = {
    "redirect_uri": REDIRECT_URI, "response_type": "code", "scope": "openid", "state": "s", "nonce": "n-1",
    "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip
JAR = Client(client_id="jar", redirect_uris=[REDIRECT_URI], jwks={"keys": [KEY.as_dict(private=False)]},
             token_endpoint_auth_method="none")  # fmt: skip
SIGNING = replace(JAR, client_id="signing", require_signed_request_object=True)
PUSHING = replace(APP, client_id="pushing", require_pushed_authorization_requests=True)
PUBLIC = Client(client_id="public", redirect_uris=[REDIRECT_URI])
BOUND = replace(PUBLIC, client_id="bound", dpop_bound_access_tokens=True)


@pytest.fixture
def clock() -> list[float]:
    return [time.time()]


@pytest.fixture
def op(clock: list[float]) -> Iterator[TestProvider]:
    clients = [APP, JAR, SIGNING, PUSHING, PUBLIC, BOUND]
    with TestProvider(clients=clients, auto_login="alice", clock=lambda: clock[0]) as provider:
        yield provider


def start(op: TestProvider, **params: str) -> requests.Response:
    return requests.get(f"{op.issuer}/authorize", params=params, allow_redirects=False)


# ---- RFC 9126


def push(op: TestProvider, client: Client, **bent: str) -> requests.Response:
    auth = (client.client_id, "s%3A+%25%2B%C3%A9%2F%3D%26") if client.client_secret else None
    form = REQUEST | ({} if auth else {"client_id": client.client_id}) | bent
    return requests.post(f"{op.issuer}/par", data=form, auth=auth)


def test_a_pushed_request_counts_once_and_for_its_client(op: TestProvider) -> None:
    pushed = push(op, PUSHING)
    assert pushed.status_code == 201
    request_uri = pushed.json()["request_uri"]
    assert start(op, client_id="app", request_uri=request_uri).status_code == 400
    request_uri = push(op, PUSHING).json()["request_uri"]
    answer = sent_back(start(op, client_id="pushing", request_uri=request_uri, state="bent"))
    assert answer["state"] == "s"
    assert SmallRelyingParty(op, PUSHING).token(code=answer["code"]).status_code == 200
    assert start(op, client_id="pushing", request_uri=request_uri).status_code == 400


def test_a_pushed_request_lasts_a_minute(op: TestProvider, clock: list[float]) -> None:
    request_uri = push(op, PUSHING).json()["request_uri"]
    clock[0] += 61
    assert start(op, client_id="pushing", request_uri=request_uri).status_code == 400


def test_who_must_push_must_push(op: TestProvider) -> None:
    assert sent_back(start(op, client_id="pushing", **REQUEST))["error"] == "invalid_request"
    assert "code" in sent_back(start(op, client_id="app", **REQUEST))


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"redirect_uri": "https://evil.example"}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"request_uri": "urn:x"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_a_bad_request_is_refused_when_pushed(op: TestProvider, bent: dict[str, str], error: str) -> None:
    response = push(op, PUSHING, **bent)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_pushing_needs_the_client(op: TestProvider) -> None:
    response = requests.post(f"{op.issuer}/par", data=REQUEST | {"client_id": "pushing"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


# ---- RFC 9101


def signed(
    op: TestProvider, key: Key = KEY, client_id: str = "jar", typ: str = "oauth-authz-req+jwt", **bent: object
) -> str:
    said: dict[str, Any] = (
        REQUEST | {"iss": client_id, "client_id": client_id, "aud": op.issuer, "max_age": 60} | bent
    )
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode({"alg": "ES256", "typ": typ}, said, key)


def test_a_signed_request_is_all_that_counts(op: TestProvider) -> None:
    answer = sent_back(start(op, client_id="jar", request=signed(op), state="bent", scope="bent"))
    assert (answer["state"], "code" in answer) == ("s", True)
    both = sent_back(start(op, client_id="signing", request=signed(op, client_id="signing")))
    assert "code" in both
    assert sent_back(start(op, client_id="signing", **REQUEST))["error"] == "invalid_request"


def test_a_badly_signed_request_goes_nowhere(op: TestProvider) -> None:
    for request in (
        signed(op, key=ECKey.generate_key("P-256")),
        signed(op, aud="https://elsewhere.example"),
        signed(op, iss="other"),
        signed(op, client_id="other"),
        signed(op, client_id="public", iss="jar"),
        signed(op, exp=int(time.time()) - 10),
        signed(op, typ="dpop+jwt"),
        signed(op, request="x"),
        signed(op, redirect_uri="https://evil.example"),
        "e30.e30.",
        "x",
    ):
        response = start(op, client_id="jar", request=request, **REQUEST)
        assert (response.status_code, "Location" in response.headers) == (400, False)


# ---- RFC 9449


def proof(
    op: TestProvider, path: str, key: Key = KEY, method: str = "POST", header: Any = None, **bent: object
) -> str:
    said = {
        "htm": method,
        "htu": f"{op.issuer}/{path}",
        "iat": int(time.time()),
        "jti": str(time.perf_counter()),
    } | bent
    if access_token := said.pop("access_token", None):
        digest = hashlib.sha256(str(access_token).encode()).digest()
        said["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)} | (header or {})
    return jwt.encode(head, said, key, registry=jws.JWSRegistry(strict_check_header=False))


def redeem(op: TestProvider, client_id: str, dpop: str | None, **bent: str) -> requests.Response:
    code = sent_back(start(op, client_id=client_id, **(REQUEST | {"scope": "openid offline_access"} | bent)))[
        "code"
    ]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return post(op, form | {"client_id": client_id}, dpop)


def post(op: TestProvider, form: dict[str, str], dpop: str | None) -> requests.Response:
    return requests.post(f"{op.issuer}/token", data=form, headers={"DPoP": dpop} if dpop else {})


def userinfo(op: TestProvider, scheme: str, access_token: str, dpop: str | None = None) -> requests.Response:
    headers = {"Authorization": f"{scheme} {access_token}"} | ({"DPoP": dpop} if dpop else {})
    return requests.get(f"{op.issuer}/userinfo", headers=headers)


def test_a_bound_token_needs_its_key(op: TestProvider) -> None:
    tokens = redeem(op, "bound", proof(op, "token")).json()
    access_token = tokens["access_token"]
    assert tokens["token_type"] == "DPoP"

    def fresh(key: Key = KEY, **bent: Any) -> str:
        return proof(op, "userinfo", key, "GET", **({"access_token": access_token} | bent))

    good = fresh()
    assert userinfo(op, "DPoP", access_token, good).json() == {"sub": "alice"}
    for scheme, dpop in (
        ("DPoP", good),  # used before
        ("DPoP", None),
        ("Bearer", fresh()),
        ("DPoP", fresh(ECKey.generate_key("P-256"))),
        ("DPoP", fresh(access_token="another")),
        ("DPoP", fresh(htm="POST")),
    ):
        assert userinfo(op, scheme, access_token, dpop).status_code == 401
    plain = redeem(op, "public", None).json()
    assert plain["token_type"] == "Bearer"
    assert userinfo(op, "DPoP", plain["access_token"], fresh()).status_code == 401


def test_a_bad_proof_buys_nothing(op: TestProvider) -> None:
    for dpop in (
        None,
        "x",
        proof(op, "userinfo"),
        proof(op, "token", iat=int(time.time()) - 400),
        proof(op, "token", jti=None),
        proof(op, "token", header={"typ": "JWT"}),
        proof(op, "token", header={"jwk": KEY.as_dict(private=True)}),
        proof(op, "token", header={"jwk": ECKey.generate_key("P-256").as_dict(private=False)}),
        proof(op, "token", header={"jwk": {"kty": "EC"}}),
    ):
        response = redeem(op, "bound", dpop)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof"), dpop


def test_code_and_refresh_token_are_bound_too(op: TestProvider) -> None:
    stranger = ECKey.generate_key("P-256")
    jkt = KEY.thumbprint()
    assert redeem(op, "public", proof(op, "token", stranger), dpop_jkt=jkt).json()["error"] == "invalid_grant"
    tokens = redeem(op, "public", proof(op, "token"), dpop_jkt=jkt).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "public"}
    assert post(op, form, proof(op, "token", stranger)).json()["error"] == "invalid_grant"
    assert post(op, form, None).json()["error"] == "invalid_grant"
    assert post(op, form, proof(op, "token")).json()["token_type"] == "DPoP"


def test_a_nonce_can_be_demanded(op: TestProvider) -> None:
    op.dpop_nonce = "fresh-1"
    response = redeem(op, "bound", proof(op, "token"))
    assert (response.json()["error"], response.headers["DPoP-Nonce"]) == ("use_dpop_nonce", "fresh-1")
    assert redeem(op, "bound", proof(op, "token", nonce="fresh-1")).status_code == 200

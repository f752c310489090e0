"""Algorithms and client authentication, end to end at the certified npm oidc-provider, which is strict about each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.real.node_party import CALLBACK, SECRET, NodeBrowser, NodeParty
from tests.real.op_node import NodeProvider, node_provider

ASYMMETRIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "RSA": RSAKey.generate_key(2048),
    "P-256": ECKey.generate_key("P-256"),
    "P-384": ECKey.generate_key("P-384"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}
ENCRYPTION = [
    (alg, enc, key)
    for alg, key in (("RSA-OAEP", "RSA"), ("RSA-OAEP-256", "RSA"), ("ECDH-ES", "P-256"), ("ECDH-ES", "P-384"))
    for enc in ("A128GCM", "A256GCM")
]
CLIENT_KEYS = [("P-256", "ES256"), ("RSA", "PS256"), ("RSA", "RS256"), ("Ed25519", "Ed25519")]


def pem(key: RSAKey | ECKey | OKPKey) -> str:
    return key.as_pem(private=True).decode()


def jwks(key: str, **members: str) -> dict[str, Any]:
    return {"keys": [{**KEYS[key].as_dict(private=False), "kid": key, **members}]}


def registered() -> Iterator[dict[str, Any]]:
    for alg in (*ASYMMETRIC, "HS256"):
        yield {"client_id": alg, "id_token_signed_response_alg": alg}
    for alg, enc, key in ENCRYPTION:
        sealed = {"id_token_encrypted_response_alg": alg, "id_token_encrypted_response_enc": enc}
        yield {"client_id": f"{alg}-{enc}-{key}", "jwks": jwks(key, use="enc"), **sealed}
    for key, alg in CLIENT_KEYS:
        by_key = {"token_endpoint_auth_method": "private_key_jwt", "client_secret": None, "jwks": jwks(key)}
        yield {"client_id": f"key-{alg}", "token_endpoint_auth_signing_alg": alg, **by_key}
        yield {"client_id": f"jar-{alg}", "require_signed_request_object": True, **by_key}
    for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt"):
        yield {"client_id": method, "token_endpoint_auth_method": method}
    yield {"client_id": "none", "token_endpoint_auth_method": "none", "client_secret": None}
    yield {"client_id": "par", "require_pushed_authorization_requests": True}
    yield {"client_id": "dpop", "dpop_bound_access_tokens": True}
    yield {"client_id": "userinfo", "userinfo_signed_response_alg": "ES256"}


def client(metadata: dict[str, Any]) -> dict[str, Any]:
    whole = {"client_secret": SECRET, "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"]}
    return {name: value for name, value in (whole | metadata).items() if value is not None}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProvider]:
    keys = [*KEYS.values(), ECKey.generate_key("P-521")]
    settings = {
        "jwks": {"keys": [{**key.as_dict(private=True), "use": "sig"} for key in keys]},
        "enabledJWA": {
            "idTokenSigningAlgValues": [*ASYMMETRIC, "HS256"],
            "idTokenEncryptionAlgValues": ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES"],
            "idTokenEncryptionEncValues": ["A128GCM", "A256GCM"],
            "clientAuthSigningAlgValues": ["ES256", "PS256", "RS256", "Ed25519", "HS256"],
            "requestObjectSigningAlgValues": ["ES256", "PS256", "RS256", "Ed25519"],
        },
        "clientAuthMethods": [
            *("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"),
        ],
    }
    features = {
        "encryption": {"enabled": True},
        "requestObjects": {"enabled": True},
        "dPoP": {"enabled": True},
        "jwtUserinfo": {"enabled": True},
    }
    directory = tmp_path_factory.mktemp("op")
    clients = [client(metadata) for metadata in registered()]
    with node_provider(clients, directory=directory, settings=settings, features=features) as running:
        yield running


@pytest.mark.parametrize("kind", ["wsgi", "asyncio"])
@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_id_tokens_signed_with(provider: NodeProvider, alg: str, kind: str) -> None:
    given: dict[str, Any] = {"client_secret": SECRET, "id_token_algorithms": (alg,)}
    NodeParty(provider, alg, kind=kind, **given).sign_in()


def test_an_algorithm_that_is_not_configured(provider: NodeProvider) -> None:
    party = NodeParty(provider, "RS256", client_secret=SECRET, id_token_algorithms=("ES256",))
    answer = party.attempt(NodeBrowser(party))
    assert (answer.status, "<code>id_token_alg</code>" in answer.text) == (502, True)


def test_hs256_only_where_it_is_configured(provider: NodeProvider) -> None:
    NodeParty(provider, "HS256", client_secret=SECRET, id_token_algorithms=("HS256",)).sign_in()
    party = NodeParty(provider, "HS256", client_secret=SECRET)
    answer = party.attempt(NodeBrowser(party))
    assert (answer.status, "<code>id_token_alg</code>" in answer.text) == (502, True)
    assert not party.app.seen


@pytest.mark.parametrize(("alg", "enc", "key"), ENCRYPTION)
def test_encrypted_id_tokens(provider: NodeProvider, alg: str, enc: str, key: str) -> None:
    given = {"client_secret": SECRET, "id_token_decryption_key": pem(KEYS[key])}
    NodeParty(provider, f"{alg}-{enc}-{key}", **given).sign_in()


def test_an_encrypted_id_token_that_is_not_for_our_key(provider: NodeProvider) -> None:
    other = pem(RSAKey.generate_key(2048))
    party = NodeParty(provider, "RSA-OAEP-A128GCM-RSA", client_secret=SECRET, id_token_decryption_key=other)
    answer = party.attempt(NodeBrowser(party))
    assert (answer.status, "<code>id_token_encryption</code>" in answer.text) == (502, True)
    signed_alone = NodeParty(provider, "RS256", client_secret=SECRET, id_token_decryption_key=other)
    answer = signed_alone.attempt(NodeBrowser(signed_alone))
    assert (answer.status, "<code>id_token_encryption</code>" in answer.text) == (502, True)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_client_authentication_by_secret(provider: NodeProvider, method: str) -> None:
    NodeParty(provider, method, client_secret=SECRET, client_auth=method).sign_in()
    wrong = NodeParty(provider, method, client_secret=SECRET + "!", client_auth=method)
    answer = wrong.attempt(NodeBrowser(wrong))
    assert (answer.status, "<code>invalid_client</code>" in answer.text) == (502, True)


def test_a_public_client(provider: NodeProvider) -> None:
    NodeParty(provider, "none").sign_in()


@pytest.mark.parametrize(("key", "alg"), CLIENT_KEYS)
def test_private_key_jwt(provider: NodeProvider, key: str, alg: str) -> None:
    jwk = {**KEYS[key].as_dict(private=True), "kid": key, "alg": alg}
    NodeParty(provider, f"key-{alg}", client_private_key=json.dumps(jwk)).sign_in()


@pytest.mark.parametrize("pushed", ["auto", "never"])
@pytest.mark.parametrize(("key", "alg"), CLIENT_KEYS)
def test_signed_request_objects(provider: NodeProvider, key: str, alg: str, pushed: str) -> None:
    jwk = json.dumps({**KEYS[key].as_dict(private=True), "kid": key, "alg": alg})
    given: dict[str, Any] = {"client_private_key": jwk, "pushed_authorization_requests": pushed}
    browser = NodeParty(provider, f"jar-{alg}", signed_request_objects=True, **given).sign_in()
    assert ("&request=" in browser.asked) is (pushed == "never")
    plain = NodeParty(provider, f"jar-{alg}", **given)
    answer = plain.attempt(NodeBrowser(plain))
    assert (answer.status in (400, 502), "<code>invalid_request</code>" in answer.text) == (True, True)


def test_requests_are_pushed_where_that_is_required_or_offered(provider: NodeProvider) -> None:
    for name in ("par", "RS256"):
        browser = NodeParty(provider, name, client_secret=SECRET).sign_in()
        assert "request_uri=urn" in browser.asked.replace("%3A", ":")
        assert "code_challenge" not in browser.asked
    party = NodeParty(provider, "RS256", client_secret=SECRET, pushed_authorization_requests="never")
    assert "code_challenge" in party.sign_in().asked
    refused = NodeParty(provider, "par", client_secret=SECRET, pushed_authorization_requests="never")
    answer = refused.attempt(NodeBrowser(refused))
    assert "<code>invalid_request</code>" in answer.text


def test_dpop(provider: NodeProvider) -> None:
    NodeParty(provider, "dpop", client_secret=SECRET, dpop=True).sign_in()
    without = NodeParty(provider, "dpop", client_secret=SECRET)
    answer = without.attempt(NodeBrowser(without))
    assert "<code>invalid_grant</code>" in answer.text
    assert not without.app.seen


def test_signed_userinfo(provider: NodeProvider) -> None:
    party = NodeParty(
        provider,
        "userinfo",
        client_secret=SECRET,
        groups_claim="groups",
        scopes=("openid", "email", "groups"),
    )
    party.sign_in()
    assert party.app.identity is not None
    assert party.app.identity.groups == ("staff", "admins")

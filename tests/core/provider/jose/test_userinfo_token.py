from __future__ import annotations

import json
from typing import Any

import pytest

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.jose.claims import Claims
from oidc_gate.provider.jose.private_keys import load_decryption_key
from oidc_gate.provider.jose.userinfo_token import validate_userinfo_token
from tests.core.provider.jose import forge
from tests.core.provider.jose.forge import CLIENT_ID, ISSUER, NOW, SECRET, sign


def validate(token: str, **how: Any) -> Claims:
    return validate_userinfo_token(token, forge.recipient(**{"algorithms": ("RS256",), **how}))


def fault(token: str, **how: Any) -> str:
    with pytest.raises(IDTokenError) as caught:
        validate(token, **how)
    assert caught.value.code == f"userinfo_{caught.value.claim}"
    return caught.value.claim


@pytest.mark.parametrize(
    "changes",
    [{}, {"iss": ISSUER}, {"aud": CLIENT_ID}, {"aud": [CLIENT_ID]}, {"exp": NOW + 1}, {"iat": 1}],
)
def test_taken(changes: dict[str, Any]) -> None:
    assert validate(sign({"sub": "ada", "email": "ada@example.com", **changes}))["email"] == "ada@example.com"


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("sub", {"sub": ...}),
        ("sub", {"sub": 7}),
        ("iss", {"iss": "https://evil.example.com"}),
        ("aud", {"aud": "other"}),
        ("azp", {"aud": [CLIENT_ID, "other"]}),
        ("exp", {"exp": NOW - 60}),
        ("nbf", {"nbf": NOW + 61}),
    ],
)
def test_a_claim_that_does_not_hold_is_named(claim: str, changes: dict[str, Any]) -> None:
    whole = {"sub": "ada", **changes}
    assert fault(sign({name: value for name, value in whole.items() if value is not ...})) == claim


def test_the_signature_counts() -> None:
    assert fault(sign({"sub": "ada"}, key=forge.private_key("RSA", 9))) == "signature"
    assert fault(sign({"sub": "ada"}, "ES256")) == "alg"
    assert fault(sign({"sub": "ada"}, typ="logout+jwt")) == "typ"
    token = sign({"sub": "ada"}, "HS256", forge.hmac_key(SECRET.encode()))
    assert validate(token, client_secret=SECRET, algorithms=("HS256",))


def test_encrypted_is_fine_and_signed_inside_is_needed() -> None:
    key = load_decryption_key(json.dumps(forge.private_key("RSA", 1).as_dict(private=True)))
    assert validate(forge.encrypt(sign({"sub": "ada"})), decryption_key=key)
    assert fault(forge.encrypt(json.dumps({"sub": "ada"})), decryption_key=key) == "format"
    assert fault(forge.encrypt(sign({"sub": "ada"}))) == "format"


def test_the_key_of_encrypted_id_tokens_does_not_demand_encrypted_userinfo() -> None:
    key = load_decryption_key(json.dumps(forge.private_key("RSA", 1).as_dict(private=True)))
    assert validate(sign({"sub": "ada"}), decryption_key=key)


def test_its_claims_are_returned_whole_and_read_only() -> None:
    whole = {"sub": "ada", "email": "ada@example.com", "exp": NOW + 1, "nothing": None}
    found = validate(sign(whole))
    assert dict(found) == {"sub": "ada", "email": "ada@example.com", "exp": NOW + 1}
    with pytest.raises(TypeError):
        found["sub"] = "root"  # type: ignore[index]


@pytest.mark.parametrize("typ", ["JWT", "jose", "application/jwt"])
def test_types_that_are_taken(typ: str) -> None:
    assert validate(sign({"sub": "ada"}, typ=typ))

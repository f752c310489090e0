from __future__ import annotations

import json
from typing import Any

import pytest

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.jose.logout_token import LOGOUT_EVENT, LogoutClaims, validate_logout_token
from oidc_gate.provider.jose.private_keys import load_decryption_key
from tests.core.provider.jose import forge
from tests.core.provider.jose.forge import CLIENT_ID, NOW, SECRET, b64, logout_claims, sign


def validate(token: str, **how: Any) -> LogoutClaims:
    return validate_logout_token(token, forge.recipient(**{"algorithms": ("RS256",), **how}))


def fault(token: str, **how: Any) -> str:
    with pytest.raises(IDTokenError) as caught:
        validate(token, **how)
    assert caught.value.code == f"logout_token_{caught.value.claim}"
    return caught.value.claim


def test_whom_it_signs_out() -> None:
    token = sign(logout_claims(), typ="logout+jwt")
    assert validate(token) == LogoutClaims("248289761001", "08a5019c", "bWJq", NOW, NOW + 120)


@pytest.mark.parametrize(
    ("changes", "typ"),
    [
        ({}, "application/logout+jwt"),
        ({}, "JWT"),
        ({}, ...),
        ({"sub": ...}, "logout+jwt"),
        ({"sid": ...}, "logout+jwt"),
        ({"sid": None}, "logout+jwt"),
        ({"events": {LOGOUT_EVENT: {"any": 1}, "other": 1}}, "logout+jwt"),
        ({"aud": [CLIENT_ID]}, "logout+jwt"),
    ],
)
def test_taken(changes: dict[str, Any], typ: Any) -> None:
    assert validate(sign(logout_claims(**changes), typ=typ)).jti == "bWJq"


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("iss", {"iss": "https://evil.example.com"}),
        ("iss", {"iss": ...}),
        ("aud", {"aud": "other"}),
        ("aud", {"aud": ...}),
        ("azp", {"aud": [CLIENT_ID, "other"]}),
        ("iat", {"iat": ...}),
        ("iat", {"iat": NOW - 661}),
        ("iat", {"iat": NOW + 61}),
        ("exp", {"exp": ...}),
        ("exp", {"exp": NOW - 60}),
        ("nbf", {"nbf": NOW + 61}),
        ("jti", {"jti": ...}),
        ("jti", {"jti": ""}),
        ("jti", {"jti": 7}),
        ("events", {"events": ...}),
        ("events", {"events": []}),
        ("events", {"events": {}}),
        ("events", {"events": {LOGOUT_EVENT + "x": {}}}),
        ("events", {"events": {LOGOUT_EVENT: []}}),
        ("events", {"events": {LOGOUT_EVENT: None}}),
        ("events", {"events": LOGOUT_EVENT}),
        ("nonce", {"nonce": "n"}),
        ("nonce", {"nonce": None}),
        ("sub", {"sub": ..., "sid": ...}),
        ("sub", {"sub": ""}),
        ("sid", {"sid": ["08a5019c"]}),
    ],
)
def test_a_claim_that_does_not_hold_is_named(claim: str, changes: dict[str, Any]) -> None:
    assert fault(sign(logout_claims(**changes), typ="logout+jwt")) == claim


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "xlogout+jwt", 7])
def test_a_wrong_type_is_refused(typ: Any) -> None:
    assert fault(sign(logout_claims(), typ=typ)) == "typ"


def test_alg_none_wrong_alg_and_wrong_key() -> None:
    payload = b64(json.dumps(logout_claims()).encode())
    header = b64(json.dumps({"alg": "none"}).encode())
    assert fault(f"{header}.{payload}.") == "alg"
    assert fault(sign(logout_claims(), "ES256")) == "alg"
    assert fault(sign(logout_claims(), key=forge.private_key("RSA", 9))) == "signature"
    assert (
        fault(sign(logout_claims(), "HS256", forge.hmac_key(SECRET.encode())), client_secret=SECRET) == "alg"
    )
    token = sign(logout_claims(), "HS256", forge.hmac_key(SECRET.encode()))
    assert validate(token, client_secret=SECRET, algorithms=("HS256",))


def test_encryption_that_was_registered_is_demanded() -> None:
    key = load_decryption_key(json.dumps(forge.private_key("RSA", 1).as_dict(private=True)))
    assert validate(forge.encrypt(sign(logout_claims())), decryption_key=key)
    assert fault(sign(logout_claims()), decryption_key=key) == "encryption"


def test_neither_token_is_taken_for_the_other() -> None:
    id_token = sign(forge.claims(jti="j", sid="s"))
    assert fault(id_token) == "nonce"
    with pytest.raises(IDTokenError):
        forge.check_id_token(sign(logout_claims(), typ="logout+jwt"), nonce=None)


def test_a_token_without_exp_is_taken_only_if_that_is_allowed_and_while_it_is_fresh() -> None:
    """Ory Hydra and LemonLDAP::NG send none."""

    def lax(**changes: Any) -> LogoutClaims:
        recipient = forge.recipient(algorithms=("RS256",))
        token = sign(logout_claims(**changes), typ="logout+jwt")
        return validate_logout_token(token, recipient, needs_exp=False)

    assert fault(sign(logout_claims(exp=...), typ="logout+jwt")) == "exp"
    assert lax(exp=...).exp == NOW + 600
    assert lax(exp=None).exp == NOW + 600
    assert lax().exp == NOW + 120
    refused: list[tuple[dict[str, Any], str]] = [
        ({"exp": NOW - 60}, "exp"),  # one that is there still counts
        ({"exp": "soon"}, "exp"),
        ({"exp": ..., "iat": NOW - 661}, "exp"),
        ({"exp": ..., "iat": NOW + 61}, "iat"),
        ({"exp": ..., "iat": ...}, "iat"),
    ]
    for changes, claim in refused:
        with pytest.raises(IDTokenError) as caught:
            lax(**changes)
        assert caught.value.claim == claim, changes


@pytest.mark.parametrize(
    ("changes", "sub", "sid"),
    [
        ({}, "248289761001", "08a5019c"),
        ({"sub": ...}, "", "08a5019c"),
        ({"sid": ...}, "248289761001", ""),
        ({"sid": None}, "248289761001", ""),
    ],
)
def test_which_sessions_it_ends(changes: dict[str, Any], sub: str, sid: str) -> None:
    found = validate(sign(logout_claims(**changes), typ="logout+jwt"))
    assert found == LogoutClaims(sub, sid, "bWJq", NOW, NOW + 120)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"nonce": "secret"}, "nonce: expected 'no nonce', got 'one'"),
        ({"sub": ..., "sid": ...}, "sub: expected 'sub or sid', got 'nothing'"),
        ({"events": []}, f"events: expected 'an object with {LOGOUT_EVENT}', got 'a list of 0'"),
        (
            {"events": {LOGOUT_EVENT: 7, "b": {}}},
            f"events: expected 'an object with {LOGOUT_EVENT}', got '{LOGOUT_EVENT}: 7, b: an object'",
        ),
    ],
)
def test_what_is_said_of_a_claim(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(IDTokenError) as caught:
        validate(sign(logout_claims(**changes)))
    assert caught.value.detail == f"logout_token: {detail}"

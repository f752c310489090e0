from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.jose.claims import Claims
from oidc_gate.provider.jose.keys import KeySet
from tests.core.provider.jose import forge
from tests.core.provider.jose.forge import (
    ALGORITHMS,
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    SECRET,
    claims,
    sign,
)


def validate(token: str, *, keys: KeySet | None = None, now: int = NOW, **expected: Any) -> Claims:
    return forge.check_id_token(token, keys=keys or forge.key_set(), now=now, **expected).claims


def refused(token: str, **how: Any) -> IDTokenError:
    with pytest.raises(IDTokenError) as caught:
        validate(token, **how)
    assert caught.value.code == f"id_token_{caught.value.claim}"
    return caught.value


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_of_the_defaults_is_taken(alg: str) -> None:
    assert validate(sign(claims(), alg))["sub"] == "248289761001"


def test_hs256_is_taken_where_the_settings_name_it() -> None:
    token = sign(claims(), "HS256", forge.hmac_key(SECRET.encode()))
    assert validate(token, algorithms=("HS256",), client_secret=SECRET)["iss"] == ISSUER


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({"aud": [CLIENT_ID]}, {}),
        ({"aud": [CLIENT_ID, CLIENT_ID]}, {}),
        ({"aud": [CLIENT_ID, "api"], "azp": CLIENT_ID}, {}),
        ({"azp": CLIENT_ID}, {}),
        ({"exp": NOW - 59}, {}),
        ({"exp": NOW + 0.5, "iat": float(NOW)}, {}),
        ({"iat": NOW + 60}, {}),
        ({"iat": NOW - 660}, {}),
        ({"nbf": NOW + 60}, {}),
        ({"nbf": None, "azp": None, "at_hash": None, "auth_time": None}, {}),
        ({"auth_time": 0}, {}),
        ({"auth_time": NOW - 360.5}, {"max_age_seconds": 300, "clock_skew_seconds": 61}),
        ({"auth_time": NOW - 360}, {"max_age_seconds": 300}),
        ({"auth_time": NOW + 60}, {"max_age_seconds": 300}),
        ({"auth_time": NOW - 60}, {"max_age_seconds": 0}),
        ({"acr": "gold"}, {"acr_values": ("silver", "gold")}),
        ({"sub": "s" * 255}, {}),
        ({"nonce": ...}, {"nonce": None}),
        ({"at_hash": "anything"}, {"access_token": None}),
        ({"c_hash": "of no interest in the code flow"}, {}),
    ],
)
def test_taken(changes: dict[str, Any], how: dict[str, Any]) -> None:
    assert validate(sign(claims(**changes)), **how)["sub"]


def test_times_come_back_as_integers_and_claims_are_read_only() -> None:
    got = validate(sign(claims(auth_time=NOW - 1.75)))
    assert got["auth_time"] == NOW - 2
    assert type(got["auth_time"]) is int
    with pytest.raises(TypeError):
        got["sub"] = "somebody else"  # type: ignore[index]


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "JOSE", None, ...])
def test_types_that_are_taken(typ: Any) -> None:
    assert validate(sign(claims(), typ=typ))


def test_a_certificate_chain_in_the_header_is_ignored() -> None:
    assert validate(sign(claims(), x5c=["MIIC" * 1000], x5t="abc", unknown={"a": 1}))


@pytest.mark.parametrize(
    ("claim", "changes", "how"),
    [
        ("iss", {"iss": "https://evil.example.com"}, {}),
        ("iss", {"iss": ISSUER + "/"}, {}),
        ("iss", {"iss": ...}, {}),
        ("iss", {"iss": [ISSUER]}, {}),
        ("sub", {"sub": ...}, {}),
        ("sub", {"sub": ""}, {}),
        ("sub", {"sub": 7}, {}),
        ("sub", {"sub": "s" * 256}, {}),
        ("sub", {"sub": "zoë"}, {}),
        ("sub", {"sub": "a\r\nb"}, {}),
        ("aud", {"aud": ...}, {}),
        ("aud", {"aud": "other"}, {}),
        ("aud", {"aud": f"{CLIENT_ID}-admin"}, {}),
        ("aud", {"aud": []}, {}),
        ("aud", {"aud": ["other"]}, {}),
        ("aud", {"aud": [CLIENT_ID, 7], "azp": CLIENT_ID}, {}),
        ("aud", {"aud": {CLIENT_ID: 1}}, {}),
        ("azp", {"aud": [CLIENT_ID, "other"]}, {}),
        ("azp", {"aud": [CLIENT_ID, "other"], "azp": "other"}, {}),
        ("azp", {"azp": "other"}, {}),
        ("exp", {"exp": ...}, {}),
        ("exp", {"exp": NOW - 60}, {}),
        ("exp", {"exp": str(NOW + 300)}, {}),
        ("exp", {"exp": True}, {}),
        ("exp", {"exp": 1e300}, {}),
        ("exp", {"exp": -1}, {}),
        ("iat", {"iat": ...}, {}),
        ("iat", {"iat": None}, {}),
        ("iat", {"iat": False}, {}),
        ("iat", {"iat": NOW + 61}, {}),
        ("iat", {"iat": NOW - 661}, {}),
        ("nbf", {"nbf": NOW + 61}, {}),
        ("nbf", {"nbf": "soon"}, {}),
        ("nbf", {"nbf": False}, {}),
        ("nonce", {"nonce": ...}, {}),
        ("nonce", {"nonce": "another"}, {}),
        ("nonce", {"nonce": NONCE + "é"}, {}),
        ("nonce", {"nonce": [NONCE]}, {}),
        ("auth_time", {}, {"max_age_seconds": 300}),
        ("auth_time", {"auth_time": NOW - 361}, {"max_age_seconds": 300}),
        ("auth_time", {"auth_time": NOW - 61}, {"max_age_seconds": 0}),
        ("auth_time", {"auth_time": NOW + 61}, {"max_age_seconds": 300}),
        ("auth_time", {"auth_time": "now"}, {}),
        ("auth_time", {"auth_time": True}, {}),
        ("acr", {}, {"acr_values": ("gold",)}),
        ("acr", {"acr": "bronze"}, {"acr_values": ("silver", "gold")}),
        ("acr", {"acr": ["gold"]}, {"acr_values": ("gold",)}),
        ("at_hash", {"at_hash": "wrong"}, {"access_token": "at"}),
        ("at_hash", {"at_hash": 7}, {"access_token": "at"}),
    ],
)
def test_a_claim_that_does_not_hold_is_named(
    claim: str, changes: dict[str, Any], how: dict[str, Any]
) -> None:
    assert refused(sign(claims(**changes)), **how).claim == claim


# Core §A.3 gives this access token with its at_hash; the others are the same arithmetic with longer hashes.
ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"


@pytest.mark.parametrize(
    ("alg", "at_hash"),
    [
        ("RS256", "77QmUPtjPfzWtF2AnpK9RQ"),
        ("ES256", "77QmUPtjPfzWtF2AnpK9RQ"),
        ("PS384", "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"),
        ("ES384", "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"),
        ("RS512", "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"),
        ("ES512", "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"),
        ("EdDSA", "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"),
        ("Ed25519", "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"),
    ],
)
def test_at_hash_of_the_specification_s_own_example(alg: str, at_hash: str) -> None:
    token = sign(claims(at_hash=at_hash), alg)
    assert validate(token, access_token=ACCESS_TOKEN)
    assert refused(token, access_token="another").claim == "at_hash"


@pytest.mark.parametrize(
    ("changes", "how", "detail"),
    [
        ({"nonce": ...}, {}, "nonce: expected 'the nonce of this sign-in', got 'nothing'"),
        ({"nonce": "another"}, {}, "nonce: expected 'the nonce of this sign-in', got 'another one'"),
        ({"acr": "tin"}, {"acr_values": ("a", "b")}, "acr: expected 'a or b', got 'tin'"),
        (
            {"at_hash": "x"},
            {"access_token": "at"},
            "at_hash: expected 'the hash of the access token', got 'another one'",
        ),
        (
            {"auth_time": NOW - 361},
            {"max_age_seconds": 300},
            f"auth_time: expected '{NOW - 360} or later, and not ahead', got '{NOW - 361}'; the user signed in 361 s "
            "ago; max_age_seconds is 300",
        ),
    ],
)
def test_what_is_said_of_a_claim(changes: dict[str, Any], how: dict[str, Any], detail: str) -> None:
    assert refused(sign(claims(**changes)), **how).detail == f"id_token: {detail}"

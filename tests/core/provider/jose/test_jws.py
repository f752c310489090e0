"""What keeps a token out before its claims are looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import OctKey

from oidc_gate.errors import IDTokenError
from oidc_gate.provider.jose.claims import Claims
from oidc_gate.provider.jose.keys import KeyNotFound, KeySet, may_have_rotated
from oidc_gate.provider.jose.private_keys import UnusableKey
from tests.core.provider.jose import forge
from tests.core.provider.jose.forge import ALGORITHMS, NOW, SECRET, b64, claims, expecting, sign


def validate(token: str, keys: KeySet | None = None, **expected: Any) -> Claims:
    keys = forge.key_set() if keys is None else keys
    return forge.check_id_token(token, keys=keys, **expected).claims


def fault(token: str, keys: KeySet | None = None, **expected: Any) -> str:
    with pytest.raises(IDTokenError) as caught:
        validate(token, keys, **expected)
    assert caught.value.code == f"id_token_{caught.value.claim}"
    return caught.value.claim


def unsigned(alg: str = "none", signature: str = "") -> str:
    return f"{b64(json.dumps({'alg': alg}).encode())}.{b64(json.dumps(claims()).encode())}.{signature}"


@pytest.mark.parametrize(
    ("token", "claim"),
    [
        ("", "format"),
        ("a.b", "format"),
        ("a.b.c.d", "format"),
        ("a.b.c.d.e", "format"),
        ("a.b.c.d.e.f", "format"),
        ("é.b.c", "format"),
        ("\ud800.b.c", "format"),
        ("a" * 393_217, "size"),
        ("a" * 393_216, "format"),
        ("!.b.c", "header"),
        (b64(b"[]") + ".b.c", "header"),
        (b64(b'{"alg":"RS256","alg":"none"}') + ".b.c", "header"),
        (b64(b'{"alg":"RS256"}') + "=.b.c", "header"),
        (b64(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}") + ".b.c", "header"),
        (b64(b'{"a":"' + b"x" * 20_000 + b'"}') + ".b.c", "header"),
        (b64(b'{"alg":"none","a":"' + b"x" * 12_268 + b'"}') + ".b.c", "header"),
        (b64(b'{"alg":"none","a":"' + b"x" * 12_267 + b'"}') + ".b.c", "alg"),
        (unsigned(), "alg"),
        (unsigned("None"), "alg"),
        (unsigned("RS256"), "signature"),
        (unsigned("RS256", "AAAA"), "signature"),
        (unsigned("ES256", b64(bytes(64))), "signature"),
        (unsigned("RS256", "&&&&"), "signature"),
    ],
)
def test_text_that_is_no_token(token: str, claim: str) -> None:
    assert fault(token) == claim


def test_none_stays_refused_when_the_settings_name_it() -> None:
    assert fault(unsigned(), algorithms=("none", "RS256")) == "alg"


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_an_algorithm_that_is_known_and_not_asked_for_is_refused(alg: str) -> None:
    assert fault(sign(claims(), alg), algorithms=("PS256",)) == "alg"


@pytest.mark.parametrize("header", [{"header_alg": 7}, {"header_alg": ["RS256"]}, {"header_alg": ...}])
def test_alg_is_one_text(header: dict[str, Any]) -> None:
    assert fault(sign(claims(), **header)) == "alg"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_of_another_key_or_over_other_claims_is_refused(alg: str) -> None:
    kind = forge.CURVES.get(alg, "RSA")
    assert fault(sign(claims(), alg, forge.private_key(kind, 9))) == "signature"
    head, _, signature = sign(claims(), alg).split(".")
    assert fault(f"{head}.{b64(json.dumps(claims(sub='root')).encode())}.{signature}") == "signature"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_algorithm_is_taken_for_another(alg: str) -> None:
    for claimed in set(ALGORITHMS) - {alg} - ({"EdDSA", "Ed25519"} if alg in ("EdDSA", "Ed25519") else set()):
        assert fault(sign(claims(), alg, header_alg=claimed, kid=...)) in ("signature", "kid")


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_key_confusion_hs256_signed_with_the_public_key(form: Any) -> None:
    key = forge.private_key("RSA")
    assert not isinstance(key, OctKey)
    token = sign(claims(), "HS256", forge.hmac_key(key.as_bytes(form)))
    assert fault(token) == "alg"
    assert fault(token, algorithms=("RS256", "HS256")) == "alg"
    assert fault(token, algorithms=("RS256", "HS256"), client_secret=SECRET) == "signature"
    assert (
        fault(sign(claims(), "HS256", forge.hmac_key(key.as_bytes(form)), header_alg="RS256")) == "signature"
    )


def test_hs256_with_a_secret_is_refused_unless_the_settings_name_it() -> None:
    token = sign(claims(), "HS256", forge.hmac_key(SECRET.encode()))
    assert fault(token, client_secret=SECRET) == "alg"
    assert fault(token, algorithms=("HS256",), client_secret=SECRET + "x") == "signature"


def test_hs256_with_a_secret_that_can_be_guessed_is_refused() -> None:
    token = sign(claims(), "HS256", forge.hmac_key(b"short"))
    with pytest.raises(UnusableKey):
        validate(token, algorithms=("HS256",), client_secret="short")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("jku", "https://evil.example.com/keys"),
        ("x5u", "https://evil.example.com/chain"),
        ("crit", ["exp"]),
        ("crit", ["b64"]),
        ("crit", []),
        ("typ", "logout+jwt"),
        ("typ", "at+jwt"),
        ("typ", "application/at+jwt"),
        ("typ", ["JWT"]),
        ("kid", 7),
        ("kid", None),
    ],
)
def test_header_parameters_that_refuse(parameter: str, value: Any) -> None:
    assert fault(sign(claims(), **{parameter: value})) == parameter


def test_a_key_in_the_header_never_verifies() -> None:
    own = forge.private_key("RSA", 9)
    assert fault(sign(claims(), key=own, jwk=forge.public_jwk(own))) == "jwk"
    assert fault(sign(claims(), jwk=forge.public_jwk(forge.private_key("RSA")))) == "jwk"


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b'"text"',
        b"\xff",
        b"",
        b'{"sub":"a","sub":"b"}',
        b'{"exp":NaN}',
        b'{"exp":1e999}',
        b'{"exp":-Infinity}',
        b'{"exp":' + b"9" * 5000 + b"}",
        b'{"name":"\\ud800"}',
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 20_000 + b"]" * 20_000,
        json.dumps(claims()).encode("utf-16"),
    ],
)
def test_a_signed_payload_that_is_no_decent_json_object(payload: bytes) -> None:
    assert fault(forge.sign_raw(b'{"alg":"RS256"}', payload)) == "payload"


def test_an_unknown_kid_asks_for_new_keys_and_a_known_one_that_fails_does_too() -> None:
    with pytest.raises(KeyNotFound) as unknown:
        validate(sign(claims(), kid="new"))
    assert unknown.value.claim == "kid"
    assert may_have_rotated(unknown.value)
    with pytest.raises(IDTokenError) as renewed:
        validate(sign(claims(), key=forge.private_key("RSA", 9)))
    assert may_have_rotated(renewed.value)
    with pytest.raises(IDTokenError) as expired:
        validate(sign(claims(exp=NOW - 600)))
    assert not may_have_rotated(expired.value)


def test_kid_absent_single_jwks() -> None:
    keys = KeySet.from_jwks({"keys": [forge.public_jwk(forge.private_key("RSA"))]})
    assert validate(sign(claims(), kid=...), keys)


def test_kid_absent_multiple_jwks() -> None:
    members = [forge.public_jwk(forge.private_key("RSA", which), kid=str(which)) for which in (2, 3, 0)]
    assert validate(sign(claims(), kid=...), KeySet.from_jwks({"keys": members}))


def test_no_error_repeats_the_token_or_the_nonce() -> None:
    token = sign(claims(nonce="somebody-else-s"))
    with pytest.raises(IDTokenError) as caught:
        validate(token)
    text = f"{caught.value} {caught.value.got} {caught.value.expected}"
    assert "somebody-else-s" not in text
    assert forge.NONCE not in text
    assert forge.NONCE not in repr(expecting(access_token="at-value"))
    assert SECRET not in repr(forge.recipient(client_secret=SECRET))
    assert "at-value" not in repr(expecting(access_token="at-value"))


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        ("a.b", "format: expected 'a signed token', got '2 segments'"),
        ("a" * 393_217, "size: expected 'at most 393216 characters', got '393217'"),
        ("a" * 16_385 + ".b.c", "header: expected 'at most 16384 characters', got '16385'"),
        (
            unsigned("none"),
            f"alg: expected '{' '.join(ALGORITHMS)}', got 'none'; compare id_token_signed_response_alg and "
            "id_token_algorithms with the client's registration",
        ),
        (
            unsigned("RS256"),
            "signature: expected 'a signature by the provider', got 'RS256 that does not verify'",
        ),
        (
            sign(claims(), kid="new"),
            "kid: expected 'a key of the provider for RS256', got 'new'",
        ),
        (sign(claims(), typ="at+jwt"), "typ: expected 'jose or jwt', got 'at+jwt'"),
    ],
)
def test_what_is_said_of_a_token_that_is_refused(token: str, detail: str) -> None:
    with pytest.raises(IDTokenError) as caught:
        validate(token)
    assert caught.value.detail == f"id_token: {detail}"

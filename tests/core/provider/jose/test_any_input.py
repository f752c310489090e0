"""Whatever comes in, a `GateError` or an answer comes out; soon, and in little memory."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oidc_gate.errors import GateError
from oidc_gate.provider.jose.keys import KeySet
from oidc_gate.provider.jose.logout_token import validate_logout_token
from oidc_gate.provider.jose.private_keys import load_decryption_key, load_private_key, secret_key
from oidc_gate.provider.jose.userinfo_token import validate_userinfo_token
from tests.core.provider.jose import forge
from tests.core.provider.jose.forge import CLIENT_ID, ISSUER, NOW, b64

OURS = load_decryption_key(json.dumps(forge.private_key("RSA", 1).as_dict(private=True)))
VALID = forge.sign(forge.claims())
SEALED = forge.encrypt(VALID)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**60)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([ISSUER, CLIENT_ID, forge.NONCE, NOW, "RS256", "HS256", "none", "JWT", "RSA", "\ud800"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
claim_names = st.sampled_from(
    [
        "iss",
        "sub",
        "aud",
        "azp",
        "exp",
        "iat",
        "nbf",
        "nonce",
        "auth_time",
        "acr",
        "at_hash",
        "jti",
        "sid",
        "events",
    ]
) | st.text(max_size=8)
header_names = st.sampled_from(
    ["alg", "kid", "typ", "cty", "crit", "enc", "zip", "epk", "apu", "jwk", "jku", "x5c", "b64", "iss"]
) | st.text(max_size=8)
jwk_names = st.sampled_from(
    ["kty", "crv", "x", "y", "n", "e", "d", "k", "alg", "kid", "use", "key_ops", "x5c"]
) | st.text(max_size=8)
quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(take: Callable[[], object]) -> GateError | None:
    try:
        take()
    except GateError as error:
        return error
    return None


def judge(token: str) -> None:
    """Give `token` to everything that takes one; only a `GateError` may come of it."""
    recipient = forge.recipient()
    demanding: dict[str, Any] = {"access_token": "at", "max_age_seconds": 10, "acr_values": ("a",)}
    takers: list[Callable[[], object]] = [
        lambda: forge.check_id_token(token),
        lambda: forge.check_id_token(token, nonce=None, **demanding),
        lambda: forge.check_id_token(token, decryption_key=OURS),
        lambda: validate_logout_token(token, recipient),
        lambda: validate_userinfo_token(token, recipient),
    ]
    for take in takers:
        refused = outcome(take)
        assert len(str(refused).encode("utf-8", "strict")) < 2000


@quick
@given(st.text(max_size=400) | st.lists(st.text(max_size=20), min_size=3, max_size=5).map(".".join))
def test_any_text(text: str) -> None:
    judge(text)
    loaders: list[Callable[[str], object]] = [load_private_key, load_decryption_key, secret_key]
    for load in loaders:
        refused = outcome(partial(load, text))
        assert refused is None or refused.code == "unusable_key"


@quick
@given(st.sampled_from([VALID, SEALED]), st.data())
def test_a_good_token_with_something_changed(token: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, min(len(token), start + 40)))
    judge(token[:start] + data.draw(st.text("AQgw.-_=é\ud800{", max_size=6)) + token[end:])


@quick
@given(st.dictionaries(claim_names, values, max_size=6))
def test_well_signed_claims_of_any_kind(changes: dict[str, Any]) -> None:
    judge(forge.sign_raw(b'{"alg":"ES256"}', json.dumps({**forge.claims(), **changes}).encode(), "ES256"))
    judge(
        forge.sign_raw(b'{"alg":"ES256"}', json.dumps({**forge.logout_claims(), **changes}).encode(), "ES256")
    )


@quick
@given(st.dictionaries(header_names, values, max_size=6))
def test_headers_of_any_kind(changes: dict[str, Any]) -> None:
    judge(forge.sign_raw(json.dumps({"alg": "ES256", **changes}).encode(), b"{}", "ES256"))
    sealed = json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM", **changes}).encode()
    judge(f"{b64(sealed)}.{'.'.join(SEALED.split('.')[1:])}")


@quick
@given(st.binary(max_size=200))
def test_any_bytes_as_header_and_as_signed_payload(raw: bytes) -> None:
    judge(forge.sign_raw(b'{"alg":"ES256"}', raw, "ES256"))
    judge(f"{b64(raw)}.{b64(raw)}.{b64(raw)}")


@quick
@given(
    values
    | st.fixed_dictionaries({"keys": values | st.lists(st.dictionaries(jwk_names, values, max_size=6))})
)
def test_any_jwks(document: Any) -> None:
    refused = outcome(lambda: KeySet.from_jwks(document))
    if refused is None:
        keys = KeySet.from_jwks(document)
        assert len(keys.keys) + len(keys.skipped) == len(document["keys"])
    else:
        assert refused.code == "jwks_malformed"


@quick
@given(
    st.sampled_from(["RSA", "P-256", "Ed25519"]),
    st.dictionaries(
        jwk_names, values | st.sampled_from(["AQAB", "sig", "enc", "EC", "OKP", "P-256"]), max_size=3
    ),
)
def test_a_jwk_with_something_changed(kind: str, changes: dict[str, Any]) -> None:
    jwk = {**forge.private_key(kind).as_dict(private=True), **changes}
    KeySet.from_jwks({"keys": [jwk, forge.public_jwk(forge.private_key(kind), **changes)]})
    loaders: list[Callable[[str], object]] = [load_private_key, load_decryption_key]
    for load in loaders:
        refused = outcome(partial(load, json.dumps(jwk)))
        assert refused is None or refused.code == "unusable_key"


def big(payload: bytes) -> str:
    return forge.sign_raw(b'{"alg":"RS256"}', payload)


HOSTILE = {
    "a megabyte": "a" * (1 << 20),
    "dots": "." * (1 << 20),
    "flat list": big(b'{"a":[' + b"1," * 20_000 + b"1]}"),
    "many objects": big(b'{"a":[' + b"{}," * 15_000 + b"1]}"),
    "many lists": big(b'{"a":[' + b"[]," * 15_000 + b"1]}"),
    "deep": big(b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    "long number": big(b'{"a":' + b"9" * 45_000 + b"}"),
    "long fraction": big(b'{"a":0.' + b"9" * 45_000 + b"}"),
    "escapes": big(b'{"a":"' + b"\\u0041" * 7_000 + b'"}'),
    "many names": big(b"{" + b",".join(b'"%d":1' % n for n in range(5_000)) + b"}"),
    "deep header": f"{b64(b'{' + b'[' * 12_000)}.e30.AAAA",
    "every key tried": forge.sign_raw(b'{"alg":"ES512"}', b"{}", "ES512", forge.private_key("P-521", 9)),
    "long signature": VALID.rsplit(".", 1)[0] + "." + "A" * 60_000,
    "zip bomb": forge.encrypt("A" * 10_000_000, zip="DEF"),
    "huge kid": forge.sign(forge.claims(), kid="k" * 10_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bounded_in_time_and_memory(name: str) -> None:
    token = HOSTILE[name]
    many = [forge.public_jwk(forge.private_key("P-521", which)) for which in range(3)] * 33
    keys = KeySet.from_jwks({"keys": [*many, forge.public_jwk(forge.private_key("RSA"))]})

    def take() -> None:
        for decryption_key in (None, OURS):
            with pytest.raises(GateError):
                forge.check_id_token(token, keys=keys, decryption_key=decryption_key)

    times = []
    for _ in range(5):
        started = time.process_time()
        take()
        times.append(time.process_time() - started)
    tracemalloc.start()
    take()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Both ways together have 20 ms, which only a quiet machine can tell: `make fuzz` does. Elsewhere, "not quadratic".
    assert min(times) < (0.020 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 2)
    assert peak < 8 << 20

"""The gate's own key for DPoP, and its proofs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws

from oidc_gate.provider.dpop import DPoPKey

from . import scripted as op
from .scripted import START, Scripted

NEWEST = "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc"
OLDER = "fDXvZ0rQY1xk3s9KJb7mTg5uWn2hE8aLcRpO4yViM6s"


def thumbprint(**changes: Any) -> str:
    return DPoPKey.of(op.settings(**changes)).thumbprint


def test_the_key_is_the_same_in_every_process_and_release() -> None:
    assert thumbprint() == "y1eiQaBeplOqD8VTUf3572tKVoMJgqQ6iUhmeNuDvGg"
    assert thumbprint(cookie_secret=(NEWEST, OLDER)) == thumbprint()
    others = {
        thumbprint(cookie_secret=(OLDER, NEWEST)),
        thumbprint(client_id="other"),
        thumbprint(issuer="https://other.example"),
    }
    assert len(others | {thumbprint()}) == 4


@pytest.mark.parametrize(
    ("more", "claims"),
    [
        ({}, {}),
        ({"nonce": "n"}, {"nonce": "n"}),
        ({"nonce": "", "access_token": ""}, {}),
        # RFC 9449 §7.1 gives this token and its hash.
        (
            {"access_token": "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"},
            {"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"},
        ),
    ],
)
def test_a_proof(more: dict[str, str], claims: dict[str, str]) -> None:
    key = DPoPKey.of(op.settings())
    token = Scripted().drive(key.proof("PUT", "https://op.example/token?a#b", **more))
    opened = jws.extract_compact(token.encode())
    expected = {
        "jti": "AAECAwQFBgcICQoLDA0ODw",
        "htm": "PUT",
        "htu": "https://op.example/token",
        "iat": START,
    }
    assert json.loads(opened.payload) == expected | claims
    assert opened.headers() == {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.key.public_jwk}
    assert repr(key) == "DPoPKey()"

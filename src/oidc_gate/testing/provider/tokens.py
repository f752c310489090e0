"""Builds JSON Web Tokens, valid ones and invalid ones.

Tokens are assembled by hand, so that a test can request one that no library would build. The signatures and the
encryption are joserfc's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from joserfc import jwe
from joserfc.jwk import JWKRegistry, Key

from oidc_gate.testing.provider.keys import KeyRing, Signer, secret_key, signer
from oidc_gate.testing.provider.messages import Json
from oidc_gate.testing.provider.people import Client

from ...syntax.base64url import b64url_encode


@dataclass(frozen=True)
class Draft:
    """A token before it is signed. Every part of it can still be changed."""

    claims: Json
    header: Json
    sign: Signer
    client: Client
    envelope: Callable[[str], str] = field(default=lambda compact: compact)

    def write(self) -> str:
        """Sign the token, and encrypt it if the client registered encryption.

        Spec: RFC 7515 §7.1.
        """
        return self.envelope(self.write_signed())

    def write_signed(self) -> str:
        """Sign the token without encrypting it."""
        signed = ".".join(b64url_encode(json.dumps(part).encode()) for part in (self.header, self.claims))
        return f"{signed}.{b64url_encode(self.sign(signed.encode()))}"

    def saying(self, **claims: Any) -> Draft:
        """Change claims. None removes a claim."""
        return replace(self, claims=_changed(self.claims, claims))

    def headed(self, **header: Any) -> Draft:
        """Change header parameters. None removes a parameter."""
        return replace(self, header=_changed(self.header, header))


def _changed(before: Json, changes: Json) -> Json:
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


def draft(ring: KeyRing, client: Client, claims: Json, *, alg: str, typ: str | None = None) -> Draft:
    """Return a token as the provider builds it without faults."""
    if alg.startswith("HS"):
        if client.client_secret is None:
            raise ValueError(f"{client.client_id}: {alg} needs a client_secret")
        return Draft(
            claims,
            _changed({}, {"alg": alg, "typ": typ}),
            signer(alg, secret_key(client.client_secret)),
            client,
        )
    kid, key = ring.current(alg)
    return Draft(claims, _changed({}, {"alg": alg, "kid": kid, "typ": typ}), signer(alg, key), client)


def encryption_for(client: Client) -> Callable[[str], str]:
    """Return the function that encrypts a signed token for this client, or returns it unchanged.

    Spec: OpenID Connect Core §10.2.
    """
    alg = client.id_token_encrypted_response_alg
    if alg is None:
        return lambda compact: compact
    kid, key = encryption_key(client, "RSA" if alg.startswith("RSA") else "EC")
    header = _changed(
        {}, {"alg": alg, "enc": client.id_token_encrypted_response_enc, "cty": "JWT", "kid": kid}
    )
    return lambda compact: jwe.encrypt_compact(
        dict(header), compact, key, algorithms=[alg, client.id_token_encrypted_response_enc]
    )


def encryption_key(client: Client, kty: str) -> tuple[str | None, Key]:
    """Return the client's public key for encryption.

    Raises:
        ValueError: The client registered no key of that type.
    """
    for jwk in (client.jwks or {}).get("keys", ()):
        if jwk.get("kty") == kty and jwk.get("use", "enc") == "enc":
            public = {
                name: value
                for name, value in jwk.items()
                if name not in ("d", "p", "q", "dp", "dq", "qi", "use")
            }
            return jwk.get("kid"), JWKRegistry.import_key(public)
    raise ValueError(f"{client.client_id}: no {kty} key for encryption in its jwks")


def left_half_hash(alg: str, value: str) -> str:
    """Return the value of `at_hash`.

    Spec: OpenID Connect Core §3.1.3.6; SHA-512 for Ed25519.
    """
    bits = "512" if alg.startswith("Ed") else alg[2:]
    digest = hashlib.new(f"sha{bits}", value.encode("ascii")).digest()
    return b64url_encode(digest[: len(digest) // 2])

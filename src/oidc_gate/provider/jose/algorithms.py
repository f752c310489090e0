"""The signature algorithms that the gate supports. Any other algorithm, such as ``none``, is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ...syntax.base64url import b64url_encode


class Algorithm(NamedTuple):
    """One algorithm, with the kind of key and the hash that belong to it.

    Args:
        crv: The curve; empty for keys without one.
        hash: The name of the hash in `hashlib`, which is also the hash of ``at_hash``.
    """

    name: str
    kty: str
    crv: str
    hash: str


_ROWS = (
    *(
        Algorithm(f"{family}{bits}", "RSA", "", f"sha{bits}")
        for family in ("RS", "PS")
        for bits in (256, 384, 512)
    ),
    Algorithm("ES256", "EC", "P-256", "sha256"),
    Algorithm("ES384", "EC", "P-384", "sha384"),
    Algorithm("ES512", "EC", "P-521", "sha512"),
    # RFC 9864 gives Ed25519 a name of its own. Many providers still use the older name EdDSA.
    Algorithm("EdDSA", "OKP", "Ed25519", "sha512"),
    Algorithm("Ed25519", "OKP", "Ed25519", "sha512"),
    Algorithm("HS256", "oct", "", "sha256"),
)

SIGNATURE_ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType({row.name: row for row in _ROWS})
"""Every algorithm by its ``alg`` value.

Spec: RFC 7518 §3.1; RFC 8037 §3.1; RFC 9864 §2.2.
"""


def same_algorithm(one: str, other: str) -> bool:
    """Return whether two ``alg`` values name the same algorithm."""
    return one == other or {one, other} == {"EdDSA", "Ed25519"}


def left_half_hash(alg: str, value: str) -> str:
    """Return the value of ``at_hash`` for an access token.

    Args:
        alg: The ``alg`` of the ID token's header, which must be in the table.
        value: The access token.

    Spec: OpenID Connect Core §3.1.3.6. For Ed25519 it is the hash of the signature scheme, SHA-512.
    """
    digest = hashlib.new(SIGNATURE_ALGORITHMS[alg].hash, value.encode("utf-8")).digest()
    return b64url_encode(digest[: len(digest) // 2])

"""The signing keys of the provider, which are created when they are first needed and can be rotated."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from oidc_gate.testing.provider.messages import Json

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
Signer = Callable[[bytes], bytes]


def family(alg: str) -> str:
    """Return the kind of key that an algorithm needs. RS and PS share one, and so do EdDSA and Ed25519."""
    if alg.startswith("HS"):
        return "oct"
    if alg[:2] in ("RS", "PS"):
        return "RSA"
    return "OKP" if alg.startswith("Ed") else alg


def generate(kind: str) -> Key:
    """Return a new key. RSA takes about 0.1 s, the other kinds much less."""
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    if kind == "OKP":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key(_CURVES[kind])


def signer(alg: str, key: Key) -> Signer:
    """Return a function that signs with a key and an algorithm of joserfc's registry.

    Spec: RFC 7518 §3.
    """
    model = JWSRegistry.algorithms[alg]
    return lambda message: model.sign(message, key)


def verifies(alg: str, key: Key, message: bytes, signature: bytes) -> bool:
    """Return whether this key made the signature with this algorithm.

    Spec: RFC 7515 §5.2.
    """
    fits = key.key_type == family(alg) or (key.key_type == "EC" and alg.startswith("ES"))
    try:
        return fits and JWSRegistry.algorithms[alg].verify(message, signature, key)
    except (JoseError, ValueError):
        return False


class KeyRing:
    """One current key of each kind, and the keys that were current before.

    Args:
        algorithms: The signature algorithms whose keys are in the JWKS from the start.
    """

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._lock = threading.RLock()
        self._families = {family(alg) for alg in algorithms if not alg.startswith("HS")}
        self._current: dict[str, tuple[str, Key]] = {}
        self._retired: list[tuple[str, Key]] = []
        self._published: list[Json] | None = None

    def publish(self, alg: str) -> None:
        """Add the key of another algorithm to the JWKS."""
        with self._lock:
            if not alg.startswith("HS") and family(alg) not in self._families:
                self._families.add(family(alg))
                self._published = None

    def current(self, alg: str) -> tuple[str, Key]:
        """Return the ID and the private key that sign now."""
        self.publish(alg)
        with self._lock:
            return self._current_of(family(alg))

    def _current_of(self, kind: str) -> tuple[str, Key]:
        if kind not in self._current:
            key = generate(kind)
            self._current[kind] = (key.thumbprint(), key)
        return self._current[kind]

    def rotate(self, *, keep_old: bool = True, same_kid: bool = False) -> None:
        """Create new keys of every kind.

        Args:
            keep_old: Whether the old keys stay published, as a provider should do.
            same_kid: Whether each new key gets the ID of the old one, as no provider should do.
        """
        with self._lock:
            old = {kind: self._current_of(kind) for kind in self._families}
            self._retired = [*old.values(), *self._retired][:8] if keep_old else []
            self._current.clear()
            for kind, (kid, _) in old.items() if same_kid else ():
                self._current[kind] = (kid, generate(kind))
            self._published = None

    def public_keys(self) -> list[Key]:
        """Return the keys with which an ID token of this provider may have been signed."""
        with self._lock:
            return [key for _, key in [*self._current.values(), *self._retired]]

    @property
    def jwks(self) -> Json:
        """Return the JWKS, with the newest keys first.

        Spec: RFC 7517 §5.
        """
        with self._lock:
            if self._published is None:
                current = [self._current_of(kind) for kind in sorted(self._families)]
                self._published = [published(kid, key) for kid, key in [*current, *self._retired]]
            return {"keys": [dict(key) for key in self._published]}


def published(kid: str, key: Key) -> Json:
    """Return a key in the form of the JWKS."""
    return {**key.as_dict(private=False), "kid": kid, "use": "sig"}


def secret_key(secret: str) -> OctKey:
    """Return the HMAC key that consists of a client secret.

    Spec: OpenID Connect Core §10.1.
    """
    return OctKey.import_key(secret.encode())

"""Faults in the signature and the encryption of ID tokens."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.jwk import Key, OctKey

from oidc_gate.syntax.base64url import b64url_encode
from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.keys import Signer, family, generate, signer
from oidc_gate.testing.provider.misbehaviour.claims import EVIL, Play
from oidc_gate.testing.provider.realm import Behaviour, Realm
from oidc_gate.testing.provider.tokens import Draft, draft, encryption_key

Change = Callable[[Draft, Realm], Draft]


def unsigned(given: Draft, realm: Realm, alg: str = "none") -> Draft:
    """Remove the signature.

    Spec: RFC 7518 §3.6.
    """
    return replace(given.headed(alg=alg, kid=None), sign=lambda message: b"")


def broken(given: Draft, realm: Realm) -> Draft:
    """Flip one bit in the middle of the signature, where every algorithm has one."""

    def sign(message: bytes) -> bytes:
        raw = bytearray(given.sign(message))
        raw[len(raw) // 2] ^= 1
        return bytes(raw)

    return replace(given, sign=sign)


def signed_otherwise(alg: str) -> Change:
    """Sign correctly with another algorithm."""

    def change(given: Draft, realm: Realm) -> Draft:
        other = draft(realm.ring, given.client, given.claims, alg=alg)
        return replace(given.headed(**other.header), sign=other.sign)

    return change


def _stranger(alg: str) -> tuple[Key, Signer]:
    key = OctKey.import_key(secrets.token_bytes(32)) if alg.startswith("HS") else generate(family(alg))
    return key, signer(alg, key)


def _by_stranger(given: Draft, realm: Realm) -> Draft:
    return replace(given, sign=_stranger(given.header["alg"])[1])


def unpublished(given: Draft, realm: Realm) -> Draft:
    """Sign with a new key, named by its own kid, that is not in the JWKS."""
    key, sign = _stranger(given.header["alg"])
    return replace(given.headed(kid=key.thumbprint()), sign=sign)


def _bringing_jwk(given: Draft, realm: Realm) -> Draft:
    key, sign = _stranger(given.header["alg"])
    return replace(given.headed(kid=None, jwk=key.as_dict(private=False)), sign=sign)


def _pointing(name: str, default: str) -> Play:
    def play(**where: str) -> Behaviour:
        if where.keys() - {name}:
            raise TypeError(f"only {name} can be given")
        header: dict[str, object] = {name: where.get(name, default)}
        return Behaviour(id_token=lambda given, realm: _by_stranger(given, realm).headed(kid=None, **header))

    return play


def _with_public_key(given: Draft, realm: Realm) -> Draft:
    alg = given.header["alg"] if not given.header["alg"].startswith("HS") else "ES256"
    kid, key = realm.ring.current(alg)
    secret = key.as_pem(private=False)  # type: ignore[union-attr]
    return replace(given.headed(alg="HS256", kid=kid), sign=_hmac(secret))


def _with_empty_key(given: Draft, realm: Realm) -> Draft:
    return replace(given.headed(alg="HS256", kid=None), sign=_hmac(b""))


def _hmac(secret: bytes) -> Signer:
    # By hand, because joserfc refuses keys like these.
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


def _headed(**header: object) -> Behaviour:
    return Behaviour(id_token=lambda given, realm: given.headed(**header))


def _unknown_kid(kid: str = "no-such-key", unique: bool = False) -> Behaviour:
    def change(given: Draft, realm: Realm) -> Draft:
        return given.headed(kid=secrets.token_urlsafe(8) if unique else kid)

    return Behaviour(id_token=change)


def _access_token(given: Draft, realm: Realm) -> Draft:
    # RFC 9068 §2: the form of a JWT access token.
    kept = {name: given.claims[name] for name in ("iss", "sub", "aud", "exp", "iat")}
    said = {**kept, "jti": secrets.token_urlsafe(8), "client_id": given.client.client_id, "scope": "openid"}
    return replace(given, claims=said).headed(typ="at+jwt")


def _sealed_with_rsa1_5(given: Draft, realm: Realm) -> Draft:
    def envelope(signed: str) -> str:
        # By hand, because joserfc warns of RSA1_5, and the test run may treat warnings as errors.
        header = b64url_encode(json.dumps({"alg": "RSA1_5", "enc": "A128GCM", "cty": "JWT"}).encode())
        content_key, iv = secrets.token_bytes(16), secrets.token_bytes(12)
        wrapped = _rsa_key(given).encrypt(content_key, padding.PKCS1v15())
        sealed = AESGCM(content_key).encrypt(iv, signed.encode(), header.encode())
        return ".".join(
            (
                header,
                b64url_encode(wrapped),
                b64url_encode(iv),
                b64url_encode(sealed[:-16]),
                b64url_encode(sealed[-16:]),
            )
        )

    return replace(given, envelope=envelope)


def _rsa_key(given: Draft) -> rsa.RSAPublicKey:
    try:
        public = encryption_key(given.client, "RSA")[1].get_op_key("encrypt")
    except ValueError:  # a client without such a key must refuse the token too
        return rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public


def _zip_bomb(size: int = 64 << 20) -> Behaviour:
    def change(given: Draft, realm: Realm) -> Draft:
        alg = given.client.id_token_encrypted_response_alg or "ECDH-ES"
        enc = given.client.id_token_encrypted_response_enc
        kty = "RSA" if alg.startswith("RSA") else "EC"
        key = encryption_key(given.client, kty)[1] if given.client.jwks else generate("ES256")
        header = {"alg": alg, "enc": enc, "zip": "DEF", "cty": "JWT"}
        allowed = [alg, enc, "DEF"]
        return replace(
            given,
            envelope=lambda signed: jwe.encrypt_compact(header, signed + "A" * size, key, algorithms=allowed),
        )

    return Behaviour(id_token=change)


def _megabytes(part: str) -> Play:
    def play(size: int = 1 << 20) -> Behaviour:
        def change(given: Draft, realm: Realm) -> Draft:
            text = "x" * size
            return given.saying(padding=text) if part == "claims" else given.headed(padding=text)

        return Behaviour(id_token=change)

    return play


def _other_alg(alg: str = "RS256") -> Behaviour:
    return Behaviour(id_token=signed_otherwise(alg))


PLAYS: dict[Fault, Play] = {
    Fault.ALG_NONE: lambda alg="none": Behaviour(id_token=lambda given, realm: unsigned(given, realm, alg)),
    Fault.BAD_SIGNATURE: lambda: Behaviour(id_token=broken),
    Fault.EMPTY_SIGNATURE: lambda: Behaviour(id_token=lambda given, _: replace(given, sign=lambda _: b"")),
    Fault.OTHER_ALG: _other_alg,
    Fault.HS256_WITH_PUBLIC_KEY: lambda: Behaviour(id_token=_with_public_key),
    Fault.HS256_WITH_EMPTY_KEY: lambda: Behaviour(id_token=_with_empty_key),
    Fault.SIGNED_BY_STRANGER: lambda: Behaviour(id_token=_by_stranger),
    Fault.UNKNOWN_KID: _unknown_kid,
    Fault.JWK_HEADER: lambda: Behaviour(id_token=_bringing_jwk),
    Fault.JKU_HEADER: _pointing("jku", f"{EVIL}/jwks"),
    Fault.X5U_HEADER: _pointing("x5u", f"{EVIL}/cert.pem"),
    Fault.UNKNOWN_CRIT: lambda crit="bork": _headed(crit=[crit], **{crit: True}),
    Fault.CRIT_B64: lambda: _headed(crit=["b64"], b64=False),
    Fault.AT_HASH_UNKNOWN_ALG: lambda alg="XX999": _headed(alg=alg),
    Fault.RSA1_5_ENCRYPTED: lambda: Behaviour(id_token=_sealed_with_rsa1_5),
    Fault.ZIP_BOMB: _zip_bomb,
    Fault.MEGABYTE_TOKEN: _megabytes("claims"),
    Fault.MEGABYTE_HEADER: _megabytes("header"),
    Fault.NOT_A_JWT: lambda text="not a token": Behaviour(
        id_token=lambda given, _: replace(given, envelope=lambda _: text)
    ),
    Fault.ACCESS_TOKEN_AS_ID_TOKEN: lambda: Behaviour(id_token=_access_token),
}

"""The authentication of clients at the token endpoint."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any
from urllib.parse import unquote_plus

from joserfc.jwk import JWKRegistry, Key

from oidc_gate.testing.provider.keys import secret_key, verifies
from oidc_gate.testing.provider.messages import Json, ProtocolError, Received
from oidc_gate.testing.provider.people import SIGNING_ALGORITHMS, Client
from oidc_gate.testing.provider.realm import Realm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticate_client(realm: Realm, received: Received, form: dict[str, str]) -> Client:
    """Return the client of a request, which must use the authentication method of its registration.

    Raises:
        ProtocolError: `invalid_client` (401), or `invalid_request` for two methods at once.

    Spec: RFC 6749 §2.3, §3.2.1; OpenID Connect Core §9.
    """
    authorization = received.headers.get("authorization")
    used = [authorization is not None, "client_secret" in form, "client_assertion" in form]
    if sum(used) > 1:  # RFC 6749 §2.3: not more than one method in a request
        raise ProtocolError("invalid_request", "more than one client authentication method")
    if authorization is not None:
        return _by_basic(realm, authorization, form)
    if "client_assertion" in form:
        return _by_assertion(realm, form)
    client = _registered(realm, form.get("client_id"))
    if "client_secret" in form:
        _demand(client, "client_secret_post")
        _compare(client, form["client_secret"])
    else:
        _demand(client, "none")
    return client


def _by_basic(realm: Realm, authorization: str, form: dict[str, str]) -> Client:
    scheme, _, credentials = authorization.partition(" ")
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _refused("the Basic credentials cannot be read", challenge=True) from None
    client_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _refused("the Authorization header is not Basic", challenge=True)
    client = _registered(realm, unquote_plus(client_id), challenge=True)
    if form.get("client_id", client.client_id) != client.client_id:
        raise ProtocolError("invalid_request", "client_id differs from the Basic user")
    _demand(client, "client_secret_basic", challenge=True)
    _compare(client, unquote_plus(secret), challenge=True)  # RFC 6749 §2.3.1: form-encoded before Basic
    return client


def _by_assertion(realm: Realm, form: dict[str, str]) -> Client:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _refused("client_assertion_type is not jwt-bearer")
    header, claims = peek(form["client_assertion"])
    client = _registered(realm, claims.get("sub"))
    symmetric = str(header.get("alg", "")).startswith("HS")
    _demand(client, "client_secret_jwt" if symmetric else "private_key_jwt")
    keys: list[Key] = [secret_key(client.client_secret or "")] if symmetric else client_keys(client, header)
    if not verify_jws(form["client_assertion"], keys, str(header.get("alg"))):
        raise _refused("no registered key verifies the assertion")
    _check_assertion(realm, client, claims)
    if form.get("client_id", client.client_id) != client.client_id:
        raise _refused("client_id differs from the assertion's sub")
    return client


def _check_assertion(realm: Realm, client: Client, claims: Json) -> None:
    # RFC 7523 §3 and OpenID Connect Core §9: iss, sub, aud, jti and exp are all required
    now = realm.now()
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != client.client_id:
        raise _refused("the assertion's iss is not the client")
    if not {realm.issuer, f"{realm.issuer}/token", f"{realm.issuer}/par"} & set(map(str, audiences)):
        raise _refused("the assertion's aud is not this provider")
    if not isinstance(claims.get("exp"), int) or not now < claims["exp"] <= now + 3600:
        raise _refused("the assertion's exp is missing, past, or more than an hour away")
    if isinstance(claims.get("nbf"), int) and claims["nbf"] > now + 60:
        raise _refused("the assertion is not valid yet")
    if not isinstance(claims.get("jti"), str) or not realm.is_first_jti(client.client_id, claims["jti"]):
        raise _refused("the assertion's jti is missing or was used before")


def peek(compact: str) -> tuple[Json, Json]:
    """Return the header and the claims of a JWT without verifying it.

    Raises:
        ProtocolError: `invalid_client`.
    """
    try:
        header, payload, _ = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in compact.split(".")
        )
        parts: tuple[Any, Any] = (json.loads(header), json.loads(payload))
    except ValueError:
        raise _refused("not a signed JWT") from None
    if not all(isinstance(part, dict) for part in parts):
        raise _refused("not a signed JWT")
    return parts


def client_keys(client: Client, header: Json) -> list[Key]:
    """Return the client's registered public keys that may have made this signature."""
    keys = [key for key in (client.jwks or {}).get("keys", ()) if key.get("use", "sig") == "sig"]
    if "kid" in header:
        keys = [key for key in keys if key.get("kid") in (header["kid"], None)]
    return [JWKRegistry.import_key({k: v for k, v in key.items() if k != "key_ops"}) for key in keys]


def verify_jws(compact: str, keys: list[Key], alg: str) -> bool:
    """Return whether one of the keys made the signature."""
    message, _, signature = compact.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return alg in SIGNING_ALGORITHMS and any(verifies(alg, key, message.encode(), raw) for key in keys)


def _registered(realm: Realm, client_id: object, *, challenge: bool = False) -> Client:
    client = realm.clients.get(client_id) if isinstance(client_id, str) else None
    if client is None:
        raise _refused("unknown client", challenge=challenge)
    return client


def _demand(client: Client, method: str, *, challenge: bool = False) -> None:
    if client.auth_method != method:
        raise _refused(
            f"this client is registered for {client.auth_method}, not {method}", challenge=challenge
        )


def _compare(client: Client, secret: str, *, challenge: bool = False) -> None:
    if not hmac.compare_digest(secret.encode(), (client.client_secret or "").encode()):
        raise _refused("wrong client secret", challenge=challenge)


def _refused(reason: str, *, challenge: bool = False) -> ProtocolError:
    # RFC 6749 §5.2: a challenge in the scheme that the client used
    headers = (("WWW-Authenticate", 'Basic realm="token"'),) if challenge else ()
    return ProtocolError("invalid_client", reason, status=401, headers=headers)

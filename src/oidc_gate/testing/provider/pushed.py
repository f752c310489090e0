"""Authorization requests that are pushed beforehand, or signed by the client."""

from __future__ import annotations

from typing import Any, NamedTuple

from joserfc.jwk import Key

from oidc_gate.testing.provider.authorization_request import find_client, read_request
from oidc_gate.testing.provider.client_auth import authenticate_client, client_keys, peek, verify_jws
from oidc_gate.testing.provider.keys import secret_key
from oidc_gate.testing.provider.messages import (
    NO_STORE,
    Pairs,
    ProtocolError,
    Received,
    Reply,
    error_reply,
    json_reply,
    single_valued,
)
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import Pushed, Realm

PREFIX = "urn:ietf:params:oauth:request_uri:"
PUSHED_SECONDS = 60
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
_JWT_CLAIMS = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "sub"})


class Unpacked(NamedTuple):
    """The effective parameters of a request, and how they arrived."""

    pairs: Pairs
    was_pushed: bool = False
    was_signed: bool = False


def push(realm: Realm, received: Received) -> Reply:
    """Answer the pushed authorization request endpoint.

    Spec: RFC 9126 §2.
    """
    try:
        form = single_valued(received.form_pairs)
        client = authenticate_client(realm, received, form)
        if "request_uri" in form:  # RFC 9126 §2.1
            raise ProtocolError("invalid_request", "a pushed request cannot point to another one")
        form.setdefault("client_id", client.client_id)
        unpacked = unpack(realm, [pair for pair in form.items() if pair[0] not in _CREDENTIALS])
        _, redirect_uri = find_client(realm, unpacked.pairs)
        demand(client, unpacked._replace(was_pushed=True))
        read_request(client, redirect_uri, single_valued(unpacked.pairs))
    except ProtocolError as error:
        return error_reply(error)
    kept = Pushed(client.client_id, unpacked.pairs, unpacked.was_signed, realm.now() + PUSHED_SECONDS)
    answer = {"request_uri": PREFIX + realm.pushed.add(kept), "expires_in": PUSHED_SECONDS}
    return json_reply(answer, status=201, headers=NO_STORE)


def unpack(realm: Realm, pairs: Pairs) -> Unpacked:
    """Return the effective parameters of a request: pushed, signed, or from the query.

    Raises:
        ProtocolError: The error must be shown, because no redirect_uri is known yet.

    Spec: RFC 9126 §4; RFC 9101 §5, §6.3.
    """
    outer = dict(pairs)
    client = realm.clients.get(outer.get("client_id", ""))
    if client is None or not {"request", "request_uri"} & outer.keys():
        return Unpacked(pairs)
    if "request_uri" in outer:
        return _pulled(realm, client, outer)
    return Unpacked(_signed(realm, client, outer["request"]), was_signed=True)


def demand(client: Client, unpacked: Unpacked) -> None:
    """Require what the client registered for.

    Spec: RFC 9126 §6; RFC 9101 §10.5.
    """
    if client.require_pushed_authorization_requests and not unpacked.was_pushed:
        raise ProtocolError("invalid_request", "this client must push its requests")
    if client.require_signed_request_object and not unpacked.was_signed:
        raise ProtocolError("invalid_request", "this client must sign its requests")


def _pulled(realm: Realm, client: Client, outer: dict[str, str]) -> Unpacked:
    if not outer["request_uri"].startswith(PREFIX) or "request" in outer:
        raise ProtocolError("request_uri_not_supported", "Only pushed requests are accepted as request_uri.")
    kept, first = realm.pushed.spend(outer["request_uri"].removeprefix(PREFIX))
    if kept is None or not first or kept.client_id != client.client_id or kept.expires_at <= realm.now():
        raise ProtocolError(
            "invalid_request_uri", "The pushed request is unknown, used, expired or of another client."
        )
    return Unpacked(kept.pairs, was_pushed=True, was_signed=kept.was_signed)


def _signed(realm: Realm, client: Client, request: str) -> Pairs:
    header, claims = peek(request)
    alg = str(header.get("alg"))
    keys: list[Key] = client_keys(client, header)
    if alg.startswith("HS"):
        keys = [secret_key(client.client_secret)] if client.client_secret else []
    if not verify_jws(request, keys, alg):
        raise _bad("its signature is not by a registered key")
    if header.get("typ", "JWT") not in ("JWT", "oauth-authz-req+jwt"):
        raise _bad("it is another kind of JWT")
    _check_claims(realm, client, claims)
    return [(name, _text(value)) for name, value in claims.items() if name not in _JWT_CLAIMS]


def _check_claims(realm: Realm, client: Client, claims: dict[str, Any]) -> None:
    audience = claims.get("aud")
    if realm.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise _bad("its aud is not this provider")
    if claims.get("iss") != client.client_id or claims.get("client_id") != client.client_id:
        raise _bad("its iss and client_id are not the client")  # RFC 9101 §5, §10.8
    if "exp" in claims and not (isinstance(claims["exp"], int) and claims["exp"] > realm.now()):
        raise _bad("it expired")
    if {"request", "request_uri"} & claims.keys():
        raise _bad("it points to another request")  # RFC 9101 §4


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _bad(reason: str) -> ProtocolError:
    return ProtocolError("invalid_request_object", f"The request object is refused: {reason}.")

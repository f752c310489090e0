"""The revocation endpoint."""

from __future__ import annotations

from oidc_gate.testing.provider.client_auth import authenticate_client
from oidc_gate.testing.provider.messages import (
    NO_STORE,
    ProtocolError,
    Received,
    Reply,
    error_reply,
    single_valued,
)
from oidc_gate.testing.provider.realm import Realm


def revoke(realm: Realm, received: Received) -> Reply:
    """Answer the revocation endpoint. A refresh token ends its whole grant, an access token only itself.

    Spec: RFC 7009 §2.
    """
    try:
        form = single_valued(received.form_pairs)
        client = authenticate_client(realm, received, form)
        if "token" not in form:
            raise ProtocolError("invalid_request", "token is missing")
    except ProtocolError as error:
        return error_reply(error)
    token = form["token"]
    refresh, access = realm.refresh_tokens.get(token), realm.access_tokens.get(token)
    if refresh is not None and refresh.grant.request.client_id == client.client_id:
        realm.revoke(refresh.grant)
    elif access is not None and access.grant.request.client_id == client.client_id:
        realm.access_tokens.drop(token)
    return Reply(200, headers=NO_STORE)  # also for a token that is unknown (RFC 7009 §2.2)

"""The validation of authorization requests."""

from __future__ import annotations

import re

from oidc_gate.testing.provider.messages import Pairs, ProtocolError
from oidc_gate.testing.provider.people import Client
from oidc_gate.testing.provider.realm import AuthorizationRequest, Realm

RESPONSE_MODES = ("query", "form_post")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_S256 = re.compile(r"[A-Za-z0-9_-]{43}")


def find_client(realm: Realm, pairs: Pairs) -> tuple[Client, str]:
    """Return the client and the redirect_uri of a request, each of which must be given exactly once.

    Raises:
        ProtocolError: The error must be shown, never sent by a redirect.

    Spec: RFC 6749 §3.1.2; RFC 9700 §4.1.3 (exact comparison).
    """
    client_ids = [value for name, value in pairs if name == "client_id"]
    redirect_uris = [value for name, value in pairs if name == "redirect_uri"]
    client = realm.clients.get(client_ids[0]) if len(client_ids) == 1 else None
    if client is None:
        raise ProtocolError("invalid_request", "The client_id is missing or unknown.")
    if len(redirect_uris) != 1 or redirect_uris[0] not in client.redirect_uris:
        raise ProtocolError("invalid_request", "The redirect_uri is not registered for this client.")
    return client, redirect_uris[0]


def read_request(client: Client, redirect_uri: str, params: dict[str, str]) -> AuthorizationRequest:
    """Check all other parameters of the request.

    Raises:
        ProtocolError: The error is sent to the redirect_uri.

    Spec: OpenID Connect Core §3.1.2.1, §3.1.2.2; RFC 7636 §4.3, §4.4.1.
    """
    _refuse_unsupported(params)
    scopes = frozenset(params.get("scope", "").split())
    if "openid" not in scopes:
        raise ProtocolError("invalid_scope", "the scope does not contain openid")
    if params.get("code_challenge_method") != "S256" or not _S256.fullmatch(params.get("code_challenge", "")):
        raise ProtocolError("invalid_request", "PKCE with code_challenge_method=S256 is required")
    prompts = frozenset(params.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise ProtocolError("invalid_request", "prompt is unknown, or none is combined with another")
    max_age = params.get("max_age")
    if max_age is not None and not re.fullmatch(r"[0-9]{1,9}", max_age):
        raise ProtocolError("invalid_request", "max_age is not a number of seconds")
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        response_mode=params.get("response_mode", "query"),
        state=params.get("state"),
        nonce=params.get("nonce"),
        code_challenge=params["code_challenge"],
        prompts=prompts,
        max_age=None if max_age is None else int(max_age),
        login_hint=params.get("login_hint"),
        acr_values=tuple(params.get("acr_values", "").split()),
        dpop_jkt=params.get("dpop_jkt"),
    )


def _refuse_unsupported(params: dict[str, str]) -> None:
    if params.get("response_type") != "code":
        raise ProtocolError("unsupported_response_type", "only response_type=code is answered")
    if params.get("response_mode", "query") not in RESPONSE_MODES:
        raise ProtocolError("invalid_request", "response_mode is neither query nor form_post")
    if "registration" in params:  # OpenID Connect Core §7.2.1
        raise ProtocolError("registration_not_supported", "dynamic registration is not supported")

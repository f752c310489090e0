"""The only module that uses Authlib: OAuth messages, built by its pure functions.

Answers are validated by the gate's own code. Authlib is imported when it is first used.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from ..syntax.forms import read_form

# Authlib's debug log contains the code_verifier. An application can still set a level of its own.
_authlib_log = logging.getLogger("authlib")
if _authlib_log.level == logging.NOTSET:
    _authlib_log.setLevel(logging.INFO)


def authorization_uri(endpoint: str, params: Mapping[str, str]) -> str:
    """Return `endpoint` with `params` added to its query.

    Args:
        params: The parameters, including ``client_id`` and ``response_type``.

    Spec: RFC 6749 §3.1, §4.1.1.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

    rest = dict(params)
    client_id, response_type = rest.pop("client_id"), rest.pop("response_type")
    # Authlib leaves out an empty redirect_uri, scope or state, and passes all other parameters on.
    return str(prepare_grant_uri(endpoint, client_id, response_type, **rest))


def add_query(url: str, params: Mapping[str, str]) -> str:
    """Return `url` with `params` added to its query, form-encoded."""
    from authlib.common.urls import add_params_to_uri

    return str(add_params_to_uri(url, list(params.items())))


def form(params: Mapping[str, str]) -> str:
    """Return `params` as ``application/x-www-form-urlencoded``."""
    return urlencode(params)


def add_form(body: str, params: Mapping[str, str]) -> str:
    """Return the form `body` with `params` appended."""
    from authlib.common.urls import add_params_to_qs

    return str(add_params_to_qs(body, list(params.items())))


def code_grant(code: str, redirect_uri: str, code_verifier: str) -> str:
    """Return the body of the token request, without the client's authentication.

    Spec: RFC 6749 §4.1.3; RFC 7636 §4.5.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    return str(
        prepare_token_request(
            "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=code_verifier
        )
    )


def refresh_grant(refresh_token: str) -> str:
    """Return the body of the request for new tokens, without the client's authentication.

    It names no scope, so that the scope stays as it was granted.

    Spec: RFC 6749 §6.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    return str(prepare_token_request("refresh_token", refresh_token=refresh_token))


def s256_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of `code_verifier` (43 to 128 unreserved characters).

    Spec: RFC 7636 §4.2.
    """
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    return str(create_s256_code_challenge(code_verifier))


def authenticate(
    method: str, client_id: str, client_secret: str, url: str, body: str
) -> tuple[str, dict[str, str]]:
    """Return the body and the additional headers of a POST request that authenticates the client.

    Args:
        method: ``client_secret_basic``, ``client_secret_post`` or ``none``.

    Spec: RFC 6749 §2.3.1.
    """
    from authlib.oauth2.auth import ClientAuth

    if method == "client_secret_basic":
        # RFC 6749 §2.3.1: both values are form-encoded before they are joined. Authlib only joins them.
        client_id, client_secret = quote_plus(client_id), quote_plus(client_secret)
    auth: Any = ClientAuth(client_id, client_secret, method)
    headers: dict[str, str] = {}
    _, headers, body = auth.prepare("POST", url, headers, body)
    return str(body), dict(headers)


def drop(body: str, name: str) -> str:
    """Return the form `body` without the parameter `name`."""
    return form({key: value for key, value in read_form(body) if key != name})

"""The exchange of the authorization code for tokens, and the validation of the ID token."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..effects import Fetch, Fetched, Step
from ..errors import CallbackError, ProviderError
from ..settings import Settings
from . import oauth
from .authorization import ValidatedCallback
from .client import Provider
from .client_auth import Message, authenticate, choose_method, uses_certificate
from .client_errors import CLIENT_ERRORS, NOT_ACCEPTED_MESSAGE, advice, describe_sent
from .discovery import Metadata
from .dpop import DPoPKey
from .responses import json_object, printable, raise_for_status, refuse, text

WHAT = "token endpoint"
MAX_BYTES = 512 * 1024  # a user in 5,000 groups; see `policy.claims.MAX_GROUPS`
MAX_TOKEN = 128 * 1024  # characters of an access token or a refresh token
# What providers answer to a refresh, besides invalid_grant, if the user must not go on.
_ERRORS_ABOUT_THE_USER = frozenset(
    {
        "access_denied",
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
    }
)
_MAX_SECONDS = 10 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """The answer of the token endpoint. `id_token` is not validated yet.

    Args:
        id_token: Empty in the answer to a refresh, if it has none.
        token_type: ``Bearer`` or ``DPoP``.
        expires_in: How many seconds after the request the access token expires; None if the answer does not say.
        refresh_token: Empty if there is none.
    """

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    token_type: str
    expires_in: int | None = None
    refresh_token: str = field(default="", repr=False)


def exchange_code(
    provider: Provider, validated: ValidatedCallback, *, redirect_uri: str, code_verifier: str
) -> Step[TokenResponse]:
    """Exchange the authorization code for tokens.

    Args:
        redirect_uri: Exactly the value of the authorization request.

    Raises:
        CallbackError: ``invalid_grant``: the code was used before, has expired, or belongs to another flow. The user
            can start again.
        ProviderUnavailable: There was no answer, or its status was 429 or 5xx.
        ProviderError: Any other answer without tokens.

    Not checked here: the ID token, see `validate`; whether the code was sent before.

    Spec: RFC 6749 §4.1.3, §5; OpenID Connect Core §3.1.3; RFC 9449 §5, §8.
    """
    settings = provider.settings
    metadata = yield from provider.metadata()
    body = oauth.code_grant(validated.code, redirect_uri, code_verifier)
    request = yield from build_token_request(metadata, settings, body)
    fetched = yield from provider.fetch("token", request)
    if settings.dpop and (nonce := required_nonce(fetched)):
        request = yield from build_token_request(metadata, settings, body, dpop_nonce=nonce)
        fetched = yield from provider.fetch("token", request)
    secrets = (validated.code, code_verifier, settings.client_secret)
    sent = describe_sent(settings, redirect_uri, choose_method(metadata, settings))
    return process_token_response(fetched, dpop=settings.dpop, secrets=secrets, sent=sent)


def build_token_request(
    metadata: Metadata, settings: Settings, body: str, *, dpop_nonce: str = ""
) -> Step[Fetch]:
    """Build the request for the token endpoint, with the authentication of the client.

    Args:
        body: The form, without the authentication; see `oauth.code_grant`.
        dpop_nonce: The nonce that the provider required, if it did.

    Raises:
        ProviderError: ``client_auth_unsupported``.

    Spec: RFC 6749 §4.1.3; RFC 9449 §5, §8.
    """
    endpoint = metadata.endpoint("token_endpoint", with_certificate=uses_certificate(metadata, settings))
    message = yield from authenticate(Message(endpoint, body), metadata, settings)
    if settings.dpop:
        proof = yield from DPoPKey.of(settings).proof("POST", endpoint, nonce=dpop_nonce)
        message = message.with_header("DPoP", proof)
    return Fetch("POST", endpoint, message.header_list(), message.body.encode(), max_bytes=MAX_BYTES)


def required_nonce(fetched: Fetched) -> str:
    """Return the DPoP nonce that the provider asks for, or an empty string."""
    # RFC 9449 §8: an authorization server answers 400 with the nonce to use.
    nonce = fetched.headers.get("dpop-nonce", "")
    if fetched.status not in (400, 401) or len(nonce) > 512:
        return ""
    return nonce if _error_document(fetched).get("error") == "use_dpop_nonce" else ""


def process_token_response(
    fetched: Fetched,
    *,
    dpop: bool,
    secrets: Sequence[str | None],
    sent: str,
    is_refresh: bool = False,
) -> TokenResponse:
    """Return the tokens in `fetched`.

    Args:
        dpop: Whether only tokens that are bound to the gate's key are accepted.
        secrets: Values of the request that must not appear in the log.
        sent: What the request contained, for the log.
        is_refresh: Whether it answers a refresh, so that an ID token is not required (OpenID Connect Core §12.2).

    Raises:
        CallbackError, ProviderUnavailable, ProviderError: See `exchange_code`.

    Spec: RFC 6749 §5.1, §5.2, §7.1; OpenID Connect Core §3.1.3.3.
    """
    raise_for_status(fetched, WHAT)
    if fetched.status != 200:
        _raise_error(fetched, secrets, sent, is_refresh=is_refresh)
    answer = json_object(fetched, WHAT)
    if "error" in answer:  # some providers send errors with status 200
        _raise_error(fetched, secrets, sent, is_refresh=is_refresh)
    token_type = text(answer, "token_type", 20).lower()
    # RFC 6749 §7.1: a client must not use a token type that it does not understand.
    if token_type != ("dpop" if dpop else "bearer"):
        refuse(WHAT, f"token_type is {printable(token_type)!r}, expected {'DPoP' if dpop else 'Bearer'}")
    access_token = text(answer, "access_token", MAX_TOKEN)
    if not access_token or not access_token.isascii() or not access_token.isprintable():
        refuse(WHAT, "no usable access_token")
    id_token = text(answer, "id_token", MAX_BYTES)
    if not id_token and not (is_refresh and "id_token" not in answer):
        refuse(WHAT, "no id_token; does scopes contain openid?", "id_token_missing")
    refresh_token = text(answer, "refresh_token", MAX_TOKEN)
    kind = "DPoP" if dpop else "Bearer"
    return TokenResponse(id_token, access_token, kind, _seconds(answer.get("expires_in")), refresh_token)


def _seconds(value: object) -> int | None:
    """Return a number of seconds, which some providers send as a string; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MAX_SECONDS:
        return None
    return int(value)


def validate(provider: Provider, tokens: TokenResponse, *, nonce: str | None) -> Step[Mapping[str, Any]]:
    """Return the claims of the ID token, after its signature was verified with the provider's keys.

    Args:
        nonce: The nonce of the sign-in; None for an ID token of a refresh, which has none. When and how the user
            authenticated was checked at the sign-in then.

    Raises:
        IDTokenError: The token is not valid.
        ProviderUnavailable: The keys are not available.
        ProviderError: The answer with the keys is not acceptable.

    Spec: OpenID Connect Core §3.1.3.7, §12.2.
    """
    from .jose.id_token import Expectations, validate_id_token

    settings = provider.settings
    expected = Expectations(
        nonce=nonce,
        max_age_seconds=None if nonce is None else settings.max_age_seconds,
        acr_values=() if nonce is None else settings.acr_values,
        access_token=tokens.access_token,
    )
    valid = yield from provider.verify(
        lambda recipient: validate_id_token(tokens.id_token, recipient, expected),
        provider.id_token_algorithms,
    )
    provider.latest_id_token_alg = valid.alg
    return valid.claims


def _error_document(fetched: Fetched) -> dict[str, Any]:
    try:
        value = json.loads(fetched.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _raise_error(fetched: Fetched, secrets: Sequence[str | None], sent: str, *, is_refresh: bool) -> NoReturn:
    answer = _error_document(fetched)
    error = text(answer, "error", 100)
    reason = printable(answer.get("error_description", ""), hide=secrets)
    detail = f"{WHAT}: status {fetched.status}, error {printable(error, 60, hide=secrets)!r}: {reason!r}"
    if error == "invalid_grant" or (is_refresh and error in _ERRORS_ABOUT_THE_USER):
        raise CallbackError(
            "invalid_grant",
            "This sign-in took too long or was used already. Please start again.",
            detail=detail,
        )
    is_of_client = error in CLIENT_ERRORS
    raise ProviderError(
        error if is_of_client else "token_refused",
        NOT_ACCEPTED_MESSAGE if is_of_client else "The sign-in service refused to complete the sign-in.",
        detail=detail + advice(error, sent),
    )

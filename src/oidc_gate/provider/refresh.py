"""The exchange of a refresh token, and what the provider says about the user of a session then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import effects
from ..effects import Step
from ..errors import IDTokenError
from . import oauth
from .client import Provider
from .client_auth import choose_method
from .client_errors import describe_sent
from .responses import printable
from .sign_in import with_userinfo
from .token import TokenResponse, build_token_request, process_token_response, required_nonce, validate
from .userinfo import fetch_userinfo


@dataclass(frozen=True, slots=True)
class NewTokens:
    """The tokens of a session after a refresh.

    Args:
        tokens: The answer. Its `refresh_token` is the one to use next time.
        expires_at: When the access token expires, in epoch seconds; 0 if the answer does not say.
    """

    tokens: TokenResponse = field(repr=False)
    expires_at: int


def exchange_refresh_token(provider: Provider, refresh_token: str) -> Step[NewTokens]:
    """Exchange a refresh token for new tokens. The provider may accept it only once.

    Raises:
        CallbackError: The provider refuses: the user was disabled or signed out there, or the token was used before.
        ProviderUnavailable: There was no answer, or its status was 429 or 5xx.
        ProviderError: Any other answer without tokens.

    Not checked here: the ID token; see `identify`.

    Spec: RFC 6749 §6, §5; OpenID Connect Core §12; RFC 9449 §5, §8.
    """
    settings = provider.settings
    metadata = yield from provider.metadata()
    body = oauth.refresh_grant(refresh_token)
    request = yield from build_token_request(metadata, settings, body)
    asked_at = yield from effects.now()  # before the request, so that the token is never taken to last longer
    fetched = yield from provider.fetch("token", request)
    if settings.dpop and (nonce := required_nonce(fetched)):
        request = yield from build_token_request(metadata, settings, body, dpop_nonce=nonce)
        fetched = yield from provider.fetch("token", request)
    tokens = process_token_response(
        fetched,
        dpop=settings.dpop,
        secrets=(refresh_token, settings.client_secret),
        sent=describe_sent(settings, "", choose_method(metadata, settings)),
        is_refresh=True,
    )
    # RFC 6749 §6: without a new one, the old one stays.
    tokens = replace(tokens, refresh_token=tokens.refresh_token or refresh_token)
    return NewTokens(tokens, 0 if tokens.expires_in is None else asked_at + tokens.expires_in)


def identify(provider: Provider, new: NewTokens, sub: str) -> Step[tuple[Mapping[str, Any] | None, int]]:
    """Return the claims of the user whose session was refreshed, and when the access token expires.

    The claims are None if the provider says nothing about the user: the answer has no ID token, and there is no
    userinfo endpoint.

    Args:
        sub: The subject of the session.

    Raises:
        IDTokenError: A token is not valid, or is about another user (``sub``).
        ProviderUnavailable: The provider did not answer.
        ProviderError: The provider's answer is not acceptable.

    Spec: OpenID Connect Core §12.2: ``iss`` and ``sub`` MUST be the same as before.
    """
    tokens, expires_at = new.tokens, new.expires_at
    if not tokens.id_token:
        metadata = yield from provider.metadata()
        if not metadata.userinfo_endpoint:
            return None, expires_at
        return (yield from fetch_userinfo(provider, tokens, sub=sub)), expires_at
    claims = yield from validate(provider, tokens, nonce=None)
    if claims["sub"] != sub:
        raise IDTokenError("sub", expected=printable(sub), got=printable(claims["sub"]))
    merged, _ = yield from with_userinfo(provider, tokens, claims)
    return merged, expires_at or int(claims["exp"])


def ask_userinfo(provider: Provider, access_token: str, sub: str) -> Step[Mapping[str, Any]]:
    """Return what userinfo says about the user of an access token now.

    Raises:
        AccessTokenRefused: The provider does not accept the token any more.
        IDTokenError: The answer is about another user, or its signature is not valid.
        ProviderUnavailable: The provider did not answer.
        ProviderError: The answer is not acceptable, or there is no userinfo endpoint.
    """
    kind = "DPoP" if provider.settings.dpop else "Bearer"
    return (yield from fetch_userinfo(provider, TokenResponse("", access_token, kind), sub=sub))

"""The end of a sign-in, in order: code, tokens, ID token, userinfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import effects
from ..effects import Step
from ..errors import IDTokenError, ProviderError
from .authorization import ValidatedCallback
from .client import Provider
from .token import TokenResponse, exchange_code, validate
from .userinfo import fetch_userinfo, merge_claims, needs_userinfo, rules_need_userinfo


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user who signed in, as the provider describes them.

    Args:
        claims: The claims of the ID token, and of userinfo if it was fetched; read-only.
        sid: The ID of the session at the provider, or an empty string.
        access_token_expires_at: When the access token expires, in epoch seconds. If the provider does not say, it is
            when the ID token does.
        refresh_token: Empty if the provider sent none.
        asked_at: When the provider was asked, in epoch seconds.
        userinfo_failure: Why the claims of userinfo are missing, for the log; empty if they are not.
    """

    claims: Mapping[str, Any] = field(repr=False)
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_expires_at: int
    sid: str
    userinfo_failure: str
    refresh_token: str = field(repr=False)
    asked_at: int


def complete_sign_in(
    provider: Provider, validated: ValidatedCallback, *, redirect_uri: str, code_verifier: str, nonce: str
) -> Step[SignedIn]:
    """Return the user who signed in, from a validated authorization response.

    Args:
        redirect_uri, code_verifier, nonce: The values of the authorization request.

    Raises:
        CallbackError: ``invalid_grant``: the code was used before or has expired.
        IDTokenError: The ID token, or the answer of userinfo, is not valid, or userinfo describes another user.
        ProviderUnavailable: The provider did not answer.
        ProviderError: The provider's answer is not acceptable. If it is that of userinfo, this is an error only if a
            rule about who may enter needs a claim of it.

    Not checked here: whether this user may enter; whether the flow was used before.

    Spec: OpenID Connect Core §3.1.3, §5.3.
    """
    asked_at = yield from effects.now()  # before the request, so that the token is never taken to last longer
    tokens = yield from exchange_code(
        provider, validated, redirect_uri=redirect_uri, code_verifier=code_verifier
    )
    claims = yield from validate(provider, tokens, nonce=nonce)
    claims, failure = yield from with_userinfo(provider, tokens, claims)
    sid = claims.get("sid")
    lasts = tokens.expires_in
    expires_at = int(claims["exp"]) if lasts is None else asked_at + lasts
    return SignedIn(
        claims,
        tokens.id_token,
        tokens.access_token,
        expires_at,
        sid if isinstance(sid, str) else "",
        failure,
        tokens.refresh_token,
        asked_at,
    )


def with_userinfo(
    provider: Provider, tokens: TokenResponse, claims: Mapping[str, Any]
) -> Step[tuple[Mapping[str, Any], str]]:
    """Return the claims of an ID token with those of userinfo, if they are needed, and why userinfo is missing.

    Raises:
        IDTokenError, ProviderUnavailable, ProviderError: See `complete_sign_in`.
    """
    if not needs_userinfo(claims, provider.settings, (yield from provider.metadata())):
        return claims, ""
    try:
        return merge_claims(claims, (yield from fetch_userinfo(provider, tokens, sub=claims["sub"]))), ""
    except ProviderError as error:
        # The claims of another user, or a token that is not valid, are never overlooked.
        if isinstance(error, IDTokenError) or rules_need_userinfo(claims, provider.settings):
            raise
        return claims, str(error)

"""The end of a sign-in, in order: code, tokens, ID token, userinfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..effects import Step
from .authorization import ValidatedCallback
from .client import Provider
from .token import exchange_code, validate
from .userinfo import fetch_userinfo, merge_claims, needs_userinfo


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user who signed in, as the provider describes them.

    Args:
        claims: The claims of the ID token, and of userinfo if it was fetched; read-only.
        sid: The ID of the session at the provider, or an empty string.
    """

    claims: Mapping[str, Any] = field(repr=False)
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    sid: str = ""


def complete_sign_in(
    provider: Provider, validated: ValidatedCallback, *, redirect_uri: str, code_verifier: str, nonce: str
) -> Step[SignedIn]:
    """Return the user who signed in, from a validated authorization response.

    Args:
        redirect_uri, code_verifier, nonce: The values of the authorization request.

    Raises:
        CallbackError: ``invalid_grant``: the code was used before or has expired.
        IDTokenError: The ID token, or the answer of userinfo, is not valid.
        ProviderUnavailable: The provider did not answer.
        ProviderError: The provider's answer is not acceptable.

    Not checked here: whether this user may enter; whether the flow was used before.

    Spec: OpenID Connect Core §3.1.3, §5.3.
    """
    tokens = yield from exchange_code(
        provider, validated, redirect_uri=redirect_uri, code_verifier=code_verifier
    )
    claims = yield from validate(provider, tokens, nonce=nonce)
    if needs_userinfo(claims, provider.settings, (yield from provider.metadata())):
        claims = merge_claims(claims, (yield from fetch_userinfo(provider, tokens, sub=claims["sub"])))
    sid = claims.get("sid")
    return SignedIn(claims, tokens.id_token, tokens.access_token, sid if isinstance(sid, str) else "")

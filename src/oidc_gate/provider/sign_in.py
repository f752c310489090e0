"""The end of a sign-in, told in order: code, tokens, ID token, userinfo."""

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
    """Who the provider says has signed in.

    Args:
        claims: Of the ID token, and of userinfo where it was asked; read-only.
        sid: The provider's session, or empty.
    """

    claims: Mapping[str, Any] = field(repr=False)
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    sid: str = ""


def complete_sign_in(
    provider: Provider, validated: ValidatedCallback, *, redirect_uri: str, code_verifier: str, nonce: str
) -> Step[SignedIn]:
    """Make of a checked callback the person who signed in.

    Args:
        redirect_uri, code_verifier, nonce: Of the authorization request.

    Raises:
        CallbackError: ``invalid_grant``: the code is used or expired.
        IDTokenError: The ID token, or userinfo, must not be believed.
        ProviderUnavailable, ProviderError: No answer, or none that is accepted.

    Not checked here: whether this person may enter; that the flow is not used a second time.

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

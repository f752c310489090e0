"""Checks whether the provider knows this client: its authentication, and its redirect URI."""

from __future__ import annotations

import secrets
from dataclasses import replace
from html import unescape
from typing import Any, NamedTuple

from ...effects import Fetch
from ...errors import GateError
from ...provider import oauth
from ...provider.authorization import build_authorization_request, must_push
from ...provider.client_auth import choose_method
from ...provider.discovery import Metadata
from ...provider.token import build_token_request, required_nonce
from ..answers import Answer, right, unknown, wrong
from .exchanges import Exchange, Exchanges, query_of

MADE_UP = "oidc-gate-check-"
"""The beginning of the code and the state that the check sends, so that they can be found in the provider's log."""
MAX_BYTES = 512 * 1024
# What a provider answers to prompt=none when no user is signed in (OpenID Connect Core §3.1.2.6), or refuses to a
# request that it has accepted.
_NOT_SIGNED_IN = frozenset(
    {
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "access_denied",
        "temporarily_unavailable",
        "server_error",
    }
)
_CLIENT_REFUSED = frozenset({"invalid_client", "unauthorized_client", "access_denied"})
_BROWSER = (
    ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
)


def check_client(exchanges: Exchanges, metadata: Metadata, redirect_uri: str) -> Answer:
    """Send a token request with a made-up code. ``invalid_grant`` shows that the client itself is accepted.

    Args:
        redirect_uri: The redirect URI of the gate, or any other URL if it is not known.

    Spec: RFC 6749 §5.2.
    """
    question = "Does the provider accept the client's authentication?"
    try:
        method = choose_method(metadata, exchanges.settings)
        exchange = _ask_for_tokens(exchanges, metadata, redirect_uri)
    except GateError as error:
        return unknown(question, received=error.detail or str(error))
    verdict = is_client_accepted(exchange)
    if verdict:
        return right(question, exchange, f"with {method}; only the code is refused")
    if verdict is None:
        return unknown(question, exchange)
    other = {"client_secret_basic": "client_secret_post", "client_secret_post": "client_secret_basic"}.get(
        method
    )
    if other and exchanges.settings.client_secret:
        again = _with_method(exchanges, metadata, redirect_uri, other)
        if again is not None and is_client_accepted(again):
            return wrong(
                question, "provider_client_method", exchange, f"with {method}; {other} is accepted", use=other
            )
    return wrong(question, "provider_client", exchange, f"with {method}", method=method)


def is_client_accepted(exchange: Exchange) -> bool | None:
    """Return whether the answer to a made-up code shows that the client is accepted; None if that is unknown."""
    error = exchange.json.get("error")
    if error == "invalid_grant":
        return True
    if error in _CLIENT_REFUSED or exchange.status == 401:
        return False
    return None


def _ask_for_tokens(exchanges: Exchanges, metadata: Metadata, redirect_uri: str) -> Exchange:
    body = oauth.code_grant(MADE_UP + secrets.token_hex(8), redirect_uri, secrets.token_urlsafe(48))
    settings = exchanges.settings
    exchange = exchanges.send(exchanges.run(build_token_request(metadata, settings, body)))
    if settings.dpop and exchange.fetched and (nonce := required_nonce(exchange.fetched)):
        request = exchanges.run(build_token_request(metadata, settings, body, dpop_nonce=nonce))
        exchange = exchanges.send(request)
    return exchange


def _with_method(exchanges: Exchanges, metadata: Metadata, redirect_uri: str, method: str) -> Exchange | None:
    before = exchanges.settings
    try:
        changed: Any = {"client_auth": method}
        exchanges.settings = replace(before, **changed)
        return _ask_for_tokens(exchanges, metadata, redirect_uri)
    except GateError:
        return None
    finally:
        exchanges.settings = before


class _Request(NamedTuple):
    """An authorization request that was sent, and the provider's answer when it was pushed."""

    exchange: Exchange | None
    pushed: Exchange | None
    error: GateError | None


def check_redirect_uri(
    exchanges: Exchanges, metadata: Metadata, redirect_uri: str, *, is_client_known: bool | None
) -> list[Answer]:
    """Send an authorization request as a browser would, without following redirects.

    With ``prompt=none`` a provider that accepts the redirect URI sends the browser back to it at once, because no user
    is signed in. If it shows a page instead, the same request is sent with a made-up redirect URI: if the answer is
    different, the provider checks the redirect URI, and accepts that of the settings.

    Args:
        is_client_known: Whether the provider accepted the client's authentication.

    Spec: OpenID Connect Core §3.1.2.1, §3.1.2.6; RFC 6749 §3.1.2.4.
    """
    question = "Is the redirect URI registered?"
    request = _authorize(exchanges, metadata, redirect_uri)
    answers = [_pushed_off(request.pushed)] if _is_off(request.pushed) else []
    if request.exchange is None and is_client_known is False and not must_push(metadata, exchanges.settings):
        # The client is refused first. Through the browser the request needs no authentication.
        exchanges.settings = replace(exchanges.settings, pushed_authorization_requests="never")
        request = _authorize(exchanges, metadata, redirect_uri)
    if request.exchange is None:
        return [*answers, _refused_when_pushed(request, redirect_uri, is_client_known)]
    exchange = request.exchange
    error = error_at(exchange, redirect_uri)
    if error is not None:
        answers.append(right(question, exchange, "the provider sends the browser back to it"))
        if error not in _NOT_SIGNED_IN and error:
            answers.append(_refused(exchange, error, " ".join(exchanges.settings.scopes)))
        return answers
    if exchange.fetched is None:
        return [*answers, unknown(question, exchange)]
    control = _authorize(
        exchanges, metadata, f"https://{MADE_UP}{secrets.token_hex(4)}.invalid/callback"
    ).exchange
    return [*answers, _compare(question, exchange, control, redirect_uri, is_client_known)]


def error_at(exchange: Exchange, redirect_uri: str) -> str | None:
    """Return the ``error`` with which the provider sends the browser back to `redirect_uri`; None if it does not."""
    if exchange.location.partition("?")[0].partition("#")[0] == redirect_uri:
        return query_of(exchange.location).get("error", "")
    body = unescape(exchange.text) if exchange.status == 200 else ""
    if f'action="{redirect_uri}"' in body:  # response_mode=form_post
        _, found, rest = body.partition('name="error" value="')
        return rest.partition('"')[0] if found else ""
    return None


def _authorize(exchanges: Exchanges, metadata: Metadata, redirect_uri: str) -> _Request:
    before = len(exchanges.sent)
    try:
        url = exchanges.run(
            build_authorization_request(
                metadata,
                exchanges.settings,
                redirect_uri=redirect_uri,
                state=MADE_UP + secrets.token_urlsafe(16),
                nonce=secrets.token_urlsafe(16),
                code_verifier=secrets.token_urlsafe(48),
                prompt="none",
            )
        )
    except GateError as error:
        pushed = exchanges.sent[-1] if len(exchanges.sent) > before else None
        return _Request(None, pushed, error)
    pushed = exchanges.sent[-1] if len(exchanges.sent) > before else None
    return _Request(exchanges.send(Fetch("GET", url, _BROWSER, max_bytes=MAX_BYTES)), pushed, None)


def _is_off(pushed: Exchange | None) -> bool:
    return pushed is not None and (300 <= pushed.status < 400 or pushed.status in (404, 405))


def _pushed_off(pushed: Exchange | None) -> Answer:
    question = "Does the endpoint for pushed authorization requests work?"
    return wrong(question, "provider_par_off", pushed)


def _refused_when_pushed(request: _Request, redirect_uri: str, is_client_known: bool | None) -> Answer:
    question = "Is the redirect URI registered?"
    assert request.error is not None
    code, detail = request.error.code, request.error.detail
    if request.pushed is None or request.pushed.fetched is None or _is_off(request.pushed):
        return unknown(question, request.pushed, detail)
    if code == "invalid_client":
        return unknown(question, request.pushed, "the client is refused first")
    if "redirect" in detail.lower().partition("; sent:")[0] or (
        code == "invalid_request" and is_client_known
    ):
        return wrong(question, "provider_redirect_uri", request.pushed, redirect_uri=redirect_uri)
    return unknown(question, request.pushed)


def _refused(exchange: Exchange, error: str, scopes: str) -> Answer:
    question = "Does the provider accept the authorization request?"
    if error == "invalid_scope":
        return wrong(question, "provider_scope", exchange, scopes=scopes)
    return wrong(question, "provider_request", exchange, error=error)


def _compare(
    question: str,
    exchange: Exchange,
    control: Exchange | None,
    redirect_uri: str,
    is_client_known: bool | None,
) -> Answer:
    """Compare the answer with that to a made-up redirect URI, which no provider should accept."""
    is_refused = exchange.status >= 400 or "error" in exchange.location.partition("?")[0].lower()
    if is_refused:
        says_so = (
            "redirect" in exchange.text.lower() or "redirect" in exchange.location.partition("?")[2].lower()
        )
        if exchange.status < 500 and (is_client_known or says_so):
            return wrong(question, "provider_redirect_uri", exchange, redirect_uri=redirect_uri)
        return unknown(question, exchange, "the request is refused, perhaps for another reason")
    if control is None or control.fetched is None:
        return unknown(question, exchange)
    if _kind(exchange) != _kind(control):
        return right(question, exchange, f"with a made-up redirect URI: {control.received}")
    return unknown(question, exchange, "the same answer as with a made-up redirect URI")


def _kind(exchange: Exchange) -> tuple[int, str]:
    return exchange.status, exchange.location.partition("?")[0]

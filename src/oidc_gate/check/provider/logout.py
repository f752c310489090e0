"""Checks sign-out at the provider: whether it can be used, and whether it requires an ID token as a hint."""

from __future__ import annotations

import secrets

from ...effects import Fetch
from ...provider.discovery import Metadata
from ...provider.logout import build_logout_request
from ..answers import Answer, right, unknown, wrong
from .client import MADE_UP, MAX_BYTES
from .exchanges import Exchange, Exchanges

_BROWSER = (("Accept", "text/html,*/*;q=0.8"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))


def check_logout(exchanges: Exchanges, metadata: Metadata, post_logout_redirect_uri: str) -> list[Answer]:
    """Request a sign-out as a browser without a session at the provider, with and without an address to return to.

    Nothing ends, because the request has no cookie and no ``id_token_hint``.

    Spec: OpenID Connect RP-Initiated Logout §2, §3.
    """
    question = "Can users sign out at the provider?"
    settings = exchanges.settings
    if not metadata.end_session_endpoint:
        cause = "auto_sign_in_without_logout" if settings.auto_sign_in else "provider_no_logout"
        return [wrong(question, cause, received="discovery names no end_session_endpoint")]
    if not post_logout_redirect_uri:
        return [right(question, received=metadata.end_session_endpoint)]
    exchange = _ask(exchanges, metadata, post_logout_redirect_uri)
    answers = []
    is_registered = _is_registered(exchanges, metadata, exchange, post_logout_redirect_uri)
    needs_hint = _needs_hint(exchange)
    if needs_hint and not settings.keep_id_token:
        answers.append(wrong("Does sign-out work without a hint?", "provider_logout_hint", exchange))
    elif needs_hint:
        answers.append(right("Does sign-out work?", exchange, "it demands a hint, which keep_id_token keeps"))
    registered = "Is the address after a sign-out registered?"
    if is_registered is None:
        answers.append(unknown(registered, exchange))
    elif is_registered:
        answers.append(right(registered, exchange))
    else:
        answers.append(wrong(registered, "provider_post_logout", exchange, uri=post_logout_redirect_uri))
    return answers


def _ask(exchanges: Exchanges, metadata: Metadata, uri: str) -> Exchange:
    url = build_logout_request(
        metadata, exchanges.settings, post_logout_redirect_uri=uri, state=MADE_UP + secrets.token_hex(8)
    )
    return exchanges.send(Fetch("GET", url, _BROWSER, max_bytes=MAX_BYTES))


def _needs_hint(exchange: Exchange) -> bool:
    return 400 <= exchange.status < 500 and "id_token_hint" in exchange.text


def _is_registered(exchanges: Exchanges, metadata: Metadata, exchange: Exchange, uri: str) -> bool | None:
    if exchange.location.partition("?")[0] == uri:
        return True
    if exchange.fetched is None or exchange.status >= 500 or _needs_hint(exchange):
        return None
    if exchange.status >= 400:
        return False if "redirect" in exchange.text.lower() else None
    control = _ask(exchanges, metadata, f"https://{MADE_UP}{secrets.token_hex(4)}.invalid/")
    is_other = control.fetched is not None and control.status != exchange.status
    return True if is_other and control.status >= 400 else None

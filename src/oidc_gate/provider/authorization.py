"""The authorization request, and the authorization response that the browser brings back."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from .. import effects
from ..effects import Fetch, Fetched, Lane, Step
from ..errors import CallbackError, ProviderError
from ..settings import Settings
from . import oauth
from .client_auth import Message, authenticate, choose_method, uses_certificate
from .client_auth.assertion import request_object
from .client_errors import CLIENT_ERRORS, NOT_ACCEPTED_MESSAGE, advice, describe_sent
from .discovery import Metadata
from .dpop import DPoPKey
from .offline import ask_for_refresh_token
from .responses import UNTRUSTED_MESSAGE, json_object, printable, raise_for_status, refuse, text

log = logging.getLogger("oidc_gate.provider")

MAX_PARAMETERS = 32  # a response has five; Django accepts 1,000 fields
MAX_CODE = 2048  # characters; encrypted codes, such as those of Entra ID, have more than 1,000
MAX_REQUEST_URI = 2048

REGISTERED_ERRORS = frozenset(
    {
        # RFC 6749 §4.1.2.1
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        # OpenID Connect Core §3.1.2.6
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        "invalid_request_uri",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
        # OpenID Connect Core Unmet Authentication Requirements 1.0 §2
        "unmet_authentication_requirements",
        # RFC 8707 §2; RFC 9449 §5
        "invalid_target",
        "invalid_dpop_proof",
    }
)
_STATUS = {"access_denied": 403, "temporarily_unavailable": 503, "server_error": 502}
_PUBLIC_MESSAGES = {
    "access_denied": "The sign-in service reports that sign-in was cancelled or refused.",
    "temporarily_unavailable": "The sign-in service is too busy at the moment.",
    "server_error": "The sign-in service reports an error of its own.",
    **dict.fromkeys(CLIENT_ERRORS, NOT_ACCEPTED_MESSAGE),
}


class ProviderRefusal(CallbackError):
    """The authorization response is an error instead of a code.

    `code` is the OAuth error code if it is registered, and ``provider_error`` otherwise.
    """


# Google documents these values and accepts no others, but its discovery does not list them.
_PROMPTS_OF: dict[str, tuple[str, ...]] = {
    "https://accounts.google.com": ("none", "consent", "select_account")
}
_NO_ENDPOINT = frozenset({301, 302, 303, 307, 308, 404, 405})
_PROOF = object()


class ValidatedCallback:
    """An authorization response that was checked.

    Only `process_authorization_response` can create one, and the code exchange requires one, so that the checks cannot
    be forgotten.
    """

    __slots__ = ("code",)

    def __init__(self, code: str, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only process_authorization_response can create a ValidatedCallback")
        self.code = code

    def __repr__(self) -> str:
        return "ValidatedCallback()"


def build_authorization_request(
    metadata: Metadata,
    settings: Settings,
    *,
    redirect_uri: str,
    state: str,
    nonce: str,
    code_verifier: str,
    prompt: str | None = None,
    login_hint: str | None = None,
    push: Callable[[Fetch], Step[Fetched]] = effects.fetch,
) -> Step[str]:
    """Build the URL that starts the authorization code flow with PKCE (S256) and a nonce.

    The request is pushed or signed if the settings say so.

    Args:
        code_verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
        push: Sends a pushed authorization request.

    Raises:
        ProviderUnavailable: The pushed request was not answered.
        ProviderError: The pushed request was refused.
        QueueFull: Too many pushed requests are under way.

    Spec: OpenID Connect Core §3.1.2.1; RFC 7636 §4.3; RFC 9101 §5; RFC 9126 §2; RFC 9449 §10.
    """
    params = _parameters(settings, redirect_uri, state, nonce, code_verifier, prompt, login_hint)
    scopes, additional = ask_for_refresh_token(metadata, settings, prompt)
    params |= {"scope": " ".join(scopes)} | additional
    if settings.dpop:
        params["dpop_jkt"] = DPoPKey.of(settings).thumbprint
    if settings.signed_request_objects or metadata.require_signed_request_object:
        params = yield from _signed(params, metadata, settings)
    if _is_pushed(metadata, settings):
        # RFC 9126 §4: these two parameters and no others, as FAPI 2.0 requires.
        pushed = yield from _pushed(params, metadata, settings, push, redirect_uri)
        if pushed is not None:
            return oauth.add_query(metadata.authorization_endpoint, pushed)
    return oauth.authorization_uri(metadata.authorization_endpoint, params)


def supported_prompt(prompt: str, metadata: Metadata) -> str:
    """Return `prompt`, or ``login`` instead of ``select_account`` if discovery does not list that.

    Providers ignore a value that they do not know, or answer it with an error. In both cases the user could not choose
    another account. Every provider must support ``login``.

    Spec: OpenID Connect Core §3.1.2.1; Initiating User Registration 1.0 §4.1 (``prompt_values_supported``).
    """
    listed = metadata.prompt_values_supported or _PROMPTS_OF.get(metadata.issuer) or ()
    return "login" if prompt == "select_account" and prompt not in listed else prompt


def process_authorization_response(
    pairs: Sequence[tuple[str, str]], metadata: Metadata, *, expected_state: str, sent: str
) -> ValidatedCallback:
    """Check an authorization response and return its code.

    The checks run in this order: repeated parameters, ``iss``, ``state``, ``error``, ``code``.

    Args:
        pairs: The decoded parameters of the query or of the form.
        expected_state: The ``state`` of the flow to which the browser's flow cookie belongs. An empty value never
            matches.
        sent: What the authorization request contained, for the log: see `client_errors.describe_sent`.

    Raises:
        CallbackError: ``callback_malformed``, ``callback_iss_missing``, ``callback_iss``, ``callback_state``,
            ``callback_code_missing``.
        ProviderRefusal: The response is an error instead of a code.

    Not checked here: whether the flow was used before, or has expired.

    Spec: RFC 6749 §3.1, §4.1.2; RFC 9207 §2.4; OpenID Connect Core §3.1.2.5 to §3.1.2.7.
    """
    params = _unique_parameters(pairs)
    _check_iss(params.get("iss"), metadata)
    _check_state(params.get("state", ""), expected_state)
    if "error" in params:
        raise _refusal(params, sent)
    code = params.get("code", "")
    if not 0 < len(code) <= MAX_CODE:
        raise _broken("callback_code_missing", f"code of {len(code)} characters")
    return ValidatedCallback(code, _PROOF)


def _parameters(
    settings: Settings,
    redirect_uri: str,
    state: str,
    nonce: str,
    code_verifier: str,
    prompt: str | None,
    login_hint: str | None,
) -> dict[str, str]:
    optional = {
        "response_mode": "form_post" if settings.response_mode == "form_post" else None,
        "max_age": None if settings.max_age_seconds is None else str(settings.max_age_seconds),
        "acr_values": " ".join(settings.acr_values) or None,
        "prompt": prompt,
        "login_hint": login_hint,
    }
    return {
        **settings.authorization_params,  # first, so that they cannot replace the gate's own parameters
        **{name: value for name, value in optional.items() if value is not None},
        "client_id": settings.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": state,
        "nonce": nonce,
        "code_challenge": oauth.s256_challenge(code_verifier),
        "code_challenge_method": "S256",
    }


def _signed(params: dict[str, str], metadata: Metadata, settings: Settings) -> Step[dict[str, str]]:
    signed = yield from request_object(params, metadata, settings)
    # OpenID Connect Core §6.1: these are repeated outside, for providers that read the request as plain OAuth.
    return {
        "client_id": settings.client_id,
        "response_type": "code",
        "scope": params["scope"],
        "request": signed,
    }


def _is_pushed(metadata: Metadata, settings: Settings) -> bool:
    if must_push(metadata, settings):
        return True  # if the provider does not support it, the error names the cause
    return settings.pushed_authorization_requests == "auto" and bool(
        metadata.pushed_authorization_request_endpoint
    )


def must_push(metadata: Metadata, settings: Settings) -> bool:
    """Return whether an authorization request must be pushed: by the provider, or by the settings (RFC 9126 §5)."""
    is_required = metadata.require_pushed_authorization_requests
    return is_required or settings.pushed_authorization_requests == "always"  # which fapi2 sets


def _pushed(
    params: dict[str, str],
    metadata: Metadata,
    settings: Settings,
    push: Callable[[Fetch], Step[Fetched]],
    redirect_uri: str,
) -> Step[dict[str, str] | None]:
    """Push the request, and return the parameters that refer to it.

    Return None if there is no such endpoint after all, and nothing requires it. Spring Authorization Server lists the
    endpoint in discovery even if it is disabled, and then redirects to its login page.
    """
    endpoint = metadata.endpoint(
        "pushed_authorization_request_endpoint", with_certificate=uses_certificate(metadata, settings)
    )
    if not endpoint:
        raise ProviderError(
            "discovery_unusable",
            "The sign-in service does not offer what this application is configured for.",
            detail="pushed_authorization_requests: discovery names no pushed_authorization_request_endpoint",
        )
    message = yield from authenticate(Message(endpoint, oauth.form(params)), metadata, settings)
    body = message.body.encode()
    request = Fetch("POST", endpoint, message.header_list(), body, max_bytes=64 * 1024, lane=Lane.PUSHED)
    fetched = yield from push(request)
    if fetched.status in _NO_ENDPOINT and not must_push(metadata, settings):
        log.info(
            "pushed authorization requests: status %d at %s; sent through the browser",
            fetched.status,
            endpoint,
        )
        return None
    secrets = (params.get("state"), params.get("nonce"), settings.client_secret)
    sent = describe_sent(settings, redirect_uri, choose_method(metadata, settings))
    return {"client_id": settings.client_id, "request_uri": _process_pushed(fetched, secrets, sent)}


def _process_pushed(fetched: Fetched, secrets: Sequence[str | None], sent: str) -> str:
    # RFC 9126 §2.2, §2.3
    what = "pushed authorization request"
    raise_for_status(fetched, what)
    if fetched.status not in (200, 201):
        code, reason = "", ""
        try:
            answer = json.loads(fetched.body)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict):
            code = text(answer, "error", 100)
            reason = printable(answer.get("error_description", ""), hide=secrets)
        raise ProviderError(
            code if code in REGISTERED_ERRORS | {"invalid_client"} else "provider_error",
            NOT_ACCEPTED_MESSAGE if code in CLIENT_ERRORS else UNTRUSTED_MESSAGE,
            detail=f"{what}: {f'status {fetched.status} {printable(code)} {reason}'.rstrip()}{advice(code, sent)}",
        )
    request_uri = text(json_object(fetched, what), "request_uri", MAX_REQUEST_URI)
    if not request_uri:
        refuse(what, "no request_uri")
    return request_uri


def _unique_parameters(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    # RFC 6749 §3.1: "MUST NOT be included more than once"
    params = dict(pairs)
    if len(params) != len(pairs):
        raise _broken("callback_malformed", "a parameter is repeated")
    if len(params) > MAX_PARAMETERS:
        raise _broken("callback_malformed", f"{len(params)} parameters")
    return params


def _check_iss(iss: str | None, metadata: Metadata) -> None:
    # RFC 9207 §2.4: compared exactly, and before any other parameter is used.
    if iss is None:
        if metadata.authorization_response_iss_parameter_supported:
            raise _broken(
                "callback_iss_missing", f"no iss, though discovery promises it; expected {metadata.issuer!r}"
            )
    elif iss != metadata.issuer:
        raise _broken("callback_iss", f"iss is {printable(iss)!r}, expected {metadata.issuer!r}")


def _check_state(state: str, expected: str) -> None:
    # RFC 6749 §10.12
    if not expected or not hmac.compare_digest(state.encode("utf-8", "replace"), expected.encode("utf-8")):
        raise _broken("callback_state", "state does not belong to the flow of this browser")


def _refusal(params: dict[str, Any], sent: str) -> ProviderRefusal:
    error = params["error"]
    code = error if error in REGISTERED_ERRORS else "provider_error"
    hide = (params.get("state"), params.get("code"))
    reason = printable(params.get("error_description", ""), hide=hide)
    return ProviderRefusal(
        code,
        _PUBLIC_MESSAGES.get(code, "The sign-in service did not sign you in."),
        detail=f"the provider's error is {printable(error, 60, hide=hide)!r}: {reason!r}{advice(code, sent)}",
        status=_STATUS.get(code),
    )


def _broken(code: str, detail: str) -> CallbackError:
    return CallbackError(
        code,
        "This answer of the sign-in service does not belong to a sign-in of this browser.",
        detail=detail,
    )

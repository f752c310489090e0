"""Connects the logout of Django with the sign-out of the gate.

Django's ``logout`` ends only the session of Django, so the session of the gate would sign the user in again with the
next request. The session of the gate is not ended here, because any site can make a browser request a logout view.
Instead, the browser is redirected to ``/oauth2/sign_out``, which asks the user unless the request came from this site.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix

from ..request.navigation import Audience, audience_of
from ..shells import asgi_messages, wsgi_messages
from ._require import PREFIX_KEY

log = logging.getLogger("oidc_gate.django")

_MARK = "_oidc_gate_has_logged_out"


def watch(request: HttpRequest) -> None:
    """Begin to watch `request`. A login or logout by middleware that ran before is ignored."""
    setattr(request, _MARK, False)


def answer(request: HttpRequest, response: Any) -> Any:
    """Return `response`, or after a logout the redirect to the sign-out of the gate.

    Args:
        request: A request that is watched.
        response: The answer of the view. Errors are returned as they are.
    """
    if not getattr(request, _MARK, False) or response.status_code >= 400:
        return response
    prefix = (getattr(request, "scope", None) or request.META).get(PREFIX_KEY)
    if prefix is None:  # there is no session of the gate
        return response
    # Some servers let a client choose the script name, which must not become a host.
    mount = quote(get_script_prefix().strip("/"))
    url = (f"/{mount}" if mount else "") + f"{prefix}/sign_out"
    audience = _audience_of(request)
    if audience is Audience.HTMX:
        # The status is not that of a redirect, which htmx would not see.
        return _instead_of(response, 200, {"HX-Redirect": url})
    if audience not in (Audience.NAVIGATION, Audience.FORM_POST, Audience.FRAME):
        log.info(
            "a script logged out of Django; the session of the gate goes on until its page opens %s", url
        )
        return response
    return _instead_of(response, 303, {"Location": url})


def _instead_of(response: Any, status: int, headers: dict[str, str]) -> HttpResponse:
    """Return an answer without a body that keeps the cookies of `response`, and closes it when it is closed."""
    instead = HttpResponse(status=status, headers=headers | {"Cache-Control": "no-store"})
    instead.cookies = response.cookies
    instead._resource_closers += response._resource_closers
    return instead


def _audience_of(request: Any) -> Audience:
    scope = getattr(request, "scope", None)
    return audience_of(
        wsgi_messages.request_of(request.environ) if scope is None else asgi_messages.request_of(scope)
    )


def _mark(request: Any, value: bool) -> None:
    """Mark a request that is watched. Django REST framework has a request of its own around that of Django."""
    watched = getattr(request, "_request", request)
    if hasattr(watched, _MARK):
        setattr(watched, _MARK, value)


def _on_logout(sender: object, request: HttpRequest | None = None, **more: object) -> None:
    _mark(request, True)


def _on_login(sender: object, request: HttpRequest | None = None, **more: object) -> None:
    _mark(request, False)  # a view that logs in as another user logs out first


user_logged_out.connect(_on_logout, dispatch_uid="oidc_gate.ext.django")
user_logged_in.connect(_on_login, dispatch_uid="oidc_gate.ext.django")

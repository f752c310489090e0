"""Who is signed in, for Django behind the gate, over WSGI and ASGI alike.

::

    MIDDLEWARE = [..., "django.contrib.auth.middleware.AuthenticationMiddleware",
                  "oidc_gate.ext.django.OIDCGateMiddleware"]
    AUTHENTICATION_BACKENDS = ["oidc_gate.ext.django.OIDCGateBackend"]

The first gives ``request.identity``; with the second, ``request.user`` is a user of Django's own, made at the
first visit. No table of ours is needed: the user name is made of issuer and subject.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth import get_backends, get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from ..model import Identity
from ._require import CHALLENGE, KEY, NOT_IN_GROUP, SIGN_IN_FIRST, Groups, refusal, required_groups

log = logging.getLogger("oidc_gate.django")

_NOT_IN_A_NAME = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
)  # PostgreSQL takes no NUL, UTF-8 no surrogate

View = TypeVar("View", bound=Callable[..., Any])


def current_identity(request: HttpRequest) -> Identity | None:
    """Return who is signed in, or None. Works without the middleware too."""
    scope = getattr(request, "scope", None)  # an ASGI request; META is made of its headers
    found = request.META.get(KEY) if scope is None else scope.get(KEY)
    return found if isinstance(found, Identity) else None


def require(*, group: Groups | None = None) -> Callable[[View], View]:
    """Decorate a view, sync or async, that only some may call.

    Args:
        group: One group, or several of which one is enough; whoever is signed in if left out.

    Returns:
        A decorator. 401 for nobody; `PermissionDenied`, Django's 403, for somebody else.
    """
    required = required_groups(group)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def called(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return _refuse(request, required) or view(request, *args, **kwargs)

        @functools.wraps(view)
        async def acalled(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return _refuse(request, required) or await view(request, *args, **kwargs)

        checked: Any = acalled if iscoroutinefunction(view) else called
        return checked  # type: ignore[no-any-return]

    return decorate


def _refuse(request: HttpRequest, required: frozenset[str]) -> HttpResponse | None:
    status = refusal(current_identity(request), required)
    if status == 403:
        raise PermissionDenied(NOT_IN_GROUP)
    return HttpResponse(SIGN_IN_FIRST, "text/plain", 401, headers=CHALLENGE) if status else None


@sync_and_async_middleware
def OIDCGateMiddleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Set ``request.identity``, and ``request.user`` and ``request.auser`` where `OIDCGateBackend` is configured.

    Goes below Django's ``AuthenticationMiddleware``, if that is there. The user is looked up when somebody first
    asks for it, by no session of Django's: when the gate's session ends, so does this.
    """
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> Any:
            _set_identity(request)
            return await get_response(request)

        return amiddleware

    def middleware(request: HttpRequest) -> Any:
        _set_identity(request)
        return get_response(request)

    return middleware


def _set_identity(request: Any) -> None:
    request.identity = identity = current_identity(request)
    if identity is None or not any(isinstance(one, OIDCGateBackend) for one in get_backends()):
        return
    found: list[Any] = []

    def load() -> Any:
        if not found:
            found.append(_user_of(request, identity))
        return found[0]

    request.user = SimpleLazyObject(load)
    request.auser = sync_to_async(load)


def _user_of(request: HttpRequest, identity: Identity) -> Any:
    for backend in get_backends():
        if isinstance(backend, OIDCGateBackend):
            user = backend.authenticate(request, identity=identity)
            if user is not None:
                user.backend = f"{type(backend).__module__}.{type(backend).__qualname__}"
                return user
    return AnonymousUser()


class OIDCGateBackend(ModelBackend):
    """Find or make Django's user for an identity: by issuer and subject, never by e-mail.

    The pair stands in the user name, ``oidc-`` and the SHA-256 of both: 69 characters that Django's own validator
    takes, the same for good, whatever e-mail or name become. A user model with fields of its own for the pair
    overrides `natural_key`. Permissions are those of ``ModelBackend``; nobody signs in here with a password.
    """

    takes_unverified_email = False
    """Whether ``email`` is kept although the provider does not vouch for it: code that trusts it is easily written."""

    def authenticate(
        self, request: HttpRequest | None, identity: Identity | None = None, **credentials: Any
    ) -> Any:
        """Return the user for `identity`, made if need be; None if there is none or it is not active."""
        if identity is None:
            return None
        model = get_user_model()
        user, is_new = model._default_manager.get_or_create(
            **self.natural_key(identity), defaults={"password": make_password(None)}
        )
        if not is_new and user.has_usable_password():
            # Somebody may have registered this name, which can be computed, and waited for its owner.
            log.error("user %s has a password, so whose it is cannot be told: refused", user.pk)
            return None
        if not self.user_can_authenticate(user):
            return None
        self.update(user, identity)
        return user

    def natural_key(self, identity: Identity) -> dict[str, Any]:
        """Return the field values that only this person's user has."""
        pair = f"{identity.issuer}\0{identity.subject}".encode("utf-8", "surrogatepass")
        return {get_user_model().USERNAME_FIELD: "oidc-" + hashlib.sha256(pair).hexdigest()}

    def update(self, user: Any, identity: Identity) -> None:
        """Keep name and e-mail in step; writes only what has changed."""
        changed = []
        for name, value in self.details(user, identity).items():
            if getattr(user, name, value) != value:
                setattr(user, name, value)
                changed.append(name)
        if changed:
            user.save(update_fields=changed)

    def details(self, user: Any, identity: Identity) -> dict[str, str]:
        """Return what `update` writes, by field."""
        first, _, last = identity.name.partition(" ")
        given, family = identity.claims.get("given_name"), identity.claims.get("family_name")
        if isinstance(given, str) and isinstance(family, str):
            first, last = given, family
        trusts_email = identity.email_verified or self.takes_unverified_email
        email = identity.email if trusts_email and len(identity.email) <= 254 else ""
        values = {"first_name": first[:150], "last_name": last[:150], user.get_email_field_name(): email}
        return {field: _NOT_IN_A_NAME.sub("", value) for field, value in values.items()}

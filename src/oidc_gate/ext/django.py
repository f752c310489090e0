"""The signed-in user in Django behind the gate, over WSGI and ASGI.

::

    MIDDLEWARE = [..., "django.contrib.auth.middleware.AuthenticationMiddleware",
                  "oidc_gate.ext.django.OIDCGateMiddleware"]
    AUTHENTICATION_BACKENDS = ["oidc_gate.ext.django.OIDCGateBackend"]

The middleware sets ``request.identity``. With the backend, ``request.user`` is a user of Django, created at the first
visit. No additional table is needed: the user name is derived from issuer and subject. Logging out of Django leads to
the sign-out of the gate.
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
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import IntegrityError, router, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from ..model import Identity
from . import _django_logout as logout
from ._require import (
    CHALLENGE,
    KEY,
    NOT_IN_GROUP,
    SIGN_IN_FIRST,
    TOKEN_KEY,
    AccessToken,
    Groups,
    refusal,
    required_groups,
)

log = logging.getLogger("oidc_gate.django")

_NOT_IN_A_NAME = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
)  # PostgreSQL does not accept NUL, and UTF-8 does not accept surrogates

View = TypeVar("View", bound=Callable[..., Any])


def current_identity(request: HttpRequest) -> Identity | None:
    """Return the identity of the signed-in user, or None. It works without the middleware too."""
    found = _given(request, KEY)
    return found if isinstance(found, Identity) else None


def access_token(request: HttpRequest) -> str | None:
    """Return an access token of the signed-in user, or None if there is none.

    It lasts for `access_token_min_seconds` at least. If it would expire earlier and `refresh` is set, the provider is
    asked for a new one; this waits for the answer, for 4.5 seconds at most. Call this for each use, and do not keep the
    result.
    """
    found: AccessToken | None = _given(request, TOKEN_KEY)
    return None if found is None else found.get()


async def aaccess_token(request: HttpRequest) -> str | None:
    """Return what `access_token` returns, in an async view."""
    found: AccessToken | None = _given(request, TOKEN_KEY)
    return None if found is None else await found.aget()


def _given(request: HttpRequest, key: str) -> Any:
    scope = getattr(request, "scope", None)  # an ASGI request, whose META is made from its headers
    return request.META.get(key) if scope is None else scope.get(key)


def require(*, group: Groups | None = None) -> Callable[[View], View]:
    """Decorate a sync or async view that only some users may call.

    ::

        @require(group="admins")
        def settings_page(request): ...

    Args:
        group: One group, or several of which one is sufficient. Without it every signed-in user may call the view.

    Returns:
        A decorator. The view answers 401 without an identity, and raises `PermissionDenied`, Django's 403, for users
        who are in none of the groups.

    Raises:
        ValueError: A group name is empty, or there is no group.
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
    """Set ``request.identity``, and with `OIDCGateBackend` also ``request.user`` and ``request.auser``.

    List it after Django's ``AuthenticationMiddleware``, if that is used. The user is looked up when a view first uses
    it. This needs no session of Django, so the user is signed out as soon as the session of the gate ends.

    After ``django.contrib.auth.logout``, which ``LogoutView`` and the admin call, a browser is sent to the sign-out of
    the gate. A script gets the view's own answer, and its page has to open ``/oauth2/sign_out``.
    """
    if any(type(one).natural_key is OIDCGateBackend.natural_key for one in _backends()):
        _check_user_name_field()  # when the server starts, and not at the first request
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> Any:
            _set_identity(request)
            logout.watch(request)
            return logout.answer(request, await get_response(request))

        return amiddleware

    def middleware(request: HttpRequest) -> Any:
        _set_identity(request)
        logout.watch(request)
        return logout.answer(request, get_response(request))

    return middleware


def _set_identity(request: Any) -> None:
    request.identity = identity = current_identity(request)
    if identity is None or not _backends():
        return
    found: list[Any] = []

    def load() -> Any:
        if not found:
            found.append(_user_of(request, identity))
        return found[0]

    request.user = SimpleLazyObject(load)
    request.auser = sync_to_async(load)


def _backends() -> list[Any]:
    return [one for one in get_backends() if isinstance(one, OIDCGateBackend)]


def _user_of(request: HttpRequest, identity: Identity) -> Any:
    for backend in _backends():
        user = backend.authenticate(request, identity=identity)
        if user is not None:
            user.backend = f"{type(backend).__module__}.{type(backend).__qualname__}"
            return user
    return AnonymousUser()


def _save(user: Any, **how: Any) -> bool:
    """Save `user`; return false if a value that must be unique belongs to another account."""
    using = router.db_for_write(type(user))
    try:
        with transaction.atomic(using=using):
            user.save(using=using, **how)
    except IntegrityError:
        return False
    return True


def _check_user_name_field() -> None:
    model = get_user_model()
    if model.USERNAME_FIELD in (model.get_email_field_name(), "email", "first_name", "last_name"):
        raise ImproperlyConfigured(
            f"USERNAME_FIELD of {model.__name__} is {model.USERNAME_FIELD!r}, which OIDCGateBackend cannot use to "
            "recognize users, because it changes. Fix: add fields for issuer and subject to the user model, subclass "
            "OIDCGateBackend, and return both from natural_key"
        )


class OIDCGateBackend(ModelBackend):
    """Find or create the Django user for an identity, by issuer and subject, never by e-mail address.

    The user name is ``oidc-`` and the SHA-256 of the pair: 69 characters that Django's own validator accepts, and that
    do not change when the e-mail address or the name changes. A user model with its own fields for the pair can
    override `natural_key`. Permissions are those of ``ModelBackend``. No user can sign in here with a password.
    """

    takes_unverified_email = False
    """Whether ``email`` is kept if the provider has not verified it.

    Application code may trust the address by mistake.
    """

    def authenticate(
        self, request: HttpRequest | None, identity: Identity | None = None, **credentials: Any
    ) -> Any:
        """Return the user for `identity`, created if necessary, or None without an identity or for an inactive user."""
        if identity is None:
            return None
        key = self.natural_key(identity)
        user = get_user_model()._default_manager.filter(**key).first() or self._create(key, identity)
        if user is None:
            return None
        if user.has_usable_password():
            # Another user may have registered this name, which can be computed, and waited for its owner.
            log.error("user %s has a password, so it may belong to another person: refused", user.pk)
            return None
        if not self.user_can_authenticate(user):
            return None
        self.update(user, identity)
        return user

    def _create(self, key: dict[str, Any], identity: Identity) -> Any:
        """Return a new user, or None if another account has a value that must be unique, such as the e-mail address."""
        model = get_user_model()
        user = model(**key, password=make_password(None))
        for name, value in self.details(user, identity).items():
            if hasattr(user, name):
                setattr(user, name, value)
        if _save(user, force_insert=True):
            return user
        made = model._default_manager.filter(**key).first()  # by another request, at the same time
        if made is None:
            log.error(
                "no user is made for subject %r: another account has the same e-mail address or name. Fix: remove "
                "that account, or map it to the identity in natural_key",
                identity.subject,
            )
        return made

    def natural_key(self, identity: Identity) -> dict[str, Any]:
        """Return the field values that only the user of this identity has.

        Raises:
            ImproperlyConfigured: The user model has no field for them: its user name is the e-mail address, or
                another value that `update` writes.
        """
        _check_user_name_field()
        pair = f"{identity.issuer}\0{identity.subject}".encode("utf-8", "surrogatepass")
        return {get_user_model().USERNAME_FIELD: "oidc-" + hashlib.sha256(pair).hexdigest()}

    def update(self, user: Any, identity: Identity) -> None:
        """Update the name and the e-mail address. Only values that have changed are written."""
        changed = []
        for name, value in self.details(user, identity).items():
            if getattr(user, name, value) != value:
                setattr(user, name, value)
                changed.append(name)
        if changed and not _save(user, update_fields=changed):
            log.error("user %s keeps its old values: another account has the new e-mail address", user.pk)
            user.refresh_from_db()

    def details(self, user: Any, identity: Identity) -> dict[str, str]:
        """Return the values that `update` writes, by field."""
        first, _, last = identity.name.partition(" ")
        given, family = identity.claims.get("given_name"), identity.claims.get("family_name")
        if isinstance(given, str) and isinstance(family, str):
            first, last = given, family
        trusts_email = identity.email_verified or self.takes_unverified_email
        email = identity.email if trusts_email and len(identity.email) <= 254 else ""
        values = {"first_name": first[:150], "last_name": last[:150], user.get_email_field_name(): email}
        return {field: _NOT_IN_A_NAME.sub("", value) for field, value in values.items()}

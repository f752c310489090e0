"""Django with and without its session; one process holds one set of settings, so middleware is put on by hand."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

CLAIMS: dict[str, Any] = {}


class Somebody:
    """A user as Django's authentication expects one."""

    pk = 1
    is_active = is_authenticated = True

    class _meta:
        class pk:
            @staticmethod
            def to_python(value: str) -> int:
                return int(value)

            @staticmethod
            def value_to_string(user: Somebody) -> str:
                return "1"

    def get_session_auth_hash(self) -> str:
        """Return what ties a session to a password; it is compared on every request."""
        from django.utils.crypto import salted_hmac

        return str(salted_hmac("bench", "password", algorithm="sha256").hexdigest())


class FromMemory:
    """Finds the user without a database."""

    def get_user(self, user_id: int) -> Somebody:
        """Return the one user."""
        return _SOMEBODY


_SOMEBODY = Somebody()


def _sign_in(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    request.session[SESSION_KEY] = "1"
    request.session[BACKEND_SESSION_KEY] = "bench.peers.django_app.FromMemory"
    request.session[HASH_SESSION_KEY] = _SOMEBODY.get_session_auth_hash()
    request.session["claims"] = CLAIMS
    return HttpResponse("hello")


def _reports(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    assert request.session["claims"]["sub"]
    return HttpResponse("hello")


def _plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


urlpatterns = [path("in", _sign_in), path("reports", _reports), path("plain", _plain)]


def session_application(secret: str) -> Any:
    """Return a handler with session and authentication."""
    if not settings.configured:
        settings.configure(
            SECRET_KEY=secret, ROOT_URLCONF="bench.peers.django_app", ALLOWED_HOSTS=["*"], USE_TZ=True,
            INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
            SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
            AUTHENTICATION_BACKENDS=["bench.peers.django_app.FromMemory"], MIDDLEWARE=[],
        )  # fmt: skip
        django.setup()
    return _handler(
        [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
    )


def plain_application() -> Any:
    """Return a handler without any middleware."""
    return _handler([])


def _handler(middleware: list[str]) -> Any:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    with override_settings(MIDDLEWARE=middleware):
        return WSGIHandler()

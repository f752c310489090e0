"""Django with its admin behind the gate: `oidc-gate demo tests.real.django_admin:application`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from oidc_gate import OIDCGate

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="for this test only",
    ALLOWED_HOSTS=["localhost"],
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
    ],
    STATIC_URL="static/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "oidc_gate.ext.django.OIDCGateMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        f"{__name__}.forms_stay_here",
    ],
    AUTHENTICATION_BACKENDS=[f"{__name__}.StaffBackend"],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(tempfile.mkdtemp()) / "admin.sqlite3",
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib import admin, auth  # noqa: E402
from django.contrib.auth.views import LogoutView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402

from oidc_gate.ext.django import OIDCGateBackend  # noqa: E402


class StaffBackend(OIDCGateBackend):
    """Every user may use the admin."""

    def update(self, user: Any, identity: Any) -> None:
        """Set the flags of a superuser."""
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
        super().update(user, identity)


def forms_stay_here(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Add the policy that applications use so that their forms lead nowhere else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Content-Security-Policy"] = "form-action 'self'"
        return response

    return middleware


def leave(request: HttpRequest) -> HttpResponse:
    """Log out on GET, as no view should."""
    auth.logout(request)
    return HttpResponse("own page")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("leave", leave),
    path("logout", LogoutView.as_view(next_page="/goodbye")),
    path(
        "",
        lambda request: HttpResponse(
            "<!doctype html><html lang='en'><title>home</title><h1>Home</h1></html>"
        ),
    ),
]
call_command("migrate", verbosity=0)
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "false"
application = OIDCGate(get_wsgi_application())

"""What a block of the docs may go on from: `<!-- given: app -->`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import oidc_gate.asgi
import oidc_gate.wsgi

FROM = "from tests.docs.given import {names}\n"

flask_app = Flask("flask_app")
fastapi_app = FastAPI()


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with nothing: any WSGI application."""
    start_response("204 No Content", [])
    return []


def __getattr__(name: str) -> None:
    """Make Django ready, if `django_site` is what is asked for."""
    if name != "django_site":
        raise AttributeError(name)
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


# An application of no particular framework: a line of each.
app = SimpleNamespace(
    wsgi_app=application, mount=fastapi_app.mount, add_middleware=fastapi_app.add_middleware
)

__all__ = ["DispatcherMiddleware", "app", "application", "fastapi_app", "flask_app", "oidc_gate"]

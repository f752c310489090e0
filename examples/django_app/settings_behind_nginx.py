"""Settings behind Nginx: Django reads the user from a header by itself, and needs nothing from the gate."""

from .settings import *  # noqa: F403

ROOT_URLCONF = "examples.django_app.views_behind_nginx"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "examples.django_app.views_behind_nginx.NginxUserMiddleware",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]

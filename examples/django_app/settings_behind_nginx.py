"""Behind Nginx, Django knows people by a header, in Django's own way; of the gate there is nothing in here."""

from .settings import *  # noqa: F403

ROOT_URLCONF = "examples.django_app.views_behind_nginx"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "examples.django_app.views_behind_nginx.NginxUserMiddleware",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]

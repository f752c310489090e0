"""Minimal Django settings. The gate needs one middleware and one authentication backend."""

ROOT_URLCONF = "examples.django_app.urls"
ALLOWED_HOSTS = ["localhost"]
SECRET_KEY = "for this example only"
USE_TZ = True
TIME_ZONE = "UTC"

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "oidc_gate.ext.django.OIDCGateMiddleware",  # request.identity
]
AUTHENTICATION_BACKENDS = ["oidc_gate.ext.django.OIDCGateBackend"]  # request.user, created at the first visit

# In memory: it exists while the example runs.
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:example?mode=memory&cache=shared"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

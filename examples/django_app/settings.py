"""Django's settings, as small as they get. What is of the gate: one middleware, one authentication backend."""

ROOT_URLCONF = "examples.django_app.urls"
ALLOWED_HOSTS = ["localhost"]
SECRET_KEY = "for this example alone"
USE_TZ = True
TIME_ZONE = "UTC"

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "oidc_gate.ext.django.OIDCGateMiddleware",  # request.identity
]
AUTHENTICATION_BACKENDS = ["oidc_gate.ext.django.OIDCGateBackend"]  # request.user, made at the first visit

# In memory, for as long as the example runs.
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:example?mode=memory&cache=shared"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

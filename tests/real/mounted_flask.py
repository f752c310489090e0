"""The gate's endpoints mounted in a Flask application."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from oidc_gate.wsgi import AuthBackend

app = Flask(__name__)
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/oauth2": AuthBackend()})  # type: ignore[method-assign]

"""A Flask application with the gate around it: `oidc-gate demo examples.flask_app.app:app`."""

from flask import Flask

from examples.page import page
from oidc_gate import OIDCGate
from oidc_gate.ext.flask import current_identity, require

app = Flask(__name__)


@app.get("/")
def home():
    # Public, as public_paths says below; a user whom the rules admit is known here too.
    if not current_identity:
        return page("Anybody may read this")
    return page("Welcome back", current_identity.email, current_identity.groups)


@app.get("/reports")
def reports():
    # Nothing to check: without a session this function is not called.
    return page("Reports", current_identity.email, current_identity.groups)


@app.get("/admin")
@require(group="admins")
def admin():
    return page("Administration", current_identity.email, current_identity.groups)


# The provider, its client and the cookie secret come from OIDC_GATE_* variables.
app.wsgi_app = OIDCGate(
    app.wsgi_app,
    public_paths=["/"],
    allowed_email_domains=["example.com"],
    application_name="The Flask example",
)

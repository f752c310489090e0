"""A Flask application with the gate around it: `oidc-gate demo examples.flask_app.app:app`."""

from flask import Flask

from examples.page import page
from oidc_gate import OIDCGate
from oidc_gate.ext.flask import current_identity, require

app = Flask(__name__)


@app.get("/")
def home():
    # A public path (see public_paths below). There is an identity if a user is signed in and may enter.
    if not current_identity:
        return page("A public page")
    return page("Welcome back", current_identity.email, current_identity.groups)


@app.get("/reports")
def reports():
    # There is nothing to check: without a session the gate does not call the application.
    return page("Reports", current_identity.email, current_identity.groups)


@app.get("/admin")
@require(group="admins")
def admin():
    return page("Administration", current_identity.email, current_identity.groups)


# The issuer, the client and the cookie secret come from OIDC_GATE_* variables.
app.wsgi_app = OIDCGate(
    app.wsgi_app,
    public_paths=["/"],
    allowed_email_domains=["example.com"],
    application_name="The Flask example",
)

"""The same application behind Nginx, with the gate's endpoints mounted in it.

Nginx asks /oauth2/auth about every request and sends the identity of the user in headers. Only Nginx may be able to
reach this application: a client that reaches it directly can send any identity.
"""

from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from examples.page import page
from oidc_gate.wsgi import AuthBackend

app = Flask(__name__)


def page_for_user(heading):
    groups = request.headers.get("X-Forwarded-Groups", "")
    return page(heading, request.headers.get("X-Forwarded-Email", ""), groups.split(",") if groups else ())


@app.get("/")
def home():
    return page_for_user("A public page")


@app.get("/reports")
def reports():
    return page_for_user("Reports")


@app.get("/admin")
def admin():
    # nginx.conf restricts this path: allowed_groups=admins.
    return page_for_user("Administration")


app.wsgi_app = DispatcherMiddleware(
    app.wsgi_app,
    {"/oauth2": AuthBackend(allowed_email_domains=["example.com"], application_name="The Flask example")},
)

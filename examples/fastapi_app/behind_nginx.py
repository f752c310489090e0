"""The same application behind Nginx, with the gate's endpoints mounted in it.

Nginx asks /oauth2/auth about every request and sends the identity of the user in headers. Only Nginx may be able to
reach this application: a client that reaches it directly can send any identity.
"""

from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.responses import HTMLResponse

from examples.page import page
from oidc_gate.asgi import AuthBackend

app = FastAPI(default_response_class=HTMLResponse)

Email = Annotated[str, Header(alias="X-Forwarded-Email")]
Groups = Annotated[str, Header(alias="X-Forwarded-Groups")]


def page_for(heading, email, groups):
    return page(heading, email, groups.split(",") if groups else ())


@app.get("/")
def home(email: Email = "", groups: Groups = ""):
    return page_for("A public page", email, groups)


@app.get("/reports")
def reports(email: Email, groups: Groups = ""):
    return page_for("Reports", email, groups)


@app.get("/admin")
def admin(email: Email, groups: Groups = ""):
    # nginx.conf restricts this path: allowed_groups=admins.
    return page_for("Administration", email, groups)


app.mount(
    "/oauth2",
    AuthBackend(allowed_email_domains=["example.com"], application_name="The FastAPI example"),
)

"""The same application behind Nginx, with the gate's endpoints mounted in it.

Nginx asks /oauth2/auth about every request and says in headers who it is. So nothing but Nginx may reach this
application: whoever else could would write these headers.
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
    return page_for("Anybody may read this", email, groups)


@app.get("/reports")
def reports(email: Email, groups: Groups = ""):
    return page_for("Reports", email, groups)


@app.get("/admin")
def admin(email: Email, groups: Groups = ""):
    # Who may come here stands in nginx.conf: allowed_groups=admins.
    return page_for("Administration", email, groups)


app.mount(
    "/oauth2",
    AuthBackend(allowed_email_domains=["example.com"], application_name="The FastAPI example"),
)

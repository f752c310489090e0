"""A FastAPI application with the gate around it: `oidc-gate demo examples.fastapi_app.app:app`."""

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from examples.page import page
from oidc_gate import Identity, OIDCGate
from oidc_gate.ext.fastapi import CurrentIdentity, OptionalIdentity, require

app = FastAPI(default_response_class=HTMLResponse)

Admin = Annotated[Identity, Depends(require(group="admins"))]


@app.get("/")
def home(identity: OptionalIdentity):
    # A public path (see public_paths below). There is an identity if a user is signed in and may enter.
    if identity is None:
        return page("A public page")
    return page("Welcome back", identity.email, identity.groups)


@app.get("/reports")
def reports(identity: CurrentIdentity):
    return page("Reports", identity.email, identity.groups)


@app.get("/admin")
def admin(identity: Admin):
    return page("Administration", identity.email, identity.groups)


# The issuer, the client and the cookie secret come from OIDC_GATE_* variables.
app.add_middleware(
    OIDCGate,
    public_paths=["/"],
    allowed_email_domains=["example.com"],
    application_name="The FastAPI example",
)

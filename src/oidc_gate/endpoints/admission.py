"""How the application, and Nginx, are told who it is. Nothing of it depends on the request."""

from __future__ import annotations

from ..model import HeaderList, Identity, Reason, Reply, Session
from ..policy.claims import identity_headers
from .context import Parts
from .responses import bare


def application_headers(parts: Parts, session: Session | None) -> HeaderList:
    """Return the headers for the wrapped application; those that are asked for come always, empty if need be."""
    settings = parts.settings
    token = session.access_token if session else ""
    identity = session.identity if session else NOBODY
    headers: HeaderList = ()
    if settings.identity_headers:
        headers = identity_headers(
            identity, settings, "X-Forwarded", token if settings.pass_access_token else None
        )
    elif settings.pass_access_token:
        headers = (("X-Forwarded-Access-Token", token),)
    if settings.pass_authorization and token:
        headers += (("Authorization", f"Bearer {token}"),)
    return headers


def admit(parts: Parts, session: Session | None) -> Reply:
    """Return the 202 of ``/oauth2/auth``: every identity header, empty where nobody is signed in."""
    settings = parts.settings
    token = (session.access_token if session else "") if settings.pass_access_token else None
    identity = session.identity if session else NOBODY
    headers = identity_headers(identity, settings, "X-Auth-Request", token)
    if settings.pass_authorization:
        headers += (("Authorization", f"Bearer {session.access_token}" if session else ""),)
    return bare(202, headers)


def public_path(refused_by: str | None) -> Reason:
    """Return why a request is let through without an identity.

    Args:
        refused_by: The rule that refuses the signed-in user; None for an anonymous request.
    """
    return Reason("refused_on_public_path", refused_by) if refused_by else Reason("public_path")


NOBODY = Identity("", "")

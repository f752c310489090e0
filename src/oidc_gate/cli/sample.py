"""The sample application of the demo: one page that shows the signed-in user, in the style of the gate's pages."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from markupsafe import Markup

from ..model import Identity
from ..pages.layout import Branding, Page, actions, build_page, link, paragraph, person

PUBLIC_PATHS = ("/", "/favicon.ico")
_BRANDING = Branding("/oauth2/static", "A sample application")


def sample_application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with a page that shows the signed-in user."""
    identity: Identity | None = environ.get("oidc_gate.identity")
    path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
    query = environ.get("QUERY_STRING", "")
    page = _public_page() if identity is None else _own_page(identity, f"{path}?{query}" if query else path)
    start_response("200 OK", [*page.headers, ("Content-Length", str(len(page.body)))])
    return [page.body]


def _public_page() -> Page:
    return build_page(
        _BRANDING,
        "This page is public",
        (
            paragraph("You are not signed in. The next page is for users at example.com."),
            actions(link("/reports?month=5", "Reports")),
        ),
    )


def _own_page(identity: Identity, address: str) -> Page:
    return build_page(
        _BRANDING,
        "You are signed in",
        (
            paragraph(
                Markup("Hello, {}. You requested <code>{}</code>.").format(
                    identity.name or identity.label, address
                )
            ),
            person(identity.label),
            paragraph(f"Groups: {', '.join(identity.groups) or 'none'}"),
            actions(
                link("/oauth2/sign_out", "Sign out"),
                link("/oauth2/userinfo", "Who am I?", second=True),
            ),
        ),
    )

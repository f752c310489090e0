"""The pages on the way out: asked, done, and the empty one that the provider frames."""

from __future__ import annotations

from markupsafe import Markup

from oidc_gate.pages.headers import build_headers, build_policy
from oidc_gate.pages.layout import Page, Site, actions, build_page, link, paragraph
from oidc_gate.pages.safe import href, origin

FORM_TOKEN_FIELD = "form_token"
RETURN_TO_FIELD = "rd"

_HIDDEN = Markup('<input type="hidden" name="{}" value="{}">\n')
_FORM = Markup("""\
<form method="post" action="{}">
{}<button class="button" type="submit">Sign out</button>
</form>
""")
_EMPTY = (
    b'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Signed out</title></head></html>\n'
)


def sign_out_page(
    *,
    static_url: str,
    action_url: str,
    form_token: str,
    provider_origin: str | None = None,
    gate_origin: str | None = None,
    return_to: str | None = None,
    application_name: str | None = None,
) -> Page:
    """Build the page that asks before signing out: one button, one POST.

    Args:
        static_url: where the pages' files are served.
        action_url: the sign-out endpoint.
        form_token: the signed token, sent back as `form_token`.
        provider_origin: where the provider signs people out, as `https://op.example.com`, or None.
        gate_origin: where sign-out ends, if that is another host than the page's: one gate for several.
        return_to: where to go afterwards, judged already; sent back as `rd`.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show, or that has no plain origin.

    Spec: OpenID Connect RP-Initiated Logout §2; CSP Level 3 §6.4.1
    """
    site = Site.of(static_url, application_name)
    token = form_token.encode("utf-8", "replace").decode("utf-8")
    fields = _HIDDEN.format(FORM_TOKEN_FIELD, token)
    if return_to is not None:
        fields += _HIDDEN.format(RETURN_TO_FIELD, href(return_to))
    consequence = Markup("You will be signed out of {}{}.").format(
        site.name_or("this site"), " and at your identity provider" if provider_origin else ""
    )
    return build_page(
        site,
        "Sign out?",
        (paragraph(consequence), actions(_FORM.format(href(action_url), fields))),
        form_targets=_build_form_targets(provider_origin, gate_origin, return_to),
    )


def _build_form_targets(
    provider_origin: str | None, gate_origin: str | None, return_to: str | None
) -> tuple[str, ...]:
    elsewhere = [url for url in (provider_origin, gate_origin) if url]
    if return_to is not None and not return_to.startswith("/"):
        elsewhere.append(return_to)
    return ("'self'", *dict.fromkeys(map(origin, elsewhere)))


def signed_out_page(
    *,
    static_url: str,
    sign_in_url: str,
    provider_signed_out: bool,
    application_name: str | None = None,
) -> Page:
    """Build the page that says how far sign-out went.

    Args:
        static_url: where the pages' files are served.
        sign_in_url: where one signs in again.
        provider_signed_out: the session at the provider ended as well.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show.
    """
    site = Site.of(static_url, application_name)
    ended = Markup("Your session in {} has ended{}.").format(
        site.name_or("this application"),
        ", and so has the one at your identity provider" if provider_signed_out else "",
    )
    warning = (
        "Your identity provider may still know you: whoever uses this browser next could sign in again "
        "without a password. On a shared computer, sign out there too."
    )
    return build_page(
        site,
        "You are signed out",
        (
            paragraph(ended),
            paragraph("" if provider_signed_out else warning),
            actions(link(sign_in_url, "Sign in again")),
        ),
    )


def frontchannel_page() -> Page:
    """Build the empty page that the provider loads in a frame, the only one that may be framed.

    Spec: OpenID Connect Front-Channel Logout §2
    """
    return Page(_EMPTY, build_headers(build_policy(framed=True), framed=True))

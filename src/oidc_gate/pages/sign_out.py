"""The pages on the way out: asked, done, and the empty one that the provider frames."""

from __future__ import annotations

from markupsafe import Markup

from oidc_gate.pages.headers import build_headers, build_policy
from oidc_gate.pages.layout import Branding, Page, actions, build_page, link, paragraph
from oidc_gate.pages.safe import href

FORM_TOKEN_FIELD = "form_token"

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
    at_provider_too: bool = False,
    application_name: str | None = None,
) -> Page:
    """Build the page that asks before signing out: one button, one POST.

    Args:
        static_url: where the pages' files are served.
        action_url: the sign-out endpoint, on the host that shows this page.
        form_token: the signed token, sent back as `form_token`.
        at_provider_too: the session at the provider ends as well.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show.
    """
    branding = Branding.of(static_url, application_name)
    token = form_token.encode("utf-8", "replace").decode("utf-8")
    consequence = Markup("You will be signed out of {}{}.").format(
        branding.name_or("this site"), " and at your identity provider" if at_provider_too else ""
    )
    form = _FORM.format(href(action_url), _HIDDEN.format(FORM_TOKEN_FIELD, token))
    return build_page(branding, "Sign out?", (paragraph(consequence), actions(form)), has_form=True)


def leaving_page(*, static_url: str, target: str, application_name: str | None = None) -> Page:
    """Build the page that answers the form of a sign-out and goes on to the provider.

    A browser holds every redirect after a form against the `form-action` of the page with the form, and a
    provider that hands over to another one is a redirect to a host that nobody could have listed. A Refresh
    starts a new navigation.

    Args:
        static_url: where the pages' files are served.
        target: where the provider signs people out.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show.

    Spec: CSP Level 3 §6.4.1; HTML §4.2.5.3
    """
    return build_page(
        Branding.of(static_url, application_name),
        "Signing you out",
        (
            paragraph("Your session here has ended. The one at your identity provider ends now."),
            actions(link(target, "Continue")),
        ),
        refresh_url=target,
    )


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
    branding = Branding.of(static_url, application_name)
    ended = Markup("Your session in {} has ended{}.").format(
        branding.name_or("this application"),
        ", and so has the one at your identity provider" if provider_signed_out else "",
    )
    warning = (
        "Your identity provider may still know you: whoever uses this browser next could sign in again "
        "without a password. On a shared computer, sign out there too."
    )
    return build_page(
        branding,
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

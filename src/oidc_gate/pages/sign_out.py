"""The pages of a sign-out: the question, the result, and the empty page that the provider shows in a frame."""

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
    back_url: str,
    at_provider_too: bool = False,
    application_name: str | None = None,
) -> Page:
    """Build the page that asks before signing out, with one button that sends a POST.

    Args:
        static_url: The path below which the files of the pages are served.
        action_url: The URL of the sign-out endpoint, on the host that shows this page.
        form_token: The signed token that the form sends back as `form_token`.
        back_url: The URL of the page to return to without signing out.
        at_provider_too: Whether the session at the provider ends as well.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    branding = Branding.of(static_url, application_name)
    token = form_token.encode("utf-8", "replace").decode("utf-8")
    consequence = Markup("You will be signed out of {}{}.").format(
        branding.name_or("this site"), " and at your identity provider" if at_provider_too else ""
    )
    form = _FORM.format(href(action_url), _HIDDEN.format(FORM_TOKEN_FIELD, token))
    return build_page(
        branding,
        "Sign out?",
        (paragraph(consequence), actions(form, link(back_url, "Stay signed in", second=True))),
        has_form=True,
    )


def leaving_page(
    *, static_url: str, target: str, is_at_provider: bool = True, application_name: str | None = None
) -> Page:
    """Build the page that answers the sign-out form and leads to the provider, or to another host.

    A browser checks every redirect after a form against the `form-action` policy of the page with the form. If the
    provider redirects to another provider, that host cannot be listed in advance. A ``Refresh`` starts a new
    navigation instead.

    Args:
        static_url: The path below which the files of the pages are served.
        target: The URL of the provider's sign-out endpoint, or of another page.
        is_at_provider: Whether it is that of the provider.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).

    Spec: CSP Level 3 §6.4.1; HTML §4.2.5.3.
    """
    return build_page(
        Branding.of(static_url, application_name),
        "Signing you out",
        (
            paragraph(
                "Your session here has ended. The one at your identity provider ends now."
                if is_at_provider
                else "Your session here has ended."
            ),
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
    """Build the page that says which sessions have ended.

    Args:
        static_url: The path below which the files of the pages are served.
        sign_in_url: The URL for signing in again.
        provider_signed_out: Whether the provider sent the browser back from its sign-out. Some do so, too, if the
            user declined it.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    branding = Branding.of(static_url, application_name)
    ended = Markup("You are not signed in to {}.").format(branding.name_or("this application"))
    returned = (
        "Your identity provider has sent you back from its own sign-out. If you declined it there, you are still "
        "signed in there."
    )
    warning = (
        "Your identity provider may still know you: the next user of this browser could sign in again "
        "without a password. On a shared computer, sign out there too."
    )
    return build_page(
        branding,
        "You are signed out",
        (
            paragraph(ended),
            paragraph(returned if provider_signed_out else warning),
            actions(link(sign_in_url, "Sign in again")),
        ),
    )


def frontchannel_page() -> Page:
    """Build the empty page that the provider loads in a frame. No other page may be framed by other sites.

    Spec: OpenID Connect Front-Channel Logout §2.
    """
    return Page(_EMPTY, build_headers(build_policy(framed=True), framed=True))

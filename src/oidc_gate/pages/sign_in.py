"""The pages before and after a sign-in: the sign-in page, the page for a form that was not received, the way back."""

from __future__ import annotations

from markupsafe import Markup

from oidc_gate.pages.layout import (
    IN_A_NEW_TAB,
    RETURNS,
    RETURNS_BY_ITSELF,
    Branding,
    Page,
    actions,
    build_page,
    isolated,
    link,
    paragraph,
    person,
)
from oidc_gate.pages.safe import MAX_NAME_LENGTH, MAX_SENTENCE_LENGTH, clean


def sign_in_page(
    *,
    static_url: str,
    start_url: str,
    application_name: str | None = None,
    provider_name: str | None = None,
    refresh_seconds: int | None = None,
    identity_label: str | None = None,
    switch_url: str | None = None,
    notice: str | None = None,
) -> Page:
    """Build the page that offers to sign in, or that says which user is signed in.

    Args:
        static_url: The path below which the files of the pages are served.
        start_url: The URL that starts the sign-in. `rd` is its last parameter, so that gate.js can add the fragment.
        application_name: The name of the application.
        provider_name: The name of the provider.
        refresh_seconds: None if the page waits for a click; 0 if it continues at once, with or without JavaScript.
            There is no other delay. For a signed-in user the page never continues by itself, since that would be a
            loop.
        identity_label: The name of the user who is signed in, for example one who was refused elsewhere.
        switch_url: The URL for signing in with another account; `start_url` by default.
        notice: One sentence that says why the page is shown.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`), or the delay is
            not 0.
    """
    if refresh_seconds not in (None, 0):
        raise ValueError("refresh_seconds must be None or 0")
    branding = Branding.of(static_url, application_name)
    notice_paragraph = paragraph(clean(notice or "", MAX_SENTENCE_LENGTH), "notice")
    if identity_label is not None:
        return _build_known_page(
            branding, notice_paragraph, identity_label, start_url if switch_url is None else switch_url
        )
    provider = clean(provider_name or "", MAX_NAME_LENGTH)
    is_automatic = refresh_seconds is not None
    label = f"Sign in with {provider}" if provider else "Sign in"
    mark = RETURNS_BY_ITSELF if is_automatic else RETURNS
    return build_page(
        branding,
        Markup("Sign in to {}").format(isolated(branding.application_name))
        if branding.application_name
        else "Sign in",
        (
            notice_paragraph,
            paragraph(_build_invitation(provider, is_automatic)),
            actions(link(start_url, label, mark=mark)),
        ),
        refresh_url=start_url if is_automatic else None,
        scripted=True,
    )


def _build_invitation(provider: str, is_automatic: bool) -> str | Markup:
    if is_automatic:
        return "Taking you there now. If nothing happens, use the button."
    if provider:
        invitation = Markup("Please sign in with {} to continue. You will come straight back to this page.")
        return invitation.format(isolated(provider))
    return "Please sign in to continue. You will come straight back to this page."


def _build_known_page(
    branding: Branding, notice_paragraph: Markup, identity_label: str, switch_url: str
) -> Page:
    advice = "If this is not the account that you want to use here, sign in with another one."
    return build_page(
        branding,
        "You are signed in",
        (
            notice_paragraph,
            person(identity_label),
            paragraph(advice),
            actions(link(switch_url, "Sign in with another account", mark=RETURNS)),
        ),
        scripted=True,
    )


def posted_page(*, static_url: str, start_url: str, application_name: str | None = None) -> Page:
    """Build the page for a form that was sent without a session.

    Args:
        static_url: The path below which the files of the pages are served.
        start_url: The URL that starts a sign-in and returns to the page with the form.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    recovery = (
        "To keep what you typed, open sign-in in a new tab, come back to this one, "
        "and use the Back button: most browsers still show the form as you filled it in."
    )
    return build_page(
        Branding.of(static_url, application_name),
        "Your form was not sent",
        (
            paragraph("You are not signed in, or no longer. Nothing was received, and nothing was saved."),
            paragraph(recovery),
            actions(
                link(start_url, "Sign in"),
                link(start_url, "Open sign-in in a new tab", second=True, mark=IN_A_NEW_TAB),
            ),
        ),
    )


def continue_page(*, static_url: str, target: str, application_name: str | None = None) -> Page:
    """Build the page that ends a callback if a redirect would lose the Strict cookie.

    A browser does not send a ``SameSite=Strict`` cookie in a chain of redirects that began at the provider. A
    ``Refresh`` starts a new navigation from a page of the same site.

    Args:
        static_url: The path below which the files of the pages are served.
        target: The URL that the user requested, already validated.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).

    Spec: RFC 6265bis §5.2 ("same-site" requests); HTML §4.2.5.3.
    """
    return build_page(
        Branding.of(static_url, application_name),
        "You are signed in",
        (
            paragraph("Taking you to your page now. If nothing happens, use the button."),
            actions(link(target, "Continue")),
        ),
        refresh_url=target,
    )


def lost_page(*, static_url: str, target: str, application_name: str | None = None) -> Page:
    """Build the page that ends a sign-in if the address that was requested could not be kept.

    Args:
        static_url: The path below which the files of the pages are served.
        target: Where the button leads instead.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    return build_page(
        Branding.of(static_url, application_name),
        "You are signed in",
        (
            paragraph("The address that you opened could not be kept during the sign-in."),
            paragraph("Open your link once more: it works now. Or continue at the start."),
            actions(link(target, "Continue")),
        ),
    )

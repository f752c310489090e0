"""The pages for requests that fail: refused users, errors, an unavailable provider, and redirect loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from math import ceil

from markupsafe import Markup

from oidc_gate.pages.layout import (
    RETURNS,
    Branding,
    Page,
    actions,
    build_page,
    bullets,
    link,
    paragraph,
    person,
    reference,
    resend,
)
from oidc_gate.pages.safe import MAX_TITLE_LENGTH, clean

# Each cause was seen in practice. The most frequent one is first.
LOOP_CAUSES = (
    "The browser does not keep cookies for this site, or an extension removes them.",
    "The site is opened over http, or under another host name than the one it is set up for.",
    "The clock of the server, or of the identity provider, is wrong.",
)

ANOTHER_GATE_CAUSE = (
    "Another application on this host uses a cookie of the same name, so that each of the two signs you out of the "
    "other. The people who run this site can give each its own cookie name."
)

COOKIE_DOMAIN_CAUSE = (
    "The site shares its cookies with a domain for which browsers keep none, as they do for co.uk."
)


def denied_page(
    *,
    static_url: str,
    identity_label: str,
    switch_url: str,
    sign_out_url: str,
    request_id: str,
    reason: str | None = None,
    application_name: str | None = None,
) -> Page:
    """Build the page for a user who is signed in but may not enter (status 403).

    Args:
        static_url: The path below which the files of the pages are served.
        identity_label: The name of the user.
        switch_url: The URL for signing in with another account. `rd` is its last parameter.
        sign_out_url: The URL of the sign-out page.
        request_id: The ID of the request in the log.
        reason: One sentence for the user, or None.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    branding = Branding.of(static_url, application_name)
    refusal = Markup("You are signed in, but this account is not allowed to use {}.")
    return build_page(
        branding,
        "You do not have access",
        (
            paragraph(refusal.format(branding.name_or("this page"))),
            person(identity_label),
            paragraph(reason or ""),
            paragraph(
                "If you should have access, contact the people who run this site, and give them the request ID below."
            ),
            actions(
                link(switch_url, "Sign in with another account", mark=RETURNS),
                link(sign_out_url, "Sign out", second=True),
            ),
        ),
        footer=reference((("Request ID", request_id),)),
        scripted=True,
    )


def error_page(
    *,
    static_url: str,
    status: int,
    code: str,
    title: str,
    message: str,
    what_to_do: str,
    request_id: str,
    action_url: str | None = None,
    action_label: str | None = None,
    details: Iterable[tuple[str, str]] = (),
    causes: Sequence[str] = (),
    application_name: str | None = None,
) -> Page:
    """Build the page that says what happened, what the user can do, and what to report to support.

    Args:
        static_url: The path below which the files of the pages are served.
        status: The HTTP status of the response.
        code: The stable error code, which users can search for.
        title: A few words that say what happened.
        message: One or two sentences that say what happened.
        what_to_do: What the user can do now.
        request_id: The ID of the request in the log.
        action_url: The target of the button. Without it there is no button.
        action_label: The text of the button; "Try again" by default.
        details: Pairs of a label and a value, such as the error code of the provider. The values are untrusted: they
            are shown on one line each, with at most 300 characters, and at most nine of them.
        causes: Sentences that name likely causes.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    button = actions(link(action_url, action_label or "Try again")) if action_url is not None else Markup("")
    rows = (("Error code", code), ("Status", str(status)), ("Request ID", request_id))
    return build_page(
        Branding.of(static_url, application_name),
        clean(title, MAX_TITLE_LENGTH) or "Something went wrong",
        (paragraph(message), bullets(causes), paragraph(what_to_do), button),
        footer=reference(chain(rows, details)),
    )


def loop_page(
    *,
    static_url: str,
    request_id: str,
    action_url: str,
    code: str = "sign_in_loop",
    causes: Sequence[str] = LOOP_CAUSES,
    application_name: str | None = None,
) -> Page:
    """Build the page that ends a loop of sign-ins and names its likely causes (status 400).

    Args:
        static_url: The path below which the files of the pages are served.
        request_id: The ID of the request in the log.
        action_url: The URL that starts the sign-in again.
        code: The stable error code.
        causes: The likely causes, with the most likely one first.
        application_name: The name of the application.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    return error_page(
        static_url=static_url,
        status=400,
        code=code,
        title="Sign-in keeps starting again",
        message="You signed in several times, but this site could not keep you signed in. Likely causes:",
        causes=causes,
        what_to_do="Allow cookies for this site, then try again. "
        "If it keeps happening, contact the people who run this site.",
        request_id=request_id,
        action_url=action_url,
        action_label="Sign in again",
        application_name=application_name,
    )


def waiting_page(
    *,
    static_url: str,
    title: str,
    message: str,
    code: str,
    request_id: str,
    wait_seconds: float,
    form: Iterable[tuple[str, str]] = (),
    application_name: str | None = None,
) -> Page:
    """Build the page that requests the same URL again, by itself or with its button (status 503).

    With gate.js this happens after `wait_seconds`; without it, a ``Refresh`` does it a little later. Only gate.js or
    the button can send a form again, because a ``Refresh`` would lose its fields.

    Args:
        static_url: The path below which the files of the pages are served.
        title: A few words that say what happened.
        message: One sentence that says what happened.
        code: The stable error code.
        request_id: The ID of the request in the log.
        wait_seconds: The time until the next attempt, at most a day. It is rounded up in ``Retry-After``.
        form: The names and values of the fields to send again.
        application_name: The name of the application.

    Spec: RFC 9110 §10.2.3; HTML §4.2.5.3.
    """
    seconds = ceil(min(max(wait_seconds, 0.1), 86_400))
    again = Markup(' data-again="{}"').format(round(wait_seconds * 1000))
    fields = list(form)
    return build_page(
        Branding.of(static_url, application_name),
        clean(title, MAX_TITLE_LENGTH) or "Please wait a moment",
        (
            paragraph(message),
            paragraph("This page tries again by itself in a few seconds. You need not do anything."),
            actions(resend(fields, "Try now", again) if fields else link(None, "Try now", mark=again)),
        ),
        footer=reference((("Error code", code), ("Request ID", request_id))),
        scripted=True,
        has_form=bool(fields),
        extra_headers=(
            ("Retry-After", str(seconds)),
            *(() if fields else (("Refresh", str(seconds + 1)),)),
        ),
    )


def unavailable_page(
    *,
    static_url: str,
    request_id: str,
    retry_after_seconds: int | None = None,
    application_name: str | None = None,
) -> Page:
    """Build the page for a gate that cannot sign users in at the moment (status 503).

    The page replaces the answer of another URL, so its button requests the same URL again.

    Args:
        static_url: The path below which the files of the pages are served.
        request_id: The ID of the request in the log.
        retry_after_seconds: The time until the user should try again, from 1 to 86,400 seconds. It is also sent as
            ``Retry-After``.
        application_name: The name of the application.

    Spec: RFC 9110 §10.2.3.
    """
    wait = min(max(retry_after_seconds, 1), 86_400) if retry_after_seconds is not None else None
    return build_page(
        Branding.of(static_url, application_name),
        "Sign-in is not available right now",
        (
            paragraph("The service that signs people in did not answer. Nothing is wrong with your account."),
            paragraph(f"Please try again {_build_delay(wait)}."),
            actions(link(None, "Try again")),
        ),
        footer=reference((("Request ID", request_id),)),
        extra_headers=(("Retry-After", str(wait)),) if wait is not None else (),
    )


def _build_delay(seconds: int | None) -> str:
    if seconds is None:
        return "in a moment"
    if seconds < 60:
        return "in a few seconds" if seconds <= 10 else "in less than a minute"
    minutes = -(-seconds // 60)
    return "in a minute" if minutes == 1 else f"in {minutes} minutes"

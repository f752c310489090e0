"""The pages for when it does not go on: refused, failed, unavailable, going round in circles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

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
)
from oidc_gate.pages.safe import MAX_TITLE_LENGTH, clean

# Each is a cause met in the field; the order is how often.
LOOP_CAUSES = (
    "The browser does not keep cookies for this site, or an extension removes them.",
    "The site is opened over http, or under another host name than the one it is set up for.",
    "The clock of the server, or of the identity provider, is wrong.",
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
    """Build the page for somebody signed in who may not enter (status 403).

    Args:
        static_url: where the pages' files are served.
        identity_label: who is signed in.
        switch_url: where they sign in as somebody else; `rd` is its last parameter.
        sign_out_url: where they sign out.
        request_id: what stands in the log.
        reason: one public sentence, or nothing.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show.
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
                "If you should have access, ask whoever runs this site, and tell them the request ID below."
            ),
            actions(
                link(switch_url, "Sign in as somebody else", mark=RETURNS),
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
    """Build the page that says what happened, what to do, and what to tell support.

    Args:
        static_url: where the pages' files are served.
        status: the HTTP status that it is sent with.
        code: the stable error code that people search for.
        title: what happened, in a few words.
        message: what happened, in a sentence or two.
        what_to_do: what to do now.
        request_id: what stands in the log.
        action_url: where the one button leads; no button without it.
        action_label: what the button says; "Try again" when left out.
        details: label and value, such as the provider's own error code; hostile until proven
            otherwise, so shown on one line, at most 300 characters each, at most nine of them.
        causes: sentences for a list of likely causes.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show.
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
    """Build the page that ends a loop of sign-ins and names the likely causes (status 400).

    Args:
        static_url: where the pages' files are served.
        request_id: what stands in the log.
        action_url: where sign-in starts again.
        code: the stable error code.
        causes: what is likely here, the likeliest first.
        application_name: what people call the application.

    Raises:
        ValueError: an address that no page may show.
    """
    return error_page(
        static_url=static_url,
        status=400,
        code=code,
        title="Sign-in keeps starting again",
        message="You signed in several times, but this site could not keep you signed in. Likely causes:",
        causes=causes,
        what_to_do="Allow cookies for this site, then try again. If it goes on, tell whoever runs the site.",
        request_id=request_id,
        action_url=action_url,
        action_label="Sign in again",
        application_name=application_name,
    )


def unavailable_page(
    *,
    static_url: str,
    request_id: str,
    retry_after_seconds: int | None = None,
    application_name: str | None = None,
) -> Page:
    """Build the page for when nobody can be signed in just now (status 503).

    Its button asks for the same address again, since the page is shown in the place of another one.

    Args:
        static_url: where the pages' files are served.
        request_id: what stands in the log.
        retry_after_seconds: when to come back, 1 to 86,400; sent as `Retry-After` too.
        application_name: what people call the application.

    Spec: RFC 9110 §10.2.3
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

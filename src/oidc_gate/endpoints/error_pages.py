"""Answers to errors: a page with a stable code and the request ID for users, a problem for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil

from .. import pages
from ..errors import GateError, QueueFull, Unavailable
from ..model import HeaderList, Reason, Reply
from ..provider.client_errors import CLIENT_ERRORS
from ..request.navigation import Audience
from .context import RequestContext
from .responses import page, problem


@dataclass(frozen=True, slots=True)
class Advice:
    """The title of an error page, and its advice after the message of the error."""

    title: str
    what_to_do: str


_AGAIN = (
    "Start again with the button. If it keeps happening, contact the people who run this site, and give them the code "
    "below."
)
_LATER = "Please try again in a moment. What you were doing elsewhere is not affected."
_ADVICE = {
    "access_denied": Advice("Sign-in was declined", "You can try again, or choose another account."),
    "login_required": Advice("Please sign in again", "Start again with the button."),
    "flow_expired": Advice(
        "This sign-in took too long", "Start again with the button; ten minutes are allowed."
    ),
    "flow_missing": Advice(
        "This sign-in cannot be finished here",
        "It was started in another browser or window, or this browser did not keep the cookie. Start again with "
        "the button, and allow cookies for this site.",
    ),
    "flow_used": Advice("This sign-in is already finished", "Start again with the button."),
    "state_missing": Advice(
        "Nothing to finish here", "This address is where a sign-in ends. Start one with the button."
    ),
    "sign_in_line_full": Advice("Please wait a moment", _LATER),
    "wait_line_full": Advice("Please wait a moment", _LATER),
    "store_line_full": Advice("Please wait a moment", _LATER),
    "store_unavailable": Advice("This site is not available at the moment", _LATER),
    "session_too_large": Advice(
        "Your account does not fit", "Contact the people who run this site, and give them the code below."
    ),
}
_NOT_ACCEPTED = Advice(
    "This application is not accepted",
    "Trying again does not help. Contact the people who run this site, and give them the code below.",
)
_ADVICE |= dict.fromkeys(CLIENT_ERRORS, _NOT_ACCEPTED)
_BY_STATUS = {
    400: Advice("This sign-in did not work", _AGAIN),
    502: Advice("The sign-in service gave a wrong answer", _AGAIN),
    503: Advice("The sign-in service cannot be reached", _LATER),
}
_OTHERWISE = Advice("Something went wrong", _AGAIN)


def answer_error(context: RequestContext, error: GateError, target: str | None = None) -> Reply:
    """Return the answer for `error`.

    Args:
        target: The target that the user requested. The button starts a sign-in that leads there.
    """
    if isinstance(error, QueueFull) and context.audience is Audience.NAVIGATION:
        return waiting_page(context, error)
    if context.audience in (Audience.NAVIGATION, Audience.FRAME, Audience.FORM_POST):
        return error_page(context, error, target)
    members = {"request_id": context.request.request_id}
    reply = problem(error.status, error.code, error.public_message, retry_after(error), **members)
    return replace(reply, reason=reason_of(error))


def error_page(context: RequestContext, error: GateError, target: str | None = None) -> Reply:
    """Return the page for `error`, for any kind of client."""
    advice = _ADVICE.get(error.code) or _BY_STATUS.get(error.status, _OTHERWISE)
    content = pages.error_page(
        static_url=context.path_to("static"),
        status=error.status,
        code=error.code,
        title=advice.title,
        message=error.public_message,
        what_to_do=advice.what_to_do,
        request_id=context.request.request_id,
        action_url=context.link_to("start", rd=target or context.default_target),
        action_label="Sign in again",
        application_name=context.components.settings.application_name,
    )
    return replace(
        page(error.status, content, retry_after(error), framed=context.may_be_framed),
        reason=reason_of(error),
    )


def waiting_page(context: RequestContext, error: Unavailable, form: Iterable[tuple[str, str]] = ()) -> Reply:
    """Return the page that sends the same request again by itself. Nothing has been done for the request yet.

    Args:
        form: The fields of a form, to be sent again.
    """
    advice = _ADVICE.get(error.code) or _BY_STATUS[503]
    content = pages.waiting_page(
        static_url=context.path_to("static"),
        title=advice.title,
        message=error.public_message,
        code=error.code,
        request_id=context.request.request_id,
        wait_seconds=error.retry_after_seconds,
        form=form,
        application_name=context.components.settings.application_name,
    )
    return replace(page(503, content), reason=reason_of(error))


def reason_of(error: GateError) -> Reason:
    """Return the reason of a reply that was caused by an error."""
    return Reason(error.code, detail=error.detail or error.public_message)


def retry_after(error: GateError) -> HeaderList:
    """Return ``Retry-After`` if the same request may succeed later."""
    if not isinstance(error, Unavailable):
        return ()
    return (("Retry-After", str(ceil(error.retry_after_seconds))),)

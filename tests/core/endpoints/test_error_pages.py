"""Which title and advice the page of an error has, and what a script gets: the whole answers."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from oidc_gate.endpoints.context import Components, RequestContext, build_context
from oidc_gate.endpoints.error_pages import answer_error, error_page, reason_of, retry_after, waiting_page
from oidc_gate.errors import GateError, ProviderUnavailable, QueueFull
from oidc_gate.model import Reason, Reply
from tests.core.request.making import request, settings

DOCUMENT = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FRAME = DOCUMENT | {"sec-fetch-dest": "iframe"}
SCRIPT = {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
BUTTON = "Start again with the button."
AGAIN = f"{BUTTON} If it keeps happening, contact the people who run this site, and give them the code below."
LATER = "Please try again in a moment. What you were doing elsewhere is not affected."
CONTACT = "ontact the people who run this site, and give them the code below."
NOT_ACCEPTED = ("This application is not accepted", f"Trying again does not help. C{CONTACT}")
WAIT = ("Please wait a moment", LATER)


def context_of(headers: dict[str, str] = DOCUMENT, method: str = "GET") -> RequestContext:
    components = Components(settings(allow_everyone=True))
    return build_context(
        components, request(method, {"host": "app.example"} | headers, scheme="https", path="/reports")
    )


def shown(reply: Reply) -> str:
    """Return the text of a page, without tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", reply.body.decode())))


@pytest.mark.parametrize(
    ("code", "status", "title", "advice"),
    [
        ("access_denied", 403, "Sign-in was declined", "You can try again, or choose another account."),
        ("login_required", 400, "Please sign in again", BUTTON),
        ("flow_expired", 400, "This sign-in took too long", f"{BUTTON[:-1]}; ten minutes are allowed."),
        (
            "flow_missing", 400, "This sign-in cannot be finished here",
            "It was started in another browser or window, or this browser did not keep the cookie. Start again with "
            "the button, and allow cookies for this site.",
        ),
        ("flow_used", 400, "This sign-in is already finished", BUTTON),
        (
            "state_missing", 400, "Nothing to finish here",
            "This address is where a sign-in ends. Start one with the button.",
        ),
        ("sign_in_line_full", 503, *WAIT),
        ("wait_line_full", 503, *WAIT),
        ("store_line_full", 503, *WAIT),
        ("store_unavailable", 503, "This site is not available at the moment", LATER),
        ("session_too_large", 400, "Your account does not fit", f"C{CONTACT}"),
        ("unauthorized_client", 502, *NOT_ACCEPTED),
        ("invalid_client", 502, *NOT_ACCEPTED),
        ("any_other", 400, "This sign-in did not work", AGAIN),
        ("any_other", 502, "The sign-in service gave a wrong answer", AGAIN),
        ("any_other", 503, "The sign-in service cannot be reached", LATER),
        ("any_other", 500, "Something went wrong", AGAIN),
    ],
)  # fmt: skip
def test_the_title_and_the_advice_for_each_error(code: str, status: int, title: str, advice: str) -> None:
    reply = error_page(context_of(), GateError(code, "What happened.", status=status))
    assert reply.status == status
    assert f" {title} What happened. {advice} " in shown(reply)
    assert code in shown(reply)


@pytest.mark.parametrize(
    ("target", "link"), [("/asked?x=1", "/oauth2/start?rd=/asked%3Fx%3D1"), (None, "/oauth2/start?rd=/")]
)
def test_the_button_of_an_error_page_leads_to_the_requested_target(target: str | None, link: str) -> None:
    reply = error_page(context_of(), GateError("any_other", "What happened.", status=400), target)
    assert f'href="{link}"' in reply.body.decode()
    assert "Sign in again" in shown(reply)


@pytest.mark.parametrize(
    ("headers", "method", "is_page"),
    [(DOCUMENT, "GET", True), (FRAME, "GET", True), (DOCUMENT, "POST", True), (SCRIPT, "GET", False)],
)
@pytest.mark.parametrize("is_queue", [True, False])
def test_a_page_load_waits_for_a_queue_and_a_script_gets_a_problem(
    headers: dict[str, str], method: str, *, is_page: bool, is_queue: bool
) -> None:
    kind = QueueFull if is_queue else ProviderUnavailable
    error = kind("sign_in_line_full", "Many users.", detail="full", retry_after_seconds=2.1)
    context = context_of(headers, method)
    reply = answer_error(context, error, "/asked")
    assert reply.reason == Reason("sign_in_line_full", detail="full")
    assert reply.header("retry-after") == "3"
    waits = is_queue and headers is DOCUMENT and method == "GET"
    assert (reply.header("refresh") != "", "/start?rd=/asked" in reply.body.decode()) == (
        waits,
        is_page and not waits,
    )
    if not is_page:
        assert json.loads(reply.body) == {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "code": "sign_in_line_full",
            "detail": "Many users.",
            "request_id": context.request.request_id,
        }


def test_a_page_that_waits_has_the_advice_of_its_error_or_of_its_status() -> None:
    for code, title in (
        ("sign_in_line_full", "Please wait a moment"),
        ("provider_timeout", "The sign-in service cannot be reached"),
    ):
        error = ProviderUnavailable(code, "Away.", retry_after_seconds=3)
        assert f" {title} Away. " in shown(waiting_page(context_of(), error))


@pytest.mark.parametrize(("seconds", "value"), [(0.1, "1"), (1, "1"), (1.5, "2"), (30, "30")])
def test_when_to_try_again_is_in_whole_seconds(seconds: float, value: str) -> None:
    error = ProviderUnavailable("provider_timeout", "Away.", retry_after_seconds=seconds)
    assert retry_after(error) == (("Retry-After", value),)
    assert retry_after(GateError("any_other", "What happened.", status=503)) == ()


def test_the_log_has_the_detail_of_an_error_or_what_the_user_sees() -> None:
    assert reason_of(GateError("code", "Public.", detail="detail", status=400)) == Reason(
        "code", detail="detail"
    )
    assert reason_of(GateError("code", "Public.", status=400)) == Reason("code", detail="Public.")

"""Every page once, made by a function of one hostile (or harmless) text and one address."""

from collections.abc import Callable, Mapping

from oidc_gate import pages
from oidc_gate.pages import Page

Build = Callable[[str, str], Page]

STATIC = "/base/oauth2/static"
START = "/base/oauth2/start?rd=%2Freports%3Fmonth%3D5"


def _sign_in(text: str, url: str, refresh: int | None = None) -> Page:
    return pages.sign_in_page(
        static_url=STATIC,
        start_url=url,
        application_name=text,
        provider_name=text,
        notice=text,
        refresh_seconds=refresh,
    )


def _known(text: str, url: str) -> Page:
    return pages.sign_in_page(
        static_url=STATIC,
        start_url=START,
        application_name=text,
        identity_label=text,
        switch_url=url,
        refresh_seconds=0,
        notice=text,
    )


def _denied(text: str, url: str) -> Page:
    return pages.denied_page(
        static_url=STATIC,
        identity_label=text,
        switch_url=url,
        sign_out_url=url,
        request_id=text,
        reason=text,
        application_name=text,
    )


def _error(text: str, url: str) -> Page:
    return pages.error_page(
        static_url=STATIC,
        status=400,
        code=text,
        title=text,
        message=text,
        what_to_do=text,
        request_id=text,
        action_url=url,
        action_label=text,
        details=[(text, text)] * 20,
        causes=[text] * 20,
        application_name=text,
    )


def _sign_out(text: str, url: str) -> Page:
    return pages.sign_out_page(
        static_url=STATIC,
        action_url=url,
        form_token=text[:1000],
        back_url=url,
        at_provider_too=True,
        application_name=text,
    )


def _waiting(text: str, form: bool) -> Page:
    return pages.waiting_page(
        static_url=STATIC,
        title=text,
        message=text,
        code=text,
        request_id=text,
        wait_seconds=1.5,
        form=[(text[:1000], text[:1000])] if form else (),
        application_name=text,
    )


BUILDERS: Mapping[str, Build] = {
    "waiting": lambda text, url: _waiting(text, False),
    "waiting_form": lambda text, url: _waiting(text, True),
    "sign_in": _sign_in,
    "sign_in_by_itself": lambda text, url: _sign_in(text, url, 0),
    "known": _known,
    "posted": lambda text, url: pages.posted_page(static_url=STATIC, start_url=url, application_name=text),
    "leaving": lambda text, url: pages.leaving_page(static_url=STATIC, target=url, application_name=text),
    "continue": lambda text, url: pages.continue_page(static_url=STATIC, target=url, application_name=text),
    "lost": lambda text, url: pages.lost_page(static_url=STATIC, target=url, application_name=text),
    "denied": _denied,
    "error": _error,
    "loop": lambda text, url: pages.loop_page(
        static_url=STATIC, request_id=text, action_url=url, code=text, causes=[text], application_name=text
    ),
    "unavailable": lambda text, url: pages.unavailable_page(
        static_url=url, request_id=text, retry_after_seconds=30, application_name=text
    ),
    "sign_out": _sign_out,
    "signed_out": lambda text, url: pages.signed_out_page(
        static_url=STATIC, sign_in_url=url, provider_signed_out=False, application_name=text
    ),
}

# The same without an application's name, and with what is optional left out.
PLAIN: Mapping[str, Callable[[], Page]] = {
    "sign_in": lambda: pages.sign_in_page(static_url=STATIC, start_url=START),
    "sign_in_by_itself": lambda: pages.sign_in_page(static_url=STATIC, start_url=START, refresh_seconds=0),
    "known": lambda: pages.sign_in_page(static_url=STATIC, start_url=START, identity_label="ada"),
    "posted": lambda: pages.posted_page(static_url=STATIC, start_url=START),
    "leaving": lambda: pages.leaving_page(static_url=STATIC, target="/reports"),
    "continue": lambda: pages.continue_page(static_url=STATIC, target="/reports"),
    "lost": lambda: pages.lost_page(static_url=STATIC, target="/"),
    "denied": lambda: pages.denied_page(
        static_url=STATIC,
        identity_label="ada",
        switch_url=START,
        sign_out_url="/oauth2/sign_out",
        request_id="r1",
    ),
    "error": lambda: pages.error_page(
        static_url=STATIC, status=502, code="c", title="t", message="m", what_to_do="w", request_id="r1"
    ),
    "loop": lambda: pages.loop_page(static_url=STATIC, request_id="r1", action_url=START),
    "unavailable": lambda: pages.unavailable_page(static_url=STATIC, request_id="r1"),
    "waiting": lambda: pages.waiting_page(
        static_url=STATIC, title="t", message="m", code="c", request_id="r1", wait_seconds=1
    ),
    "waiting_form": lambda: pages.waiting_page(
        static_url=STATIC,
        title="t",
        message="m",
        code="c",
        request_id="r1",
        wait_seconds=1,
        form=[("code", "1")],
    ),
    "sign_out": lambda: pages.sign_out_page(
        static_url=STATIC, action_url="/oauth2/sign_out", form_token="t", back_url="/"
    ),
    "signed_out": lambda: pages.signed_out_page(
        static_url=STATIC, sign_in_url=START, provider_signed_out=True
    ),
}

"""Requests the page itself: as an anonymous browser, a script, and a WebSocket, and as an attacker would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from ...provider.responses import printable
from ..answers import Answer, right, unknown, wrong
from . import requests
from .exchanges import Browser, Response
from .pages import Kind, kind_of, nginx_status, problem_code

_FAILURES = {
    "name": "live_name",
    "refused": "live_unreachable",
    "timeout": "live_timeout",
    "tls": "live_tls",
    "broken": "live_broken",
    "limit": "live_broken",
}
_REFUSALS = (Kind.SIGN_IN, Kind.PROBLEM, Kind.REFUSED, Kind.PROVIDER, Kind.PROXY_ERROR, Kind.FAILED)


class Target(NamedTuple):
    """The page to check.

    Attributes:
        url: The page.
        prefix: The path of the gate's endpoints on that host, with the path of the application in front.
        cookie_name: The full name of the session cookie.
        is_public: Whether it is one of `public_paths`.
    """

    url: str
    prefix: str = "/oauth2"
    cookie_name: str = "__Host-oidc_gate"
    is_public: bool = False

    @property
    def origin(self) -> str:
        """Return scheme, host and port."""
        return "/".join(self.url.split("/", 3)[:3])

    @property
    def host(self) -> str:
        """Return the host, without port."""
        return urlsplit(self.url).hostname or ""

    def endpoint(self, name: str) -> str:
        """Return the URL of an endpoint of the gate."""
        return f"{self.origin}{self.prefix}/{name}"


def check_page(browser: Browser, target: Target) -> tuple[list[Answer], Response]:
    """Open the page as an anonymous browser.

    Returns:
        The answers, and the response.
    """
    question = "Does an anonymous browser get the sign-in page?"
    response = browser.send(target.url, requests.BROWSER, sent="as an anonymous browser")
    if response.failure:
        return [
            wrong(question, _FAILURES[response.failure], response, detail=printable(response.detail))
        ], response
    return [*_describe(question, target, response)], response


def _describe(question: str, target: Target, response: Response) -> Iterator[Answer]:
    cause = _cause(target, response)
    if cause:
        yield wrong(question, cause, response, status=str(response.status))
    elif kind_of(response, target.prefix) is Kind.REDIRECT:
        yield unknown(question, response, "a redirect on the same host")
    else:
        yield right(question, response)
    if response.status == 200 and kind_of(response, target.prefix) is Kind.SIGN_IN:
        yield wrong("Has the sign-in page the status 401?", "live_sign_in_200", response)
    if why := stored_by(response):
        yield wrong("Is the refusal kept out of caches?", "live_cached", response, why)


def _cause(target: Target, response: Response) -> str:
    """Return what is wrong with the answer to an anonymous browser; empty if nothing is."""
    match kind_of(response, target.prefix):
        case Kind.CONTENT:
            return "" if target.is_public else "live_open"
        case Kind.PROBLEM:
            return "live_json"
        case Kind.PROXY_ERROR | Kind.REFUSED | Kind.FAILED:
            shown = nginx_status(response) or response.status
            return _CAUSE_OF_STATUS.get(shown, "live_own_500" if shown >= 500 else "live_other")
        case Kind.OTHER:
            return "live_not_found" if response.status == 404 else "live_other"
        case _:
            return ""


_CAUSE_OF_STATUS = {
    401: "live_own_401",
    403: "live_own_403",
    404: "live_not_found",
    502: "live_gateway",
    503: "live_gateway",
    504: "live_gateway",
}


def stored_by(response: Response) -> str:
    """Return why a cache stores this refusal, or an empty string.

    Spec: RFC 9111 §3, §5.1; RFC 9211.
    """
    if response.status not in (401, 403):
        return ""
    for name in ("X-Cache", "Cf-Cache-Status", "X-Proxy-Cache", "X-Cache-Status"):
        if response.header(name).upper().startswith("HIT"):
            return f"{name} says HIT"
    if response.header("Age").strip() not in ("", "0"):
        return "it has an Age, so it comes from a cache"
    control = response.header("Cache-Control").lower()
    if "max-age=0" not in control and ("max-age=" in control or "public" in control):
        return f"Cache-Control allows it: {control[:60]}"
    return ""


def is_refused(response: Response, target: Target) -> bool:
    """Return whether an anonymous client did not get the page."""
    return kind_of(response, target.prefix) in _REFUSALS


def check_script(browser: Browser, target: Target) -> Answer:
    """Request the page as a script of the same origin."""
    question = "Does a script get a 401 that it can read?"
    response = browser.send(target.url, requests.SCRIPT, sent="as a script")
    match kind_of(response, target.prefix):
        case Kind.PROBLEM if response.status < 400:
            return wrong(question, "live_sign_in_200", response)
        case Kind.PROBLEM:
            return right(question, response, problem_code(response))
        case Kind.REFUSED:
            return unknown(question, response, "a refusal, but not the gate's JSON")
        case Kind.SIGN_IN | Kind.PROVIDER if response.location:
            return wrong(question, "live_script_redirected", response)
        case Kind.SIGN_IN:
            return wrong(question, "live_script_page", response)
        case Kind.CONTENT if not target.is_public:
            return wrong(question, "live_open_to_scripts", response)
        case _:
            return unknown(question, response)


def check_socket(browser: Browser, target: Target) -> Answer:
    """Send a WebSocket handshake without a session."""
    question = "Is an anonymous WebSocket refused?"
    response = browser.send(target.url, requests.handshake(target.origin), sent="as a WebSocket")
    if response.status == 101:
        return unknown(question, response) if target.is_public else wrong(question, "live_socket", response)
    if is_refused(response, target):
        return right(question, response)
    return unknown(question, response)


def check_forged(browser: Browser, target: Target, *, is_page_refused: bool) -> Answer:
    """Send identity headers, as an attacker does."""
    question = "Are identity headers of a client ignored?"
    response = browser.send(target.url, requests.forged(), sent="with forged identity headers")
    if requests.FORGED_NAME in response.text:
        return wrong(question, "live_forged", response, "the page shows the forged name")
    if is_page_refused and kind_of(response, target.prefix) is Kind.CONTENT:
        return wrong(question, "live_forged", response, "the page is shown, and was refused without them")
    if is_page_refused and is_refused(response, target):
        return unknown(
            question, response, "refused as before; what a signed-in user could forge cannot be seen"
        )
    return unknown(question, response)


def check_junk_cookie(browser: Browser, target: Target, *, is_page_refused: bool) -> Answer:
    """Send a session cookie that no gate has sealed."""
    question = "Is a made-up session cookie refused?"
    headers = requests.with_cookie(target.cookie_name)
    response = browser.send(target.url, headers, sent=f"with a made-up {target.cookie_name}")
    if is_page_refused and kind_of(response, target.prefix) is Kind.CONTENT:
        return wrong(question, "live_junk_cookie", response)
    if response.status >= 500:
        return wrong(question, "live_junk_cookie_fails", response, status=str(response.status))
    if is_page_refused and is_refused(response, target):
        return right(question, response)
    return unknown(question, response)


def check_post(browser: Browser, target: Target) -> Answer:
    """Send an empty POST without a session. It is sent only if a GET was refused before."""
    question = "Is an anonymous POST refused?"
    headers = dict(requests.SCRIPT) | {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": target.origin,
    }
    response = browser.send(target.url, headers, method="POST", sent="empty, as a script")
    if is_refused(response, target):
        return right(question, response)
    if response.status == 405 or response.failure:
        return unknown(question, response)
    return wrong(question, "live_post", response, status=str(response.status))

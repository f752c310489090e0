"""Checks the gate's endpoints behind the proxy, and the redirects of a sign-in as far as the provider's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ...provider.discovery import Metadata
from ...provider.responses import printable
from ...syntax.forms import read_form
from ..answers import Answer, right, unknown, wrong
from . import requests
from .exchanges import Browser, Response
from .page import Target
from .pages import Kind, json_of, kind_of, nginx_status, problem_code

MAX_REDIRECTS = 10


class Expected(NamedTuple):
    """The redirect to the provider, as the settings determine it.

    Attributes:
        client_id: Empty if there are no settings to compare with.
        redirect_uri: Empty if it follows from the request.
        metadata: None if discovery was not asked or failed.
        flow_prefix: The beginning of the names of flow cookies.
    """

    client_id: str = ""
    redirect_uri: str = ""
    metadata: Metadata | None = None
    flow_prefix: str = "__Host-oidc_gate"


def check_ping(browser: Browser, target: Target) -> Answer:
    """Request ``/oauth2/ping`` through the proxy."""
    question = "Do the gate's own paths lead to the gate?"
    response = browser.send(target.endpoint("ping"), requests.SCRIPT)
    if response.status == 200 and response.text.strip() == "OK":
        return right(question, response)
    status = nginx_status(response) or response.status
    if status in (502, 503, 504):
        return wrong(question, "live_gate_down", response, status=str(status))
    if response.failure:
        return unknown(question, response)
    return wrong(question, "live_not_proxied", response)


def check_redirects(browser: Browser, target: Target, expected: Expected) -> list[Answer]:
    """Follow the sign-in as a browser without a session, as far as the page of the provider."""
    question = "Does the sign-in lead to the provider?"
    path = urlsplit(target.url).path or "/"
    url = f"{target.endpoint('start')}?rd={quote(path, safe='/')}"
    visited: list[str] = []
    while True:
        is_own = urlsplit(url).netloc == urlsplit(target.url).netloc
        shown = f"redirect {len(visited)}" if visited else ""
        response = browser.send(url, requests.BROWSER, sent=shown, direct=not is_own)
        visited.append(url)
        following = response.target
        if not following or _is_authorization_request(following):
            break
        if following in visited or len(visited) >= MAX_REDIRECTS:
            return [wrong(question, "live_loop", response, url=printable(following.partition("?")[0], 150))]
        if not following.startswith(("https://", "http://")):
            break
        url = following
    if not _is_authorization_request(following):
        return [_explain_no_redirect(question, target, response)]
    answers = [right(question, response)]
    answers += _compare(browser, target, expected, following, response)
    answers += _cookies(target, expected, response)
    answers.append(_provider_page(browser, following, target))
    return answers


def _is_authorization_request(url: str) -> bool:
    names = {name for name, _ in _pairs(url)}
    return "client_id" in names and bool(names & {"redirect_uri", "request_uri", "request"})


def _pairs(url: str) -> list[tuple[str, str]]:
    try:
        return read_form(urlsplit(url).query)
    except ValueError:
        return []


def _explain_no_redirect(question: str, target: Target, response: Response) -> Answer:
    code = problem_code(response) or _code_on_page(response)
    if response.failure:
        return unknown(question, response)
    status = nginx_status(response) or response.status
    if status == 404 or (
        kind_of(response, target.prefix) in (Kind.CONTENT, Kind.PROXY_ERROR) and status < 500
    ):
        return wrong(question, "live_not_proxied", response)
    if status in (502, 503, 504) and not code:
        return wrong(question, "live_gate_down", response, status=str(status))
    return wrong(question, "live_start", response, code and f"the gate says {code}", code=code or "no code")


def _code_on_page(response: Response) -> str:
    found = re.search(r"Error code\b.{0,120}?>([a-z][a-z_]{3,50})<", response.text, re.DOTALL)
    return found[1] if found else ""


def _own_redirect_uri(browser: Browser, target: Target) -> str:
    """Return the redirect URI that follows from the address of the gate, as the gate itself sees it.

    It is read from the gate's answer to a script, because a pushed or signed request does not show it.
    """
    document = json_of(browser.send(target.endpoint("sign_in"), requests.SCRIPT, sent="as a script"))
    start = document.get("sign_in")
    base, found, _ = start.partition("/start?") if isinstance(start, str) else ("", "", "")
    return f"{base}/callback" if found else ""


def _compare(
    browser: Browser, target: Target, expected: Expected, url: str, response: Response
) -> Iterator[Answer]:
    params = dict(_pairs(url))
    question = "Is the redirect URI that of this site?"
    redirect_uri = params.get("redirect_uri") or _own_redirect_uri(browser, target)
    if not redirect_uri:
        yield unknown(question, response, "the request was pushed, so that it does not show the redirect URI")
    else:
        yield _redirect_uri(question, target, expected, redirect_uri, response)
    client_id = params["client_id"]
    question = "Is it the gate of these settings that answers?"
    if not expected.client_id:
        return
    others = []
    if client_id != expected.client_id:
        others.append(f"client_id is {printable(client_id, 80)!r}, in the settings {expected.client_id!r}")
    endpoint = url.partition("?")[0]
    if expected.metadata and endpoint != expected.metadata.authorization_endpoint.partition("?")[0]:
        others.append(f"it leads to {printable(endpoint, 120)}")
    if others:
        yield wrong(question, "live_other_gate", response, "; ".join(others))
    else:
        yield right(question, response)


def _redirect_uri(
    question: str, target: Target, expected: Expected, redirect_uri: str, response: Response
) -> Answer:
    received = f"redirect_uri is {printable(redirect_uri, 150)}"
    if redirect_uri == expected.redirect_uri:
        return right(question, response, received)
    own = urlsplit(target.url)
    facts = {"redirect_uri": printable(redirect_uri, 150), "origin": target.origin}
    try:
        there = urlsplit(redirect_uri)
    except ValueError:
        return wrong(question, "live_redirect_host", response, received, **facts)
    if there.hostname == own.hostname and there.scheme != own.scheme:
        return wrong(question, "live_redirect_scheme", response, received, **facts)
    if there.netloc.lower() != own.netloc.lower():
        return wrong(question, "live_redirect_host", response, received, **facts)
    if expected.redirect_uri and there.path != urlsplit(expected.redirect_uri).path:
        return wrong(
            question,
            "live_redirect_path",
            response,
            f"{received}; settings: {expected.redirect_uri}",
            **facts,
        )
    return right(question, response, received)


def _cookies(target: Target, expected: Expected, response: Response) -> Iterator[Answer]:
    question = "Does the cookie of the sign-in come back to this site?"
    ours = [cookie for cookie in response.cookies if cookie.name.startswith(expected.flow_prefix)]
    if not ours:
        others = [cookie.name for cookie in response.cookies if cookie.value]
        shown = f"only {', '.join(printable(name, 60) for name in others[:5])}" if others else "none is set"
        yield wrong(question, "live_no_cookie", response, shown, name=expected.flow_prefix)
        return
    cookie, parts = ours[0], urlsplit(response.url)
    is_loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    why = ""
    if cookie.secure and parts.scheme != "https" and not is_loopback:
        why = "it is Secure, and this site is http"
    elif cookie.domain and parts.hostname != cookie.domain and not target.host.endswith(f".{cookie.domain}"):
        why = f"its Domain is {printable(cookie.domain, 80)}, which does not cover {target.host}"
    elif cookie.name.startswith("__Host-") and (cookie.domain or cookie.path != "/" or not cookie.secure):
        why = "its name begins with __Host-, and a proxy has changed Domain, Path or Secure"
    elif not f"{target.prefix}/".startswith(f"{cookie.path.rstrip('/')}/"):
        why = f"its Path is {printable(cookie.path, 80)}"
    if why:
        yield wrong(question, "live_cookie", response, why, why=why)
    else:
        yield right(question, response, f"{cookie.name} is set")


def _provider_page(browser: Browser, url: str, target: Target) -> Answer:
    """Request the page of the provider once, without following redirects."""
    question = "Does the provider show its sign-in page?"
    is_same = urlsplit(url).netloc == urlsplit(target.url).netloc
    response = browser.send(url, requests.BROWSER, sent="authorization request", direct=not is_same)
    if response.failure:
        return unknown(question, response)
    names = dict(_pairs(response.location))
    if response.status >= 400 or "error" in names:
        received = f"error {printable(names['error'], 60)}" if "error" in names else ""
        return wrong(question, "live_provider_refuses", response, received)
    return right(question, response)

"""Logging out of Django, which must lead to the sign-out of the gate, and must not become a sign-out by any site."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import FileResponse, HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from werkzeug.test import Client
from werkzeug.test import TestResponse as Response

import oidc_gate
from oidc_gate.testing import session_cookie, settings_for_tests

SETTINGS = settings_for_tests(public_paths=["/open/*"], prefix="/gate")
SIGN_OUT = "/gate/sign_out"
NAVIGATION = {
    "Accept": "text/html",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
}
FETCH = {
    "Accept": "*/*",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
}

CSRF_TOKEN = "a" * 32  # what Django's cookie and form contain

urlpatterns: list[Any] = []
opened: list[BytesIO] = []


@pytest.fixture(scope="module", autouse=True)
def views(project: None) -> Iterator[None]:
    from django.contrib.auth import alogout, get_user_model, login, logout
    from django.contrib.auth.views import LogoutView
    from django.urls import path

    def programmatic(request: HttpRequest) -> HttpResponse:
        logout(request)
        response = HttpResponse("own page", status=int(request.GET.get("status", 200)))
        response.set_cookie("theme", "dark")
        return response

    async def aprogrammatic(request: HttpRequest) -> HttpResponse:
        await alogout(request)
        return HttpResponse("own page")

    def wrapped(request: HttpRequest) -> HttpResponse:
        class OfAnotherFramework:
            _request = request
            session, user = request.session, request.user

        logout(OfAnotherFramework())
        return HttpResponse("own page")

    def switch(request: HttpRequest) -> HttpResponse:
        logout(request)
        other, _ = get_user_model()._default_manager.get_or_create(username="other")
        login(request, other, backend="oidc_gate.ext.django.OIDCGateBackend")
        return HttpResponse("own page")

    def open_file(request: HttpRequest) -> FileResponse:
        logout(request)
        opened.append(BytesIO(b"a report"))
        return FileResponse(opened[-1])

    urlpatterns[:] = [
        path("open_file", open_file),
        path("logout", LogoutView.as_view(next_page="/goodbye")),
        path("programmatic", programmatic),
        path("aprogrammatic", aprogrammatic),
        path("open/programmatic", programmatic),
        path("wrapped", wrapped),
        path("switch", switch),
        path("plain", lambda request: HttpResponse("own page")),
    ]
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture(scope="module")
def app(views: None) -> Any:
    from django.core.wsgi import get_wsgi_application

    return oidc_gate.OIDCGate(get_wsgi_application(), SETTINGS)


@pytest.fixture(scope="module")
def asgi_app(views: None) -> Any:
    from django.core.asgi import get_asgi_application

    return oidc_gate.OIDCGate(get_asgi_application(), SETTINGS)


class Browser:
    """A client with a session cookie, which the gate can end."""

    def __init__(self, app: Any) -> None:
        self.client = Client(app, use_cookies=False)
        self.cookie = session_cookie(app, email="alice@example.com") + f"; csrftoken={CSRF_TOKEN}"

    def open(
        self, path: str, method: str = "GET", headers: dict[str, str] = NAVIGATION, **more: Any
    ) -> Response:
        sent = headers | {"Cookie": self.cookie, "X-CSRFToken": CSRF_TOKEN}
        return self.client.open(path, method=method, headers=sent, **more)

    def is_signed_in(self) -> bool:
        return self.open("/plain", headers=FETCH).status_code == 200


@pytest.mark.parametrize("path", ["/logout", "/programmatic", "/aprogrammatic", "/wrapped"])
def test_a_logout_form_ends_the_session_of_the_gate(app: Any, path: str) -> None:
    browser = Browser(app)
    answer = browser.open(path, "POST")
    assert (answer.status_code, answer.headers["Location"]) == (303, SIGN_OUT)
    assert answer.headers["Cache-Control"] == "no-store"
    assert browser.is_signed_in(), "the redirect is what ends it"
    onward = browser.open(answer.headers["Location"])
    assert onward.headers["Refresh"].startswith("0; url=/gate/signed_out?state=")
    assert not browser.is_signed_in()


def test_a_logout_link_ends_it_too(app: Any) -> None:
    browser = Browser(app)
    answer = browser.open("/programmatic")
    assert (answer.status_code, answer.headers["Location"]) == (303, SIGN_OUT)
    assert "theme=dark" in answer.headers["Set-Cookie"], "cookies of the view are kept"


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_sign_out_csrf_through_a_logout_view_asks_the_user(app: Any, site: str) -> None:
    """A view that logs out on GET can be opened by any site; `Sec-Fetch-Site` covers the whole chain of redirects."""
    browser = Browser(app)
    headers = {name: value for name, value in NAVIGATION.items() if name != "Sec-Fetch-Site"}
    headers |= {"Sec-Fetch-Site": site} if site else {}
    target = browser.open("/programmatic", headers=headers).headers["Location"]
    asked = browser.open(target, headers=headers)
    assert (asked.status_code, "Sign out?" in asked.text, "Set-Cookie" in asked.headers) == (200, True, False)
    assert browser.is_signed_in()


def test_a_script_gets_the_answer_of_the_view(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    browser = Browser(app)
    caplog.set_level(logging.INFO, "oidc_gate.django")
    answer = browser.open("/programmatic", "POST", FETCH)
    assert (answer.status_code, answer.text) == (200, "own page")
    assert f"until its page opens {SIGN_OUT}" in caplog.text
    json = {"Accept": "application/json", "Content-Type": "application/json"}
    assert browser.open("/programmatic", "POST", json).text == "own page"
    assert browser.open("/logout", "POST", json).headers["Location"] == "/goodbye"


def test_htmx_opens_the_sign_out(app: Any) -> None:
    answer = Browser(app).open("/logout", "POST", FETCH | {"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.text) == (200, SIGN_OUT, "")


@pytest.mark.parametrize(
    "path", ["/plain", "/switch", "/programmatic?status=403", "/programmatic?status=500"]
)
def test_other_answers_stay_as_they_are(app: Any, path: str) -> None:
    assert Browser(app).open(path, "POST").text == "own page"


@pytest.mark.parametrize(
    ("status", "becomes"),
    [(200, 303), (302, 303), (399, 303), (400, 400), (401, 401), (403, 403), (500, 500)],
)
def test_an_error_of_the_view_stays_an_error(app: Any, status: int, becomes: int) -> None:
    answer = Browser(app).open(f"/programmatic?status={status}")
    assert (answer.status_code, answer.text) == (becomes, "" if becomes == 303 else "own page")
    assert answer.headers.get("Location") == (SIGN_OUT if becomes == 303 else None)


def test_without_a_session_of_the_gate_django_answers_by_itself(app: Any) -> None:
    answer = Client(app).post("/open/programmatic", headers=NAVIGATION)
    assert (answer.status_code, answer.text) == (200, "own page")


def test_what_happened_before_the_middleware_does_not_count(project: None) -> None:
    from django.contrib.auth import logout

    from oidc_gate.ext.django import OIDCGateMiddleware

    def own_page(request: HttpRequest) -> HttpResponse:
        return HttpResponse("own page")

    def logs_out(request: HttpRequest) -> HttpResponse:
        request.session = SessionStore()
        logout(request)
        return own_page(request)

    for view, status in ((own_page, 200), (logs_out, 303)):
        request = RequestFactory().get("/", headers=NAVIGATION)
        request.META["oidc_gate.prefix"] = "/gate"
        setattr(request, "_oidc_gate_has_logged_out", True)  # noqa: B010
        assert OIDCGateMiddleware(view)(request).status_code == status


def test_what_the_view_opened_is_closed(app: Any) -> None:
    answer = Browser(app).open("/open_file")
    assert answer.status_code == 303
    answer.close()
    assert opened[-1].closed


def test_below_a_mount_the_address_begins_with_it(app: Any) -> None:
    browser = Browser(app)
    for mount in ("/base", "/a/b", "/X", "/Xa/aX"):
        answer = browser.open("/programmatic", environ_overrides={"SCRIPT_NAME": mount})
        assert answer.headers["Location"] == f"{mount}{SIGN_OUT}"
    for odd in ("//evil.example", "/\\evil.example", "//evil.example/"):
        answer = browser.open("/programmatic", environ_overrides={"SCRIPT_NAME": odd})
        assert not answer.headers.get("Location", "/gate").startswith(("//", "/\\", "http")), odd


@pytest.mark.parametrize("path", ["/logout", "/programmatic", "/aprogrammatic"])
def test_over_asgi(asgi_app: Any, path: str) -> None:
    cookies = session_cookie(asgi_app, email="alice@example.com") + f"; csrftoken={CSRF_TOKEN}"
    more = {"Cookie": cookies, "X-CSRFToken": CSRF_TOKEN}

    async def send(headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(asgi_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, headers=headers | more)

    assert asyncio.run(send(NAVIGATION)).headers["Location"] == SIGN_OUT
    assert "Location" not in asyncio.run(send(FETCH)).headers or path == "/logout"

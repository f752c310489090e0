"""Requests without a session take two shorter ways, and the answers are those of the long one."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from oidc_gate.gate import Gate
from oidc_gate.model import Decision
from oidc_gate.testing import settings_for_tests
from oidc_gate.wsgi import OIDCGate as WSGIGate
from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site

WAYS = ("decide", "decide_at_once")
pytestmark = pytest.mark.usefixtures("log_at_info")


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ways through the gate that were taken."""
    found: list[str] = []

    def watched(name: str) -> Any:
        real = getattr(Gate, name)

        def call(gate: Gate[Any], request: Any) -> Any:
            answer = real(gate, request)
            if answer is not None:
                found.append(name)
            return answer

        return call

    for name in WAYS:
        monkeypatch.setattr(Gate, name, watched(name))
    return found


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(public_paths=("/open/*", "GET /health"), identity_headers=True)


@pytest.mark.parametrize(
    ("path", "headers", "way"),
    [
        ("/open/x", FETCH, []),
        ("/open/x", {"X-Forwarded-User": "eve", "X_Forwarded_Email": "eve@evil.com"}, []),
        ("/open/x", {"Cookie": "theme=dark"}, []),
        ("/health", {}, []),
        ("/open/x", NAVIGATION, []),
        ("/open/x", {"Accept": "text/html"}, []),
        ("/open/a%20b", FETCH, ["decide_at_once"]),
        ("/open/x", {"Cookie": f"{COOKIE}=junk"}, ["decide"]),
        ("/secret", FETCH, ["decide_at_once"]),
        ("/secret", NAVIGATION, ["decide_at_once"]),
        ("/open", FETCH, ["decide_at_once"]),
        ("/open/../secret", FETCH, ["decide_at_once"]),
    ],
)
def test_which_way_a_request_takes(
    site: Site, path: str, headers: dict[str, str], way: list[str], used: list[str]
) -> None:
    site.visitor().get(path, headers)
    expected = ["decide_at_once"] if not way and site.shell.mount else way
    assert used == expected


@pytest.mark.parametrize("path", ["/open/x", "/health"])
def test_the_application_sees_the_same_on_each_way(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"X-Forwarded-User": "eve", "Cookie": "theme=dark"}
    short = seen(site, path, headers)
    monkeypatch.setattr(Gate, "is_plainly_public", lambda *args: False)
    at_once = seen(site, path, headers)
    no_decision: Decision | None = None
    monkeypatch.setattr(Gate, "decide_at_once", lambda *args: no_decision)
    assert short == at_once == seen(site, path, headers)
    assert "eve" not in repr(short)


@pytest.mark.parametrize(
    "headers", [NAVIGATION, {"Accept": "text/html"}, FETCH, {"Accept": "text/html", "HX-Request": "true"}]
)
def test_its_own_401_is_replaced_for_a_page_alone(
    site: Site, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only then is the request decided, and the answer is that of the long way."""
    site.app.status, site.app.body = "401 Unauthorized", b"its own words"
    short = site.visitor().get("/open/x?y=1", headers)
    monkeypatch.setattr(Gate, "is_plainly_public", lambda *args: False)
    long = site.visitor().get("/open/x?y=1", headers)
    assert (short.status, short.headers, short.body) == (long.status, long.headers, long.body)
    assert (b"its own words" in short.body) == (headers is FETCH or "HX-Request" in headers)


def test_the_page_is_for_the_path_that_was_asked_for_although_the_application_moves_it() -> None:
    """Werkzeug's `DispatcherMiddleware` moves a part of the path into SCRIPT_NAME."""
    settings = settings_for_tests(public_paths=("/open/*",))

    def moves(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/open", "/x"
        return stays(environ, start_response)

    def stays(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("401 Unauthorized", [])
        return []

    pages = []
    for app in (moves, stays):
        environ = EnvironBuilder("/open/x?y=1", headers=[("Accept", "text/html")]).get_environ()
        body, status, _ = run_wsgi_app(WSGIGate(app, settings), environ)
        pages.append((status, b"".join(body)))
    assert pages[0] == pages[1]
    assert b"/open/x" in pages[0][1]


def seen(site: Site, path: str, headers: dict[str, str]) -> dict[str, str]:
    """Return what the application was given, as text, without what differs from request to request."""
    site.app.seen.clear()
    assert site.visitor().get(path, headers).status == 200
    (given,) = site.app.seen
    left_out = ("wsgi.input", "wsgi.errors", "user", "auth", "headers", "oidc_gate.request_id")
    shown = {name: repr(value) for name, value in given.items() if name not in left_out}
    if "user" in given:
        shown["user"] = repr(given["user"].is_authenticated)
        shown["headers"] = repr(sorted(given["headers"]))
    return shown


def test_a_host_that_is_none_is_refused_on_a_public_path_too(make_site: MakeSite) -> None:
    site = make_site(public_paths=("/open/*",), public_url=None)
    assert site.visitor().get("/open/x", {"Host": "a b"}).status == 400
    assert site.app.seen == []

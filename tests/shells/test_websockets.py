"""A WebSocket is gated as any request is: asked for before it is open, and its page has to be ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shells import driving
from tests.shells.driving import Answer, Upload
from tests.shells.site import HOST, ORIGIN, Shell, Site, Visitor


@pytest.fixture
def site(ashell: Shell) -> Site:
    return Site(ashell, public_paths=("/open/*",), allowed_origins=("https://partner.example",))


def connect(visitor: Visitor, path: str, *, denial: bool = True, **headers: str) -> Answer:
    site = visitor.site
    pairs = [("Host", HOST), *headers.items()]
    if visitor.cookies:
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())))
    extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
    scope = driving.scope_of(
        "GET", site.own(path), pairs, site.shell.mount, kind="websocket", extensions=extensions
    )
    answer: Answer = driving.run(site.shell.kind, driving.asend, site.gate, scope, Upload())
    return answer


def test_nobody_is_denied_with_a_response_where_the_server_can_send_one(site: Site) -> None:
    answer = connect(site.visitor(), "/socket")
    assert (answer.kind, answer.status) == ("denied", 401)
    assert answer.is_problem
    assert answer.all("www-authenticate") == ["Bearer"]
    assert answer.header("cache-control") == "no-store"
    assert site.app.seen == []


def test_nobody_is_closed_out_where_it_cannot(site: Site) -> None:
    answer = connect(site.visitor(), "/socket", denial=False)
    assert (answer.kind, answer.status) == ("closed", 1008)
    assert site.app.seen == []


@pytest.mark.parametrize("origin", [ORIGIN, ORIGIN.upper(), "https://partner.example", None])
def test_somebody_signed_in_is_let_through(site: Site, origin: str | None) -> None:
    headers: dict[str, Any] = {"Origin": origin} if origin else {}
    for _ in range(2):  # the second time by the cache
        assert connect(site.person(), "/socket", **headers).kind == "accepted"
    assert site.app.identity is not None
    assert site.app.identity.subject == "alice"
    assert site.app.last["user"].is_authenticated
    assert site.app.header("cookie") == []


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", f"http://{HOST}", f"{ORIGIN}.evil.example", f"{ORIGIN}:8443"],
)
@pytest.mark.parametrize("path", ["/socket", "/open/socket"])
def test_a_page_of_another_site_may_not_open_it_for_them(site: Site, origin: str, path: str) -> None:
    visitor = site.person()
    for _ in range(2):
        answer = connect(visitor, path, Origin=origin)
        assert (answer.kind, answer.status) == ("denied", 403)
        assert answer.json["code"] == "origin_not_allowed"
    assert connect(visitor, path, denial=False, Origin=origin).status == 1008
    assert site.app.seen == []


def test_somebody_refused_gets_403(ashell: Shell) -> None:
    site = Site(ashell, allowed_groups=("staff",))
    answer = connect(site.person(), "/socket")
    assert (answer.kind, answer.status, answer.json["code"]) == ("denied", 403, "access_denied")
    assert site.app.seen == []


def test_a_public_path_is_open_to_anybody(site: Site) -> None:
    assert connect(site.visitor(), "/open/socket").kind == "accepted"
    assert site.app.identity is None
    assert not site.app.last["user"].is_authenticated


def test_a_session_ends_for_new_ones_too_and_is_not_renewed_by_them(site: Site) -> None:
    visitor = site.person()
    site.now += site.settings.session_idle_seconds / 2
    assert connect(visitor, "/socket").kind == "accepted"
    site.now += site.settings.session_idle_seconds / 2 + 1
    assert connect(visitor, "/socket").status == 401


def test_an_origin_is_held_against_websockets_alone(site: Site) -> None:
    """A fetch from elsewhere is the browser's to judge (CORS), and the application's."""
    visitor = site.person()
    site.now += 400  # due for renewal, so that the whole decision is made
    assert visitor.get("/", {"Origin": "https://elsewhere.example"}).status == 200

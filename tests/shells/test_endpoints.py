"""The endpoints that only tell: who, alive, ready, unavailable, static; and what is none."""

from __future__ import annotations

import os
import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.asgi import AuthBackend
from oidc_gate.effects import Fetched
from oidc_gate.endpoints.table import ENDPOINTS
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.testing.store_contract import wait_until
from tests.core.provider.scripted import answer as answered
from tests.shells import driving
from tests.shells.driving import Answer
from tests.shells.site import FETCH, NAVIGATION, ORIGIN, Shell, Site

ALL = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
LIMITED = sorted(
    name for name, endpoint in ENDPOINTS.items() if endpoint.methods and name != "metrics"
)  # see test_metrics


def test_userinfo_says_who_it_is(site: Site) -> None:
    answer = site.person("alice", groups=("staff",), claims={"tier": 3}).ask("userinfo")
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"
    told = answer.json
    assert (told["sub"], told["email"], told["groups"]) == ("alice", "alice@corp.example", ["staff"])
    assert (told["iss"], told["claims"], told["email_verified"]) == (site.settings.issuer, {"tier": 3}, True)


@pytest.mark.parametrize("headers", [NAVIGATION, FETCH, {}])
def test_userinfo_to_nobody_is_a_problem(site: Site, headers: dict[str, str]) -> None:
    answer = site.visitor().ask("userinfo", headers)
    assert (answer.status, answer.all("www-authenticate")) == (401, ["Bearer"])
    assert answer.is_problem
    assert answer.json["sign_in"] == ORIGIN + site.path("start")


def test_ping_is_alive(site: Site) -> None:
    answer = site.visitor().ask("ping")
    assert (answer.status, answer.body, answer.header("cache-control")) == (200, b"OK\n", "no-store")
    assert site.visitor().ask("ping", method="HEAD").body == b""
    assert site.provider.fetches == []


def ready_when(site: Site, condition: Callable[[Answer], bool]) -> Answer:
    """Ask until the answer is as expected; discovery goes on in the background."""
    deadline = time.monotonic() + 20
    while not condition(answer := site.visitor().ask("ready")):
        assert time.monotonic() < deadline, answer.json
        time.sleep(0.005)
    return answer


def test_ready_is_503_until_discovery_has_succeeded_and_200_while_it_is_served_stale(site: Site) -> None:
    site.provider.instead["openid-configuration"] = ProviderUnavailable("provider_timeout", "away")
    answer = ready_when(site, lambda answer: answer.json["discovery"]["status"] != "pending")
    assert answer.status == 503
    assert answer.json["discovery"]["status"] == "failed"
    assert "provider_timeout" in answer.json["discovery"]["error"]
    site.provider.instead.clear()
    site.now += 3600
    answer = ready_when(site, lambda answer: answer.status == 200)
    assert (answer.status, answer.json["status"]) == (200, "ready")
    assert answer.json["discovery"]["succeeded_at"] == int(site.now)
    site.provider.instead["openid-configuration"] = ProviderUnavailable("provider_timeout", "away")
    site.now += 30 * 24 * 3600
    assert site.visitor().ask("ready").status == 200


def test_ready_does_not_wait_for_a_provider_that_does_not_answer_and_asks_it_once(site: Site) -> None:
    answers = threading.Event()

    def hangs() -> Fetched:
        assert answers.wait(20)
        return answered({}, 500)

    site.provider.instead["openid-configuration"] = hangs
    for _ in range(5):
        answer = site.visitor().ask("ready")
        assert (answer.status, answer.json["discovery"]["status"]) == (503, "pending")
    answers.set()
    ready_when(site, lambda answer: answer.json["discovery"]["status"] == "failed")
    assert site.provider.fetches == ["openid-configuration"]


def test_discovery_starts_in_the_background_with_the_first_request(site: Site) -> None:
    site.gate._runtime.warmed_up_pid = 0
    for _ in range(3):
        assert site.visitor().ask("ping").status == 200
    wait_for_discovery(site)
    assert site.visitor().ask("ping").status == 200
    assert len(site.provider.fetches) == 2


def test_discovery_starts_again_in_a_forked_process(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.gate._runtime.warmed_up_pid = 0
    assert site.visitor().ask("ping").status == 200
    wait_for_discovery(site)
    assert wait_until(lambda: site.gate._runtime.gate.components.provider._keys.held is not None, 60)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    site.now += 3600  # the keys would count from here if the answer were still on its way
    assert site.visitor().ask("ping").status == 200
    wait_for_discovery(site, times=2)


def wait_for_discovery(site: Site, times: int = 1) -> None:
    expected = ["openid-configuration", "jwks"] * times
    assert wait_until(lambda: site.provider.fetches == expected, 60), site.provider.fetches


async def starting() -> dict[str, Any]:
    return {"type": "lifespan.startup"}


class Started(Exception):
    """The lifespan is over for this test."""


async def raises_started(*_: Any) -> None:
    raise Started


@pytest.mark.parametrize("is_backend", [False, True])
def test_discovery_starts_when_an_asgi_server_starts(ashell: Shell, is_backend: bool) -> None:
    site = Site(ashell, raises_started, public_url=ORIGIN)
    site.gate._runtime.warmed_up_pid = 0
    gate: Any = AuthBackend(site.settings, world=site.world) if is_backend else site.gate
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    with pytest.raises(Started):
        driving.run(ashell.kind, gate, scope, starting, raises_started)
    wait_for_discovery(site)


def test_unavailable_is_a_page(site: Site) -> None:
    answer = site.visitor().ask("unavailable", NAVIGATION)
    assert (answer.status, answer.is_page) == (503, True)
    assert answer.header("retry-after").isdigit()
    assert answer.header("cache-control") == "no-store"


def test_pages_load_nothing_but_static_files_that_are_there(site: Site) -> None:
    page = site.visitor().get("/", NAVIGATION)
    links = re.findall(r'(?:src|href)="([^"]*/static/[^"]+)"', page.text)
    assert links
    for link in links:
        file = site.visitor().open("GET", link)
        assert file.status == 200
        assert "immutable" in file.header("cache-control")
        assert file.header("content-security-policy") == "default-src 'none'"
        assert file.header("cross-origin-resource-policy") == "same-origin"
        again = site.visitor().open("GET", link, {"If-None-Match": file.header("etag")})
        assert (again.status, again.body) == (304, b"")
    for name in ("nothing.css", "..%2fpages.py", ".", "%2e%2e"):
        assert site.visitor().ask(f"static/{name}").status == 404


@pytest.mark.parametrize("name", LIMITED)
def test_another_method_is_405_and_does_nothing(site: Site, name: str) -> None:
    allowed = ENDPOINTS[name].methods
    visitor = site.person()
    for method in set(ALL) - set(allowed):
        answer = visitor.ask(name, NAVIGATION, method)
        assert answer.status == 405
        assert answer.header("allow") == ", ".join(allowed)
        assert answer.all("set-cookie") == []
    assert visitor.get("/").status == 200


@pytest.mark.parametrize("name", ["nothing", "AUTH", "auth/", "auth/x", "base", "", "../auth", "sign_in%00"])
def test_an_unknown_endpoint_is_404(site: Site, name: str) -> None:
    for method in ("GET", "POST"):
        answer = site.visitor().ask(name, NAVIGATION, method)
        assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_metrics_are_off(site: Site) -> None:
    assert site.visitor().ask("metrics").status == 404


@pytest.mark.parametrize(
    ("name", "method", "status"),
    [("signed_out", "GET", 200), ("start", "GET", 302), ("sign_out", "POST", 200), ("callback", "GET", 400)],
)
def test_a_query_or_a_form_of_many_fields_is_not_read(
    site: Site, name: str, method: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    unquote = urllib.parse.unquote

    def noted(text: str, *more: str) -> str:
        decoded.append(text)
        return unquote(text, *more)

    monkeypatch.setattr(urllib.parse, "unquote", noted)
    fields = "&".join(f"field{number}=x" for number in range(1000))
    headers = NAVIGATION | {"Content-Type": "application/x-www-form-urlencoded"}
    if method == "POST":
        answer = site.visitor().open(method, site.path(name), headers, fields.encode())
    else:
        answer = site.visitor().navigate(f"{site.path(name)}?{fields}")
    assert answer.status == status
    assert not [text for text in decoded if text.startswith("field")]

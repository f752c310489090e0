"""``/oauth2/metrics``: for the bearer of the token alone, and what it counts."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from oidc_gate import wsgi
from oidc_gate.endpoints import metrics
from oidc_gate.errors import ConfigurationError
from oidc_gate.model import Headers
from oidc_gate.settings.checks import observing
from oidc_gate.testing import settings_for_tests
from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site, Visitor
from tests.shells.stores import sqlite_url

TOKEN = "J8pRaT5iVnKcbq2oC4vYkq0t"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def counting(make_site: MakeSite) -> Site:
    return make_site(metrics_token=TOKEN, public_paths=("/open/*",), allowed_groups=("staff", "guests"))


def numbers(visitor: Visitor) -> dict[tuple[str, ...], float]:
    answer = visitor.ask("metrics", BEARER)
    assert answer.status == 200
    return {
        (
            sample.name.removeprefix("oidc_gate_"),
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


def test_without_the_setting_there_is_no_such_endpoint(site: Site) -> None:
    for method in ("GET", "HEAD", "POST"):
        answer = site.visitor().ask("metrics", BEARER, method)
        assert answer.status == site.visitor().ask("no_such", BEARER, method).status == 404
    assert site.world.metrics is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN.lower()}"},
        {"Authorization": "Bearer é"},
        {"X-Forwarded-For": "127.0.0.1"},
    ],
)
def test_without_the_token_nothing_is_shown(counting: Site, headers: dict[str, str]) -> None:
    for visitor in (counting.visitor(), counting.person(groups=("staff",))):
        answer = visitor.ask("metrics", headers)
        assert answer.status == 401
        assert answer.header("www-authenticate") == "Bearer"
        assert "oidc_gate_" not in answer.text
        assert TOKEN not in answer.text


def test_the_token_in_another_spelling_of_the_scheme(counting: Site) -> None:
    assert counting.visitor().ask("metrics", {"Authorization": f"bearer  {TOKEN} "}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(counting: Site, method: str) -> None:
    answer = counting.visitor().ask("metrics", BEARER, method)
    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD")


def test_no_cache_stores_the_answer(counting: Site) -> None:
    answer = counting.visitor().ask("metrics", BEARER)
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-type").startswith("text/plain")
    assert answer.all("set-cookie") == []


def test_what_is_counted(counting: Site) -> None:
    person = counting.person(groups=("staff",))
    for _ in range(3):
        assert person.get("/", FETCH).status == 200  # the first one opens the cookie
    counting.visitor().get("/", FETCH)
    counting.person("eve", groups=()).get("/", FETCH)
    counting.visitor().ask("callback?state=x", NAVIGATION)
    found = numbers(counting.visitor())
    assert found["short_path_requests_total",] == 3
    assert found["decisions_total", "no_cookie", "401"] == 1
    assert found["decisions_total", "refused", "403"] == 1
    assert found["notes_total", "user_refused"] == 1
    assert found["sign_ins_total", "state_invalid"] == 1
    assert found["cached_sessions",] == 1
    assert found["processes",] == 1
    assert found["lane_places", "provider"] == 0
    assert numbers(counting.visitor())["decisions_total", "endpoint", "200"] == 1


def test_a_cookie_that_opens_no_session_is_not_counted_as_a_request_of_the_short_path(counting: Site) -> None:
    visitor = counting.visitor()
    visitor.cookies[COOKIE] = "made-up"
    for _ in range(2):
        assert visitor.get("/", FETCH).status == 401
    assert numbers(counting.visitor())["short_path_requests_total",] == 0


def test_a_sign_in(make_site: MakeSite) -> None:
    site = make_site(metrics_token=TOKEN)
    site.visitor().sign_in()
    found = numbers(site.visitor())
    assert found["sign_ins_total", "completed"] == 1
    assert found["provider_requests_total", "token", "ok"] == 1
    assert found["provider_requests_total", "discovery", "ok"] == 1
    assert found["provider_request_seconds_count", "token"] == 1


def test_a_store(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(metrics_token=TOKEN, session_store=sqlite_url(tmp_path))
    visitor = site.visitor()
    visitor.sign_in()
    visitor.get("/", FETCH)
    found = numbers(visitor)
    assert found["store_calls_total", "call", "ok"] >= 1
    assert found["store_calls_total", "add_once", "ok"] == 2
    assert found["store_call_seconds_count", "call"] == found["store_calls_total", "call", "ok"]


def test_the_token_is_never_logged(counting: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        counting.visitor().ask("metrics", {"Authorization": f"Bearer {TOKEN}x"})
        counting.visitor().ask("metrics", BEARER)
    assert "401: metrics_token" in caplog.text
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(counting.settings)


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    settings = settings_for_tests(
        metrics_token=TOKEN, metrics_directory=str(tmp_path), public_url="https://app.example"
    )
    for make in (lambda: wsgi.OIDCGate(lambda *_: [b""], settings), lambda: wsgi.AuthBackend(settings)):
        with pytest.raises(ConfigurationError) as error:
            make()
        (problem,) = error.value.problems
        assert (problem.setting, problem.code) == ("metrics_directory", "metrics_directory_unsafe")
        assert "other users can write into it" in problem.what


def test_without_the_extra_the_line_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'oidc_gate\[metrics\]'"):
        settings_for_tests(metrics_token=TOKEN)


@pytest.mark.parametrize(
    ("token", "given"),
    [
        (None, ["Bearer "]),  # not even if something else lets the request come this far
        (None, ["Bearer None"]),
        ("", ["Bearer "]),
        (TOKEN, [f"Bearer {TOKEN}", f"Bearer {TOKEN}"]),
        (TOKEN, ["Bearer x", f"Bearer {TOKEN}"]),
    ],
)
def test_the_endpoint_itself_refuses(token: str | None, given: list[str]) -> None:
    components: Any = SimpleNamespace(settings=SimpleNamespace(metrics_token=token))
    headers = Headers([("Authorization", value) for value in given])
    context: Any = SimpleNamespace(request=SimpleNamespace(headers=headers))
    with pytest.raises(StopIteration) as end:
        next(metrics.answer(components, context))
    assert end.value.value.status == 401

"""The ID of a request: from a trusted proxy into every line of the log, onto error pages, and to the application."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.errors import ProviderUnavailable
from oidc_gate.observe.json_log import JSONFormatter
from tests.shells.conftest import MakeSite
from tests.shells.provider import ISSUER
from tests.shells.site import FETCH, NAVIGATION, Shell, Site
from tests.shells.stores import sqlite_url

PROXY = {"trusted_proxies": ("192.0.2.0/24",), "public_paths": ("/open/*",)}
OWN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+")


def ids(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        vars(record)["oidc_gate"]["request_id"] for record in caplog.records if hasattr(record, "oidc_gate")
    ]


def test_from_the_proxy_into_the_log_and_onto_the_page(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = make_site(**PROXY).visitor()
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        page = visitor.ask("callback?state=x", NAVIGATION | {"X-Request-Id": "proxy-1.a"})
        script = visitor.get("/", FETCH | {"X-Request-Id": "proxy-2"})
    assert (page.status, script.status) == (400, 401)
    assert "proxy-1.a" in page.text
    assert ids(caplog) == ["proxy-1.a", "proxy-1.a", "proxy-2"]  # with the line of the audit log
    assert caplog.messages[-1].startswith("proxy-2 GET ")


@pytest.mark.parametrize("given", ["proxy\n1", "a b", "x" * 65])
def test_an_id_with_other_characters_does_not_count(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, given: str
) -> None:
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        make_site(**PROXY).visitor().get("/", FETCH | {"X-Request-Id": given})
    assert all(OWN_ID.fullmatch(each) for each in ids(caplog))


def test_the_id_of_a_client_does_not_count(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        site.visitor().get("/", FETCH | {"X-Request-Id": "mine"})
    assert [each == "mine" for each in ids(caplog)] == [False]


def test_the_application_receives_the_id_of_a_request_that_was_logged(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**PROXY)
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        site.visitor().get("/open/a", {"X-Request-Id": "proxy-1"})
        assert site.app.last["oidc_gate.request_id"] == "proxy-1"
        site.visitor().get("/open/a")
    assert ids(caplog)[-1] == site.app.last["oidc_gate.request_id"]
    assert OWN_ID.fullmatch(ids(caplog)[-1])


def test_the_same_id_for_all_requests_does_not_repeat_what_is_said_once(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**PROXY, allowed_groups=("staff",))
    visitor = site.person("eve", groups=("guests",))
    with caplog.at_level(logging.INFO, "oidc_gate"):
        for _ in range(3):
            assert visitor.get("/", FETCH | {"X-Request-Id": "mine"}).status == 403
    lines = [text for text in caplog.messages if "user_refused" in text]
    assert len([text for text in lines if text.startswith("mine ")]) == 1
    assert len(lines) == 2  # with the line of the audit log


class JSONLines(logging.Handler):
    """Keeps the lines of the log as JSON, formatted in the thread that logs."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JSONFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def of(self, words: str) -> dict[str, Any]:
        """Wait for the line with `words`; some lines are logged in the background."""
        until = time.monotonic() + 60
        while not (found := [line for line in self.lines if words in line["message"]]):
            assert time.monotonic() < until, self.lines
            time.sleep(0.005)
        return found[-1]


@pytest.fixture
def json_lines(caplog: pytest.LogCaptureFixture) -> Iterator[JSONLines]:
    handler, logger = JSONLines(), logging.getLogger("oidc_gate")
    caplog.set_level(logging.DEBUG, "oidc_gate")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_a_line_that_is_not_about_the_decision_has_the_id_too(
    make_site: MakeSite, json_lines: JSONLines
) -> None:
    visitor = make_site(**PROXY).visitor()
    assert visitor.ask("start", NAVIGATION | {"X-Request-Id": "proxy-1"}).status == 302
    assert json_lines.of("discovery of")["request_id"] == "proxy-1"
    logging.getLogger("oidc_gate").info("logged after the request")
    assert "request_id" not in json_lines.of("logged after the request")


def test_what_the_application_logs_is_outside(
    shell: Shell, make_site: MakeSite, json_lines: JSONLines
) -> None:
    log = logging.getLogger("oidc_gate")

    def wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
        log.info("logged by the application")
        start_response("200 OK", [])
        return []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        log.info("logged by the application")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    site = make_site(asgi if shell.is_asgi else wsgi, **PROXY)
    for visitor in (site.visitor(), person := site.person("ada"), person):
        assert visitor.get("/open/a", NAVIGATION | {"X-Request-Id": "proxy-1"}).status == 200
        assert "request_id" not in json_lines.of("logged by the application")


def test_work_in_the_background_has_the_id_of_the_request_that_caused_it(
    make_site: MakeSite, json_lines: JSONLines, tmp_path: Path
) -> None:
    url = sqlite_url(tmp_path)
    site = make_site(**PROXY, session_store=url, refresh=True)
    site.provider.tokens = {"access_token": "at-1", "refresh_token": "rt-1", "expires_in": 600}
    site.provider.metadata["revocation_endpoint"] = f"{ISSUER}/revoke"
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    site.provider.instead["token"] = site.provider.instead["revoke"] = ProviderUnavailable("down", "")
    site.now += 550
    assert visitor.get("/", {"X-Request-Id": "proxy-1"}).status == 200
    assert json_lines.of("could not be refreshed")["request_id"] == "proxy-1"
    out = {"X-Request-Id": "proxy-2", "Sec-Fetch-Site": "same-origin"}
    assert visitor.ask("sign_out", out, "POST").status == 303
    assert json_lines.of("the refresh_token was not revoked")["request_id"] == "proxy-2"

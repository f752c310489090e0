"""The ID of a request: from a trusted proxy into every line of the log, onto error pages, and to the application."""

from __future__ import annotations

import logging
import re

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import FETCH, NAVIGATION, Site

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

"""The sign-in that replaces the application's own 401, on every WSGI server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.real.servers import WSGI_SERVERS, serving

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module", params=[*WSGI_SERVERS])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("own-401")
    with serving(request.param, "tests.real.own_401:wsgi", directory=directory) as server:
        yield server.url


@pytest.mark.parametrize("way", ["list", "generator", "late"])
def test_oidc_gate_2026_11_the_replaced_401_has_its_status_and_headers(url: str, way: str) -> None:
    answer = requests.get(f"{url}/own/{way}", headers=HTML, timeout=60)
    assert (answer.status_code, "from the application" in answer.text) == (401, False)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "/oauth2/start?" in answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("way", ["list", "generator", "late"])
def test_what_the_application_answers_is_passed_on(url: str, way: str) -> None:
    answer = requests.get(f"{url}/fine/{way}", headers=HTML, timeout=60)
    assert (answer.status_code, answer.text) == (200, "from the application")
    assert answer.headers["Content-Type"] == "text/plain"

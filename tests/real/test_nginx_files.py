"""The files of docs/nginx say the same where they have to, whichever one somebody copies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oidc_gate.policy.identity_headers import stripped_names
from oidc_gate.testing.settings import settings_for_tests
from tests.real.behind_nginx import RECIPES

FILES = sorted(RECIPES.glob("*.conf"))


def location_directives(text: str, name: str) -> str:
    """Return the directives of a location, comments left out."""
    body = text.partition(f"\n    location {name} {{\n")[2].partition("\n    }\n")[0]
    assert body, name
    return re.sub(r"\s+#.*", "", body)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_identity_header_is_overwritten(file: Path) -> None:
    body = location_directives(file.read_text(), "/")
    set_here = {name.lower() for name in re.findall(r"proxy_set_header (\S+)", body)}
    assert stripped_names(settings_for_tests()) <= set_here
    known = set(re.findall(r"auth_request_set (\$\w+)", body))
    # What is sent comes from the verdict or is empty; what the verdict says is used.
    values = dict(re.findall(r"proxy_set_header (X-\S+|Remote-User)\s+(\S+);", body))
    identity = {
        name: value for name, value in values.items() if name.lower() in stripped_names(settings_for_tests())
    }
    assert set(identity.values()) - {'""'} == known - {"$oidc_cookie"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_verdict_is_asked_for_in_the_same_way(file: Path) -> None:
    body = location_directives(file.read_text(), "= /oauth2/auth")
    for line in (
        "internal;",
        "proxy_pass_request_body off;",
        'proxy_set_header Content-Length           "";',
        'proxy_set_header Connection               "";',
        "proxy_http_version 1.1;",
        "$request_uri;",
        "proxy_set_header X-Auth-Request-Method    $oidc_method;",
    ):
        assert line in body


def test_the_explanation_names_every_file() -> None:
    explained = (RECIPES.parent / "nginx.md").read_text()
    assert len(FILES) == 4
    for file in FILES:
        assert f"(nginx/{file.name})" in explained

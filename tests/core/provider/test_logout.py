"""Sign-out at the provider."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.logout import build_logout_request

from . import scripted as op
from .scripted import CLIENT, ISSUER, METADATA, answer

BACK = "https://app.example/oauth2/signed_out?x=1&y"


def build(end_session_endpoint: str, **changes: Any) -> str:
    metadata = process_discovery(
        answer(dict(METADATA) | {"end_session_endpoint": end_session_endpoint}), ISSUER
    )
    return build_logout_request(
        metadata, op.settings(), post_logout_redirect_uri=BACK, state="s&t", **changes
    )


def test_where_it_is_offered() -> None:
    url = build(ISSUER + "/logout")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "client_id": CLIENT,
        "post_logout_redirect_uri": BACK,
        "state": "s&t",
    }


def test_with_the_id_token() -> None:
    url = build(ISSUER + "/logout", id_token_hint="x.y.z")
    assert dict(parse_qsl(urlsplit(url).query))["id_token_hint"] == "x.y.z"


@pytest.mark.parametrize("query", ["tenant=a", "a=1&b="])
def test_an_endpoint_with_a_query_of_its_own(query: str) -> None:
    url = build(f"{ISSUER}/logout?{query}")
    assert url.startswith(f"{ISSUER}/logout?{query}&client_id=")

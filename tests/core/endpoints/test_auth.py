"""The verdict on a handshake: which origins may open a WebSocket as the signed-in user."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oidc_gate.endpoints.auth import verdict
from oidc_gate.endpoints.context import Components, build_context
from oidc_gate.model import Identity, Session
from oidc_gate.session.sessions import LoadedSession
from tests.core.request.making import request, settings

COMPONENTS = Components(settings(allow_everyone=True))
LOADED = LoadedSession(Session(Identity("https://op.example", "1"), 0, 0), "value", 0, 100, 0, 1000)
EVIL, OWN = {"origin": "https://evil.example"}, {"origin": "https://app.example"}


@pytest.mark.parametrize(
    ("headers", "is_websocket"),
    [
        ({}, True),
        ({"upgrade": "websocket"}, False),
        ({"sec-websocket-key": "x"}, False),
        ({"sec-websocket-version": "13"}, False),
        ({":protocol": "websocket"}, False),
        ({"upgrade": "websocket"}, True),
    ],
)
@pytest.mark.parametrize(
    ("origin", "answer"),
    [(EVIL, (403, "origin_not_allowed")), (OWN, (202, "signed_in")), ({}, (202, "signed_in"))],
)
def test_a_page_of_another_origin_opens_no_websocket(
    headers: dict[str, str], origin: dict[str, str], answer: tuple[int, str], *, is_websocket: bool
) -> None:
    asked = request(headers={"host": "app.example"} | headers | origin, scheme="https")
    context = build_context(COMPONENTS, replace(asked, is_websocket=is_websocket))
    found = verdict(COMPONENTS, replace(context, loaded=LOADED))
    assert (found.status, found.reason.code) == answer


def test_any_other_request_of_a_page_of_another_origin_gets_the_verdict_on_its_user() -> None:
    context = build_context(COMPONENTS, request(headers={"host": "app.example"} | EVIL, scheme="https"))
    assert verdict(COMPONENTS, replace(context, loaded=LOADED)).status == 202
    assert verdict(COMPONENTS, context).status == 401

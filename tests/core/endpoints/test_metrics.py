"""Who may read the metrics: the right bearer token and nothing else, and never without a token in the settings."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.effects import ReadMetrics
from oidc_gate.endpoints import metrics
from oidc_gate.endpoints.context import Components, build_context
from oidc_gate.model import Reply
from tests.core.request.making import request, settings

TOKEN = "a-token-of-the-metrics-that-is-long-enough"


def asked(*authorization: str, **changes: Any) -> Reply:
    components = Components(settings(allow_everyone=True, **changes))
    pairs = [("host", "app.example"), *(("authorization", value) for value in authorization)]
    step = metrics.answer(components, build_context(components, request("GET", pairs, scheme="https")))
    try:
        assert next(step) == ReadMetrics()
        step.send({})
    except StopIteration as end:
        found: Reply = end.value
        return found
    raise AssertionError


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ((f"Bearer {TOKEN}",), 200),
        ((f"bearer  {TOKEN} ",), 200),
        ((), 401),
        (("",), 401),
        (("Bearer",), 401),
        (("Bearer ",), 401),
        ((TOKEN,), 401),
        ((f"Basic {TOKEN}",), 401),
        ((f"Bearer {TOKEN}x",), 401),
        ((f"Bearer {TOKEN[:-1]}",), 401),
        ((f"Bearer {TOKEN}é",), 401),
        ((f"Bearer {TOKEN}\udcff",), 401),
        ((f"Bearer {TOKEN}", f"Bearer {TOKEN}"), 401),
    ],
)
def test_the_metrics_need_their_token(authorization: tuple[str, ...], status: int) -> None:
    reply = asked(*authorization, metrics_token=TOKEN)
    assert (reply.status, reply.reason.code) == (status, "endpoint" if status == 200 else "metrics_token")


@pytest.mark.parametrize("authorization", [(), ("Bearer",), ("Bearer ",), ("bearer",), (" ",)])
def test_without_a_token_in_the_settings_no_token_is_right(authorization: tuple[str, ...]) -> None:
    assert asked(*authorization).status == 401

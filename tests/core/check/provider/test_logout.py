from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.check.provider.exchanges import Exchange, Exchanges
from oidc_gate.check.provider.logout import check_logout
from oidc_gate.effects import Fetch, Fetched
from oidc_gate.provider.discovery import Metadata
from oidc_gate.testing import settings_for_tests
from tests.core.check.provider.test_discovery import METADATA

URI = "https://app.example.com/oauth2/signed_out"


class Given(Exchanges):
    def __init__(self, own: Fetched, other: Fetched, **keywords: Any) -> None:
        super().__init__(settings_for_tests(**keywords))
        self._own, self._other = own, other

    def send(self, request: Fetch) -> Exchange:
        assert request.method == "GET"
        return Exchange("sent", "received", self._own if "app.example.com" in request.url else self._other)


def causes(own: Fetched, other: Fetched, **keywords: Any) -> list[str | bool | None]:
    metadata = Metadata(**METADATA, end_session_endpoint="https://op.example.com/end")
    return [
        answer.cause or answer.is_right
        for answer in check_logout(Given(own, other, **keywords), metadata, URI)
    ]


BACK = Fetched(302, {"location": URI + "?state=x"}, b"")
ASKS = Fetched(200, {}, b"Do you want to sign out?")
REFUSES = Fetched(400, {}, b"post_logout_redirect_uri is not registered")
NEEDS_HINT = Fetched(400, {}, b"id_token_hint is missing")


@pytest.mark.parametrize(
    ("own", "other", "keywords", "expected"),
    [
        (BACK, REFUSES, {}, [True]),
        (ASKS, REFUSES, {}, [True]),
        (ASKS, ASKS, {}, [None]),
        (REFUSES, REFUSES, {}, ["provider_post_logout"]),
        (NEEDS_HINT, NEEDS_HINT, {}, ["provider_logout_hint", None]),
        (NEEDS_HINT, NEEDS_HINT, {"keep_id_token": True}, [True, None]),
        (Fetched(500, {}, b""), ASKS, {}, [None]),
        (Fetched(400, {}, b"no"), ASKS, {}, [None]),
    ],
)
def test_sign_out(own: Fetched, other: Fetched, keywords: Any, expected: list[Any]) -> None:
    assert causes(own, other, **keywords) == expected


@pytest.mark.parametrize(
    ("is_automatic", "cause"), [(False, "provider_no_logout"), (True, "auto_sign_in_without_logout")]
)
def test_no_sign_out(is_automatic: bool, cause: str) -> None:
    exchanges = Given(ASKS, ASKS, auto_sign_in=is_automatic)
    assert [answer.cause for answer in check_logout(exchanges, Metadata(**METADATA), URI)] == [cause]

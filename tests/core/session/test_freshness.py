"""When a refresh is due."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.session.freshness import due, is_needed
from oidc_gate.session.sessions import ALWAYS
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION

STORE = "redis://localhost"


def given(**changes: Any) -> Any:
    return settings(public_url="https://app.example.com", session_store=STORE, **changes)


@pytest.mark.parametrize(
    ("changes", "lasts", "refresh_token", "soft", "hard"),
    [
        ({}, 600, "token", None, None),
        ({"refresh": True}, 600, "", None, None),
        ({"refresh": True}, 600, "token", 510, 570),
        ({"refresh": True, "access_token_min_seconds": 0}, 600, "token", 540, 600),
        ({"refresh": True}, 100, "token", 50, 70),  # not before half its time
        ({"refresh": True}, 50, "token", 25, 25),
        ({"refresh": True}, 0, "token", 10, 10),  # not at once again
        ({"refresh": True}, -1_000, "token", 10, 10),
        ({"recheck_seconds": 100}, 600, "", 80, 100),
        ({"recheck_seconds": 100, "refresh": True}, 600, "token", 80, 100),
        ({"recheck_seconds": 1_000, "refresh": True}, 600, "token", 510, 570),
        ({"recheck_seconds": 1}, 600, "", 0, 1),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_when_it_is_due(
    changes: dict[str, Any],
    lasts: int,
    refresh_token: str,
    soft: int | None,
    hard: int | None,
    is_first: bool,
) -> None:
    checked_at = NOW if is_first else NOW + 5_000
    session = SESSION._replace(
        access_token_expires_at=checked_at + lasts,
        refresh_token=refresh_token,
        checked_at=0 if is_first else checked_at,
    )
    found = due(session, given(**changes))
    assert found == tuple(ALWAYS if after is None else checked_at + after for after in (soft, hard))


def test_without_settings_no_session_is_refreshed() -> None:
    assert not is_needed(given())
    assert is_needed(given(refresh=True))
    assert is_needed(given(recheck_seconds=1))

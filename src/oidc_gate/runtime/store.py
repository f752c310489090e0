"""Opens the store that the settings name. This happens while a gate is built, before threads can import it together."""

from __future__ import annotations

from ..settings import Settings
from ..store.base import Store

DEADLINE_SECONDS = 1.5
"""How long a call may take. A request may wait in the queue before that, and is refused within two seconds."""


def store_of(settings: Settings) -> Store | None:
    """Return the session store, or the store of revocations, without a connection yet; None if there is neither."""
    if settings.store_url is None:
        return None
    from ..store.urls import open_store  # loads SQLite, which a gate without a store does not need

    lag = settings.revocation_lag_seconds
    return open_store(settings.store_url, lag_seconds=lag, deadline_seconds=DEADLINE_SECONDS)

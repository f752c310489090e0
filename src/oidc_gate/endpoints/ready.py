"""``/oauth2/ready``: whether the gate can serve requests.

It answers 503 until discovery has succeeded once, so that a new version with a wrong issuer receives no traffic. After
that it answers 200, also while the provider is down, because signed-in users can be served. It never waits for the
provider. If there is a store, it also answers 503 until the store has answered once. The store is asked at most once in
five seconds, which takes at most two.
"""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from ..provider.client import ProviderState
from ..session.store_health import StoreState
from ..settings import Settings
from .context import Components, RequestContext
from .responses import as_json


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with the current state of the settings, the session store and discovery."""
    state = components.provider.state()
    if not state.is_known:
        yield from components.provider.ask_in_background()
    store = (yield from components.store_health.recent_state()) if components.store_health else None
    is_ready = state.is_known and (store is None or store.has_answered)
    content = {
        "status": "ready" if is_ready else "not ready",
        "settings": "ok",
        "session_store": components.settings.session_store.partition(":")[0],
        **({} if store is None else {"store": _store(components.settings, store)}),
        "discovery": {
            "issuer": state.issuer,
            "status": _discovery(state),
            "succeeded_at": state.succeeded_at,
            "error": state.error,
        },
    }
    return as_json(200 if is_ready else 503, content).because("endpoint")


def _store(settings: Settings, state: StoreState) -> dict[str, object]:
    """Return the state of the store: of sessions, or of revocations. Its URL may contain a password."""
    return {
        "kind": (settings.store_url or "").partition(":")[0],
        "status": state.status,
        "problems": list(state.problems),
        "error": state.error,
    }


def _discovery(state: ProviderState) -> str:
    if state.is_known:
        return "stale" if state.error else "ok"
    return "failed" if state.error else "pending"

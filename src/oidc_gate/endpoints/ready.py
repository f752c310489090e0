"""``/oauth2/ready``: whether the gate can serve requests.

It answers 503 until discovery has succeeded once, so that a new version with a wrong issuer receives no traffic. After
that it answers 200, also while the provider is down, because signed-in users can be served. It never waits for the
provider.
"""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from ..provider.client import ProviderState
from .context import Components, RequestContext
from .responses import as_json


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with the current state of the settings, the session store and discovery."""
    state = components.provider.state()
    if not state.is_known:
        yield from components.provider.ask_in_background()
    content = {
        "status": "ready" if state.is_known else "not ready",
        "settings": "ok",
        "session_store": "cookie",
        "discovery": {
            "issuer": state.issuer,
            "status": _discovery(state),
            "succeeded_at": state.succeeded_at,
            "error": state.error,
        },
    }
    return as_json(200 if state.is_known else 503, content).because("endpoint")


def _discovery(state: ProviderState) -> str:
    if state.is_known:
        return "stale" if state.error else "ok"
    return "failed" if state.error else "pending"

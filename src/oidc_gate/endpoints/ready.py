"""``/oauth2/ready``: able to serve.

503 until discovery has succeeded once, so that a new version with a wrong issuer is never put to work; 200 from
then on, also while the provider is down, since signed-in users are served. It never waits for the provider.
"""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from ..provider.client import ProviderState
from .context import Components, RequestContext
from .responses import as_json


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer the state of settings, session store and discovery as it is now."""
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

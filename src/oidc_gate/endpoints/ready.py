"""``/oauth2/ready``: able to serve.

503 until discovery has succeeded once, so that a new version with a wrong issuer is never put to work; 200 from
then on, also while the provider is down, since those signed in are served.
"""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from .context import Components, RequestContext
from .responses import as_json


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer how settings, session store and discovery stand."""
    if not components.provider.state().is_known:
        yield from components.provider.warm_up()
    state = components.provider.state()
    content = {
        "status": "ready" if state.is_known else "not ready",
        "settings": "ok",
        "session_store": "cookie",
        "discovery": {
            "issuer": state.issuer,
            "status": "ok" if state.is_known and not state.error else "stale" if state.is_known else "failed",
            "succeeded_at": state.succeeded_at,
            "error": state.error,
        },
    }
    return as_json(200 if state.is_known else 503, content).because("endpoint")

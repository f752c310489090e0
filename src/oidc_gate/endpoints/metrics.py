"""``/oauth2/metrics``: metrics for Prometheus, which has to send `metrics_token`. Without that setting it is 404."""

from __future__ import annotations

import hmac

from .. import effects
from ..effects import Step
from ..model import Reply
from ..observe.exposition import render
from .context import Components, RequestContext
from .responses import NO_STORE, problem, reply

_WRONG_TOKEN = "The metrics need the metrics_token of the settings as a bearer token."


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with the metrics of all processes, or with 401.

    Spec: RFC 6750 §2.1.
    """
    token = components.settings.metrics_token or ""
    given = context.request.headers.all("authorization")
    scheme, _, value = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    # The comparison takes the same time for every wrong token.
    is_right = hmac.compare_digest(value.strip().encode("utf-8", "replace"), token.encode())
    if not token or scheme.lower() != "bearer" or not is_right:
        return problem(401, "metrics_token", _WRONG_TOKEN).because("metrics_token")
    counts = yield from effects.read_metrics()
    body, media_type = render(counts, context.request.headers.get("accept"))
    return reply(200, (("Content-Type", media_type), NO_STORE), body).because("endpoint")

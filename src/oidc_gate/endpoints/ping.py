"""``/oauth2/ping``: whether the process runs."""

from __future__ import annotations

from ..effects import Step
from ..model import Reply
from .context import Components, RequestContext
from .responses import text


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer that the process runs."""
    yield from ()
    return text(200, "OK").because("endpoint")

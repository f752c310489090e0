"""``/oauth2/unavailable``: the page for ``error_page 500 =503 /oauth2/unavailable`` of Nginx."""

from __future__ import annotations

from .. import pages
from ..effects import Step
from ..model import Reply
from .context import Components, RequestContext
from .responses import page

RETRY_AFTER_SECONDS = 10


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer 503, with a page."""
    yield from ()
    content = pages.unavailable_page(
        static_url=context.path_to("static"),
        request_id=context.request.request_id,
        retry_after_seconds=RETRY_AFTER_SECONDS,
        application_name=components.settings.application_name,
    )
    return page(503, content).because("endpoint")

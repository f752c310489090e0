"""``/oauth2/static/...``: the CSS, the script and the icon of the pages."""

from __future__ import annotations

from .. import pages
from ..effects import Step
from ..model import Reply
from .context import Components, RequestContext
from .responses import problem, reply


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with a file. If its URL contains the current hash, a cache may keep it without limit."""
    yield from ()
    name = context.request.path.rpartition("/")[2]
    file = pages.static_file(name)
    if file is None:
        return problem(404, "not_found", "There is no such file.").because("not_found")
    if context.request.headers.get("if-none-match") == file.etag:
        return Reply(304, file.headers[1:]).because("endpoint")
    return reply(200, file.headers, file.body).because("endpoint")

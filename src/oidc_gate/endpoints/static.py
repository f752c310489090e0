"""``/oauth2/static/...``: the pages' own CSS, script and icon."""

from __future__ import annotations

from .. import pages
from ..effects import Step
from ..model import Reply
from .context import Components, RequestContext
from .responses import problem, reply


def answer(components: Components, context: RequestContext) -> Step[Reply]:
    """Answer with a file, by the hash in its name kept for good."""
    yield from ()
    name = context.request.path.rpartition("/")[2]
    file = pages.static_file(name)
    if file is None:
        return problem(404, "not_found", "There is no such file.").because("not_found")
    if context.request.headers.get("if-none-match") == file.etag:
        return Reply(304, file.headers[1:]).because("endpoint")
    return reply(200, file.headers, file.body).because("endpoint")

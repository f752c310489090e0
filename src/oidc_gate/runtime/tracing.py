"""Spans of OpenTelemetry for requests to the provider and calls of the store, if the application uses OpenTelemetry.

Nothing is imported here. If no other module has imported ``opentelemetry.trace``, there is no SDK that could receive a
span, and the only cost is a look-up in ``sys.modules``. Spans contain no header, query, body or text of an exception,
only codes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from ..effects import Fetch, Fetched
from ..errors import GateError
from .metrics import kind_of

T = TypeVar("T")


class TraceParent(NamedTuple):
    """The span of a trusted proxy, from its ``traceparent``: IDs in hexadecimal digits."""

    trace_id: str
    parent_id: str
    flags: str


def trace_api() -> Any:
    """Return the module ``opentelemetry.trace`` if it is loaded, or None."""
    return sys.modules.get("opentelemetry.trace")


def fetch(perform: Callable[[Fetch], Fetched], effect: Fetch) -> Fetched:
    """Perform a request to the provider, in a span if the application uses OpenTelemetry."""
    api = trace_api()
    if api is None:
        return perform(effect)
    kind, target = kind_of(effect), urlsplit(effect.url)
    attributes = {
        "http.request.method": effect.method,
        "server.address": target.hostname or "",
        "url.path": target.path,
    }
    with span(api, f"oidc_gate provider {kind}", api.SpanKind.CLIENT, attributes) as current:
        fetched = perform(effect)
        current.set_attribute("http.response.status_code", fetched.status)
        if fetched.status >= 400:
            _fail(api, current, str(fetched.status))
        return fetched


def store(name: str, call: Callable[[], T]) -> T:
    """Call the store, in a span if the application uses OpenTelemetry."""
    api = trace_api()
    if api is None:
        return call()
    with span(api, f"oidc_gate store {name}", api.SpanKind.CLIENT, {}):
        return call()


@contextmanager
def span(api: Any, name: str, kind: Any, attributes: dict[str, Any]) -> Iterator[Any]:
    """Run the block in a span. An exception is recorded by its code, not with its text."""
    tracer = api.get_tracer("oidc_gate")
    with tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            _fail(api, current, error.code if isinstance(error, GateError) else type(error).__name__)
            raise


@contextmanager
def below(api: Any, parent: TraceParent | None) -> Iterator[None]:
    """Make `parent` the parent of spans in the block, unless the application has a current span."""
    if parent is None or api.get_current_span().get_span_context().is_valid:
        yield
        return
    context = sys.modules["opentelemetry.context"]
    remote = api.SpanContext(
        int(parent.trace_id, 16),
        int(parent.parent_id, 16),
        is_remote=True,
        trace_flags=api.TraceFlags(int(parent.flags, 16)),
    )
    token = context.attach(api.set_span_in_context(api.NonRecordingSpan(remote)))
    try:
        yield
    finally:
        context.detach(token)


def _fail(api: Any, current: Any, code: str) -> None:
    current.set_attribute("error.type", code)
    current.set_status(api.Status(api.StatusCode.ERROR, code))

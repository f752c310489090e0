"""The spans of requests that sign in and out, if the application uses OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from ..gate import Gate
from ..model import Decision, Reply, Request
from ..observe import current
from ..request.request_id import traceparent_of
from ..runtime import tracing

TRACED = frozenset(
    {"start", "callback", "sign_out", "signed_out", "backchannel_logout", "frontchannel_logout"}
)
"""The endpoints that have a span of their own. Spans for the provider and the store are below it."""

Note = Callable[[Decision], None]


@contextmanager
def traced(gate: Gate[Any], request: Request) -> Iterator[Note]:
    """Run the block in a span for `request`, or, if its endpoint has no span, below the span of the proxy.

    Lines that are logged in the block have the ID of the request. Call the value of the block with the decision.
    """
    api = tracing.trace_api()
    in_span = nullcontext(_ignore) if api is None else _traced(api, gate, request)
    with current.deciding(), in_span as note:
        yield note


@contextmanager
def _traced(api: Any, gate: Gate[Any], request: Request) -> Iterator[Note]:
    is_trusted = gate.components.trusted.trusts(request.peer)
    found = traceparent_of(request.headers.all("traceparent")) if is_trusted else None
    parent = tracing.TraceParent(*found) if found else None
    endpoint = request.path.removeprefix(gate.below_prefix) if gate.is_endpoint(request) else ""
    with tracing.below(api, parent):
        if endpoint not in TRACED:
            yield _ignore
            return
        with tracing.span(api, f"oidc_gate {endpoint}", api.SpanKind.INTERNAL, {}) as span:

            def note(decision: Decision) -> None:
                span.set_attribute("oidc_gate.code", decision.reason.code)
                if isinstance(decision, Reply):
                    span.set_attribute("http.response.status_code", decision.status)

            yield note


def _ignore(decision: Decision) -> None:
    """Do nothing."""

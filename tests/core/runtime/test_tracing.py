"""Spans of OpenTelemetry: what one holds when it ends well, when it fails, and below which span it is."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oidc_gate.effects import Fetch, Fetched
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.runtime import tracing
from oidc_gate.runtime.tracing import TraceParent, below

FETCH = Fetch("GET", "https://user:secret@op.example:8443/jwks?code=secret", (("X-A", "secret"),))
REQUESTED = {"http.request.method": "GET", "server.address": "op.example", "url.path": "/jwks"}
PARENT = TraceParent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "11")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def whole(span: ReadableSpan) -> tuple[Any, ...]:
    scope, status = span.instrumentation_scope, span.status
    assert scope is not None
    assert (scope.name, span.kind, span.events) == ("oidc_gate", trace.SpanKind.CLIENT, ())
    return span.name, dict(span.attributes or {}), status.status_code.name, status.description


@pytest.mark.parametrize(
    ("status", "is_error"), [(200, False), (302, False), (399, False), (400, True), (503, True)]
)
def test_a_request_to_the_provider(spans: InMemorySpanExporter, status: int, *, is_error: bool) -> None:
    fetched = Fetched(status, {}, b"secret")
    assert tracing.fetch(lambda effect: fetched, FETCH) is fetched
    attributes: dict[str, Any] = REQUESTED | {"http.response.status_code": status}
    expected = (attributes, "UNSET", None)
    if is_error:
        expected = (attributes | {"error.type": str(status)}, "ERROR", str(status))  # type: ignore[assignment]
    assert [whole(span) for span in spans.get_finished_spans()] == [("oidc_gate provider keys", *expected)]


def test_an_address_without_a_host(spans: InMemorySpanExporter) -> None:
    tracing.fetch(lambda effect: Fetched(200, {}, b""), Fetch("GET", "/jwks"))
    (span,) = spans.get_finished_spans()
    assert dict(span.attributes or {})["server.address"] == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderUnavailable("provider_tls", "a", detail="secret"), "provider_tls"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_a_failure_is_named_by_its_code(spans: InMemorySpanExporter, error: Exception, code: str) -> None:
    def fail(*effects: object) -> Any:
        raise error

    with pytest.raises(type(error)):
        tracing.fetch(fail, FETCH)
    with pytest.raises(type(error)):
        tracing.store("lease", fail)
    assert [whole(span) for span in spans.get_finished_spans()] == [
        ("oidc_gate provider keys", REQUESTED | {"error.type": code}, "ERROR", code),
        ("oidc_gate store lease", {"error.type": code}, "ERROR", code),
    ]


def test_a_call_of_the_store(spans: InMemorySpanExporter) -> None:
    assert tracing.store("call", lambda: 3) == 3
    assert [whole(span) for span in spans.get_finished_spans()] == [
        ("oidc_gate store call", {}, "UNSET", None)
    ]


def test_without_opentelemetry_there_are_no_spans(
    spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracing.trace_api() is trace
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert tracing.trace_api() is None
    assert tracing.fetch(lambda effect: Fetched(204, {}, b""), FETCH).status == 204
    assert tracing.store("call", lambda: 3) == 3
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(("flags", "number"), [("00", 0), ("01", 1), ("11", 17), ("ff", 255)])
def test_a_span_of_a_proxy_is_the_parent_within_the_block(flags: str, number: int) -> None:
    with below(trace, PARENT._replace(flags=flags)):
        found = trace.get_current_span().get_span_context()
    expected = (int(PARENT.trace_id, 16), int(PARENT.parent_id, 16), True, number)
    assert (found.trace_id, found.span_id, found.is_remote, found.trace_flags) == expected
    assert not trace.get_current_span().get_span_context().is_valid


def test_after_a_failure_the_span_of_the_proxy_is_the_parent_no_longer() -> None:
    with pytest.raises(KeyError), below(trace, PARENT):
        raise KeyError("x")
    assert not trace.get_current_span().get_span_context().is_valid


def test_without_a_proxy_or_below_a_span_of_the_application_nothing_changes() -> None:
    with below(trace, None):
        assert not trace.get_current_span().get_span_context().is_valid
    own = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=False))
    with trace.use_span(own), below(trace, PARENT):
        assert trace.get_current_span() is own

"""Spans of OpenTelemetry: those of sign-in, below the request that caused them, and none where it is not used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oidc_gate.errors import ProviderUnavailable
from tests.core.provider.scripted import answer
from tests.shells.conftest import MakeSite
from tests.shells.provider import SECRET
from tests.shells.site import FETCH, NAVIGATION, Site
from tests.shells.stores import sqlite_url

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
PROXY = {"trusted_proxies": ("192.0.2.0/24",)}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def parent_of(span: ReadableSpan) -> Any:
    assert span.parent is not None
    return span.parent


def test_the_spans_of_a_sign_in(site: Site, spans: InMemorySpanExporter) -> None:
    site.visitor().sign_in()
    found = named(spans)
    assert {"oidc_gate start", "oidc_gate callback", "oidc_gate provider token"} <= found.keys()
    callback, token = found["oidc_gate callback"], found["oidc_gate provider token"]
    assert callback.parent is None
    assert parent_of(token).span_id == callback.context.span_id
    assert token.kind is trace.SpanKind.CLIENT
    assert dict(token.attributes or {}) == {
        "http.request.method": "POST",
        "server.address": "op.example",
        "url.path": token.attributes["url.path"],  # type: ignore[index]
        "http.response.status_code": 200,
    }
    assert dict(callback.attributes or {})["oidc_gate.code"] == "sign_in_completed"


def whole(span: ReadableSpan) -> tuple[str, str, dict[str, Any], str, str | None]:
    kind, status = span.kind.name, span.status
    return span.name, kind, dict(span.attributes or {}), status.status_code.name, status.description


def requested(method: str, path: str, status: int) -> dict[str, Any]:
    return {
        "http.request.method": method,
        "server.address": "op.example",
        "url.path": path,
        "http.response.status_code": status,
    }


def answered_with(code: str, status: int) -> dict[str, Any]:
    return {"oidc_gate.code": code, "http.response.status_code": status}


def test_every_span_as_a_whole(site: Site, spans: InMemorySpanExporter) -> None:
    site.visitor().sign_in()
    site.provider.instead["token"] = answer({"error": "invalid_grant"}, 400)
    with_error = site.visitor()
    with_error.sign_in()
    person = site.person()
    person.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST")
    person.ask("signed_out")
    discovery = "/.well-known/openid-configuration"
    unset = ("UNSET", None)
    assert [whole(span) for span in spans.get_finished_spans()] == [
        ("oidc_gate provider discovery", "CLIENT", requested("GET", discovery, 200), *unset),
        ("oidc_gate start", "INTERNAL", answered_with("sign_in_started", 302), *unset),
        ("oidc_gate provider token", "CLIENT", requested("POST", "/token", 200), *unset),
        ("oidc_gate provider keys", "CLIENT", requested("GET", "/jwks", 200), *unset),
        ("oidc_gate provider userinfo", "CLIENT", requested("GET", "/userinfo", 200), *unset),
        ("oidc_gate callback", "INTERNAL", answered_with("sign_in_completed", 302), *unset),
        ("oidc_gate start", "INTERNAL", answered_with("sign_in_started", 302), *unset),
        (
            "oidc_gate provider token",
            "CLIENT",
            requested("POST", "/token", 400) | {"error.type": "400"},
            "ERROR",
            "400",
        ),
        ("oidc_gate callback", "INTERNAL", answered_with("invalid_grant", 400), *unset),
        ("oidc_gate sign_out", "INTERNAL", answered_with("signed_out", 303), *unset),
        ("oidc_gate signed_out", "INTERNAL", answered_with("signed_out_page", 200), *unset),
    ]


def test_no_span_holds_a_secret(site: Site, spans: InMemorySpanExporter) -> None:
    visitor = site.visitor()
    visitor.sign_in()
    shown = "".join(span.to_json() for span in spans.get_finished_spans())
    assert len(shown) > 100
    for text in (SECRET, "code=", "state=", "code_verifier", "?", *visitor.cookies.values()):
        assert text not in shown


def test_below_the_span_of_a_trusted_proxy(make_site: MakeSite, spans: InMemorySpanExporter) -> None:
    make_site(**PROXY).visitor().ask("start", NAVIGATION | TRACEPARENT)
    start = named(spans)["oidc_gate start"]
    assert f"{start.context.trace_id:032x}" == TRACE
    assert (f"{parent_of(start).span_id:016x}", parent_of(start).is_remote) == (PARENT, True)


def test_clients_choose_no_parent(site: Site, spans: InMemorySpanExporter) -> None:
    site.visitor().ask("start", NAVIGATION | TRACEPARENT)
    assert named(spans)["oidc_gate start"].parent is None


def test_below_a_current_span_which_is_nearer_than_the_proxy(
    make_site: MakeSite, spans: InMemorySpanExporter
) -> None:
    site = make_site(**PROXY)
    if site.shell.kind == "trio":
        pytest.skip("the test runs trio in a context of its own")
    with trace.get_tracer("test").start_as_current_span("server") as server:
        site.visitor().ask("start", NAVIGATION | TRACEPARENT)
    assert parent_of(named(spans)["oidc_gate start"]).span_id == server.get_span_context().span_id


def test_calls_of_the_store(make_site: MakeSite, spans: InMemorySpanExporter, tmp_path: Path) -> None:
    site = make_site(session_store=sqlite_url(tmp_path), **PROXY)
    visitor = site.visitor()
    visitor.sign_in()
    spans.clear()
    visitor.get("/", FETCH | TRACEPARENT)
    found = spans.get_finished_spans()
    assert {span.name for span in found} == {"oidc_gate store call"}
    assert {f"{span.context.trace_id:032x}" for span in found} == {TRACE}


def test_a_failure_is_an_error_by_its_code_alone(
    site: Site, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(effect: object) -> None:
        raise ProviderUnavailable("provider_timeout", "away", detail="the detail")

    monkeypatch.setattr(site.world, "_outbound", fail)
    site.visitor().ask("start", NAVIGATION)
    discovery = named(spans)["oidc_gate provider discovery"]
    assert discovery.status.status_code is trace.StatusCode.ERROR
    assert (
        discovery.status.description == dict(discovery.attributes or {})["error.type"] == "provider_timeout"
    )
    assert discovery.events == ()
    assert "the detail" not in discovery.to_json()


def test_other_requests_have_no_span(site: Site, spans: InMemorySpanExporter) -> None:
    person = site.person()
    for _ in range(2):
        person.get("/", FETCH)
        person.ask("auth")
        site.visitor().get("/", FETCH)
    assert spans.get_finished_spans() == ()


def test_where_it_is_not_used_nothing_is_imported(
    site: Site, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert site.visitor().sign_in().status == 302
    assert "opentelemetry.trace" not in sys.modules
    assert spans.get_finished_spans() == ()


def test_the_gate_itself_imports_no_opentelemetry() -> None:
    program = (
        "import sys, oidc_gate.wsgi, oidc_gate.asgi; from oidc_gate.runtime import libraries; libraries.load(); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The metrics as Prometheus reads them."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from oidc_gate.observe.exposition import METRICS, render

COUNTS: dict[tuple[str, ...], float] = {
    ("short_path",): 7,
    ("decisions", "401", "no_cookie"): 2,
    ("decisions", "401", 'with "quotes"\nand lines'): 1,
    ("provider", "token", "ok"): 3,
    ("provider_bucket", "token", "0.5"): 1,
    ("provider_bucket", "token", "0.05"): 2,
    ("provider_bucket", "token", "10.0"): 0,
    ("provider_bucket", "token", "+Inf"): 0,
    ("provider_seconds", "token"): 0.75,
    ("processes",): 2,
}


def samples(counts: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    body, media_type = render(counts, "")
    assert media_type.startswith("text/plain")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }


def test_counters_and_gauges() -> None:
    found = samples(COUNTS)
    assert found["oidc_gate_short_path_requests_total",] == 7
    assert found["oidc_gate_decisions_total", "no_cookie", "401"] == 2
    assert found["oidc_gate_decisions_total", 'with "quotes"\nand lines', "401"] == 1
    assert found["oidc_gate_processes",] == 2
    assert found["oidc_gate_provider_requests_total", "token", "ok"] == 3


def test_histograms_are_cumulative_and_in_order() -> None:
    found = samples(COUNTS)
    name = "oidc_gate_provider_request_seconds"
    buckets = {key[1]: value for key, value in found.items() if key[0] == f"{name}_bucket"}
    assert list(buckets.items()) == [("0.05", 2), ("0.5", 3), ("10.0", 3), ("+Inf", 3)]
    assert found[f"{name}_count", "token"] == 3
    assert found[f"{name}_sum", "token"] == 0.75


def test_buckets_without_a_bound_are_left_out() -> None:
    wrong: dict[tuple[str, ...], float] = {
        ("provider_bucket", "token", bound): 8 for bound in ("other", "", "nan", "0", "-1")
    }
    wrong |= {("provider_bucket",): 8, ("provider_bucket", "token"): 8}
    wrong |= {("provider_bucket", "token", "0.5", "x"): 8, ("provider_bucket", "other", "other"): 8}
    assert samples(wrong | COUNTS) == samples(COUNTS)


def test_every_metric_is_there_from_the_start() -> None:
    body, _ = render({}, "")
    assert [family.name for family in parse(body.decode())] == list(METRICS)


@pytest.mark.parametrize("counts", [{}, COUNTS])
def test_open_metrics_if_it_is_asked_for(counts: dict[tuple[str, ...], float]) -> None:
    body, media_type = render(counts, "application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert [family.name for family in parse_openmetrics(body.decode())] == list(METRICS)  # type: ignore[no-untyped-call]


def test_names_and_labels_are_those_that_prometheus_accepts() -> None:
    for name, metric in METRICS.items():
        assert name.startswith("oidc_gate_")
        assert metric.kind in ("counter", "gauge", "histogram")
        assert metric.meaning.endswith(".")
        assert not {"le", "instance", "job"} & set(metric.labels)


def test_the_whole_text() -> None:
    more: dict[tuple[str, ...], float] = {
        ("decisions", "too short"): 9,
        ("notes", "groups_left_out"): 4,
        ("sign_ins", "completed"): 5,
        ("store", "open", "ok"): 6,
        ("store_bucket", "open", "0.5"): 6,
        ("lane_places", "store"): 1.5,
        ("lane_waiting", "provider"): 8,
        ("cached_sessions",): 100,
    }
    body, media_type = render(COUNTS | more, "")
    assert media_type.startswith("text/plain; version=")
    text = [line for line in body.decode().splitlines() if not line.startswith("# HELP")]
    histogram = "oidc_gate_provider_request_seconds"
    assert text == [
        "# TYPE oidc_gate_short_path_requests_total counter",
        "oidc_gate_short_path_requests_total 7.0",
        "# TYPE oidc_gate_decisions_total counter",
        'oidc_gate_decisions_total{code="no_cookie",verdict="401"} 2.0',
        r'oidc_gate_decisions_total{code="with \"quotes\"\nand lines",verdict="401"} 1.0',
        "# TYPE oidc_gate_notes_total counter",
        'oidc_gate_notes_total{code="groups_left_out"} 4.0',
        "# TYPE oidc_gate_sign_ins_total counter",
        'oidc_gate_sign_ins_total{result="completed"} 5.0',
        "# TYPE oidc_gate_provider_requests_total counter",
        'oidc_gate_provider_requests_total{request="token",result="ok"} 3.0',
        f"# TYPE {histogram} histogram",
        f'{histogram}_bucket{{le="0.05",request="token"}} 2.0',
        f'{histogram}_bucket{{le="0.5",request="token"}} 3.0',
        f'{histogram}_bucket{{le="10.0",request="token"}} 3.0',
        f'{histogram}_bucket{{le="+Inf",request="token"}} 3.0',
        f'{histogram}_count{{request="token"}} 3.0',
        f'{histogram}_sum{{request="token"}} 0.75',
        "# TYPE oidc_gate_store_calls_total counter",
        'oidc_gate_store_calls_total{call="open",result="ok"} 6.0',
        "# TYPE oidc_gate_store_call_seconds histogram",
        'oidc_gate_store_call_seconds_bucket{call="open",le="0.5"} 6.0',
        'oidc_gate_store_call_seconds_bucket{call="open",le="+Inf"} 6.0',
        'oidc_gate_store_call_seconds_count{call="open"} 6.0',
        'oidc_gate_store_call_seconds_sum{call="open"} 0.0',
        "# TYPE oidc_gate_lane_places gauge",
        'oidc_gate_lane_places{lane="store"} 1.5',
        "# TYPE oidc_gate_lane_waiting gauge",
        'oidc_gate_lane_waiting{lane="provider"} 8.0',
        "# TYPE oidc_gate_cached_sessions gauge",
        "oidc_gate_cached_sessions 100.0",
        "# TYPE oidc_gate_processes gauge",
        "oidc_gate_processes 2.0",
    ]


def test_a_histogram_without_its_sum_and_its_last_bucket() -> None:
    found = samples({("store_bucket", "open", "0.5"): 1, ("store_bucket", "find", "+Inf"): 2})
    name = "oidc_gate_store_call_seconds"
    assert {key: value for key, value in found.items() if key[0].startswith(name)} == {
        (f"{name}_bucket", "find", "+Inf"): 2,
        (f"{name}_count", "find"): 2,
        (f"{name}_sum", "find"): 0,
        (f"{name}_bucket", "open", "0.5"): 1,
        (f"{name}_bucket", "open", "+Inf"): 1,
        (f"{name}_count", "open"): 1,
        (f"{name}_sum", "open"): 0,
    }

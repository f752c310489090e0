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

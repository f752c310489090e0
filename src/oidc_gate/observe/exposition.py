"""The metrics in Prometheus's text format, written by ``prometheus_client`` (extra ``[metrics]``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Counts = Mapping[tuple[str, ...], float]


class Described(NamedTuple):
    """A metric as it is published.

    Attributes:
        kind: ``counter``, ``gauge`` or ``histogram``.
        source: The name of the metric in `oidc_gate.runtime.metrics`.
        meaning: One sentence, for the documentation and for Prometheus.
    """

    kind: str
    source: str
    labels: tuple[str, ...]
    meaning: str


METRICS: dict[str, Described] = {
    "oidc_gate_short_path_requests": Described(
        "counter",
        "short_path",
        (),
        "Requests of signed-in users that were answered from the cache, and are in no log.",
    ),
    "oidc_gate_decisions": Described(
        "counter",
        "decisions",
        ("verdict", "code"),
        "All other decisions, by their code in the log. The verdict is allowed, or the status that was sent.",
    ),
    "oidc_gate_notes": Described("counter", "notes", ("code",), "Other events of these requests."),
    "oidc_gate_sign_ins": Described(
        "counter", "sign_ins", ("result",), "Answers of the callback: completed, or the code of the error."
    ),
    "oidc_gate_provider_requests": Described(
        "counter",
        "provider",
        ("request", "result"),
        "Requests to the provider. The result is ok, refused (a status from 400 on), or failed (no usable answer).",
    ),
    "oidc_gate_provider_request_seconds": Described(
        "histogram", "provider", ("request",), "How long requests to the provider took."
    ),
    "oidc_gate_store_calls": Described(
        "counter",
        "store",
        ("call", "result"),
        "Calls of the store. The result is ok, or the code of the error.",
    ),
    "oidc_gate_store_call_seconds": Described(
        "histogram", "store", ("call",), "How long calls of the store took."
    ),
    "oidc_gate_lane_places": Described(
        "gauge",
        "lane_places",
        ("lane",),
        "Requests to the provider and calls of the store that are under way.",
    ),
    "oidc_gate_lane_waiting": Described(
        "gauge", "lane_waiting", ("lane",), "Requests that wait for a place in a lane."
    ),
    "oidc_gate_cached_sessions": Described(
        "gauge",
        "cached_sessions",
        (),
        "Sessions in the caches of all processes, which count each for itself.",
    ),
    "oidc_gate_processes": Described("gauge", "processes", (), "Processes whose numbers are added up here."),
}
"""Every metric, by its name without the suffixes of Prometheus (``_total``, ``_bucket``, ``_sum``, ``_count``)."""


def render(counts: Counts, accept: str) -> tuple[bytes, str]:
    """Return the metrics and their media type.

    Args:
        accept: The ``Accept`` header, which may ask for OpenMetrics.
    """
    from prometheus_client.core import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(_Collector(counts))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Collector:
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, also those without values."""
        for name, described in METRICS.items():
            yield (
                self._histogram(name, described)
                if described.kind == "histogram"
                else self._plain(name, described)
            )

    def _plain(self, name: str, described: Described) -> Metric:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        family: Any = GaugeMetricFamily if described.kind == "gauge" else CounterMetricFamily
        metric: Metric = family(name, described.meaning, labels=described.labels)
        length = 1 + len(described.labels)
        for key, value in sorted(self._counts.items()):
            if key[0] == described.source and len(key) == length:
                metric.add_metric(list(key[1:]), value)  # type: ignore[attr-defined]
        return metric

    def _histogram(self, name: str, described: Described) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        metric = HistogramMetricFamily(name, described.meaning, labels=described.labels)
        buckets: dict[str, dict[str, float]] = {}
        for key, value in self._counts.items():
            if key[0] == described.source + "_bucket" and len(key) == 3 and _is_bound(key[2]):
                buckets.setdefault(key[1], {})[key[2]] = value
        for label, found in sorted(buckets.items()):
            total, cumulated = 0.0, []
            for bound in sorted({*found, "+Inf"}, key=float):
                total += found.get(bound, 0)
                cumulated.append((bound, total))
            seconds = self._counts.get((described.source + "_seconds", label), 0.0)
            metric.add_metric([label], cumulated, seconds)
        return metric


def _is_bound(text: str) -> bool:
    """Return whether `text` is a bound of a bucket. It is not if too many keys were counted: those are "other"."""
    try:
        return float(text) > 0
    except ValueError:
        return False

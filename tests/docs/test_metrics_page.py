"""`docs/metrics.md` and the code have the same metrics, and so does the dashboard."""

from __future__ import annotations

import json
import re

from oidc_gate.observe.exposition import METRICS
from tests.docs.blocks import REPOSITORY

PAGE = REPOSITORY / "docs/metrics.md"


def test_the_page_lists_every_metric_with_its_labels_and_meaning() -> None:
    rows = re.findall(r"^\| `(oidc_gate_\w+)` \| (\w+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.M)
    assert rows == [
        (name, metric.kind, ", ".join(f"`{label}`" for label in metric.labels) or "none", metric.meaning)
        for name, metric in METRICS.items()
    ]


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    dashboard = json.loads((REPOSITORY / "docs/grafana.json").read_text())
    published = {name for family in sample_names() for name in family}
    used: set[str] = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            names = set(re.findall(r"\boidc_gate_\w+", target["expr"]))
            assert names <= published, panel["title"]
            used |= names
            labels = {label for name in names for label in labels_of(name)} | {"job", "le"}
            assert labels_in(target["expr"]) <= labels, panel["title"]
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels
    assert [family for family in sample_names() if not family & used] == []


def test_the_variables_of_the_dashboard() -> None:
    dashboard = json.loads((REPOSITORY / "docs/grafana.json").read_text())
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert variables.keys() == {"datasource", "job"}
    assert re.findall(r"oidc_gate_\w+", variables["job"]["query"]["query"]) == ["oidc_gate_processes"]
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(identifiers)) == len(identifiers)


def sample_names() -> list[set[str]]:
    """Return the names under which Prometheus stores each metric."""
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return [{name + suffix for suffix in suffixes[metric.kind]} for name, metric in METRICS.items()]


def labels_of(name: str) -> tuple[str, ...]:
    plain = re.sub(r"_(total|bucket|sum|count)$", "", name)
    return METRICS[name if name in METRICS else plain].labels


def labels_in(expression: str) -> set[str]:
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    matched = re.findall(r"(\w+)(?:=~|!=|!~|=)\"", expression)
    return {label.strip() for group in grouped for label in group.split(",")} | set(matched)

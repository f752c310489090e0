"""`docs/metrics.md` and the code have the same metrics."""

from __future__ import annotations

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

"""`docs/endpoints.md` and the gate have the same endpoints, with the same methods."""

from __future__ import annotations

import re

from oidc_gate.endpoints.table import ENDPOINTS
from tests.docs.blocks import REPOSITORY


def test_the_page_lists_every_endpoint_with_its_methods() -> None:
    text = (REPOSITORY / "docs/endpoints.md").read_text()
    rows = re.findall(r"^\| `/oauth2/([\w./]+)` \| ([\w, ]+) \| .+ \|$", text, re.M)
    expected = [(name, ", ".join(endpoint.methods) or "any") for name, endpoint in ENDPOINTS.items()]
    assert [(name.removesuffix("/..."), methods) for name, methods in rows] == expected

"""The names of a gate's cookies."""

from __future__ import annotations

import re

from oidc_gate.syntax.cookie_names import PARTS, own_names_pattern


def test_the_pattern_matches_the_names_of_a_gates_cookies_and_no_others() -> None:
    flows = [f".flow{slot}" for slot in range(8)]
    assert (".body", ".body2", ".rounds", *flows) == PARTS
    assert own_names_pattern("oidc_gate") == "oidc_gate(?:[.](?:body2?|rounds|flow[0-7]))?"
    pattern = re.compile(own_names_pattern("__Host-a.b"))
    for part in ("", *PARTS):
        assert pattern.fullmatch("__Host-a.b" + part)
    for other in (
        "__Host-axb",
        "__Host-a.b.body3",
        "__Host-a.b.flow8",
        "__Host-a.b.flow",
        "x__Host-a.b",
        "a.b",
    ):
        assert not pattern.fullmatch(other)

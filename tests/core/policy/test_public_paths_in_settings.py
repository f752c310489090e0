"""A path that no request can reach as a public one is refused as a rule, by the same list."""

from __future__ import annotations

import pytest

from oidc_gate.errors import ConfigurationError
from oidc_gate.policy.public_paths import PublicPaths
from tests.core.request.making import settings

AMBIGUOUS = [
    "/a/../b", "/..", "/a/.", "/a//b", "/a\\b", "/a%2fb", "/a;b", "/a?b", "/a#b", "/a\x01b", "/a\x85b", "/a\udc80b",
]  # fmt: skip


@pytest.mark.parametrize("path", AMBIGUOUS, ids=ascii)
def test_ambiguous_paths_are_neither_rules_nor_public(path: str) -> None:
    with pytest.raises(ConfigurationError, match="public_paths"):
        settings(public_paths=(path,))
    assert not PublicPaths([path]).matches("GET", path, path)
    assert not PublicPaths(["/*"]).matches("GET", path, path)


def test_a_rule_with_a_space_is_refused_and_a_path_with_one_is_not() -> None:
    with pytest.raises(ConfigurationError, match="public_paths"):
        settings(public_paths=("/my file",))
    assert PublicPaths(["/files/*"]).matches("GET", "/files/my file", "/files/my%20file")

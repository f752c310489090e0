"""Paths that need no encoding."""

from __future__ import annotations

import pytest

from oidc_gate.syntax.paths import is_plain_path


@pytest.mark.parametrize("path", ["/a", "/a/b", "/.well-known/x", "/a..b", "/~me/A-Z_0.9"])
def test_plain(path: str) -> None:
    assert is_plain_path(path)


@pytest.mark.parametrize(
    "path", ["", "/", "a", "/a/", "/a//b", "/..", "/a/./b", "/a b", "/%41", "/a;b", "/\u00e4", "/a\n", "/a?b"]
)
def test_not_plain(path: str) -> None:
    assert not is_plain_path(path)

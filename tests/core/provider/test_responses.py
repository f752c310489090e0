"""Members of a provider's answer."""

from __future__ import annotations

import pytest

from oidc_gate.provider.responses import text


@pytest.mark.parametrize(
    ("value", "expected"), [("abc", "abc"), ("abcd", ""), ("", ""), (None, ""), (12, ""), (["a"], "")]
)
def test_a_text_is_bounded(value: object, expected: str) -> None:
    assert text({"a": value}, "a", 3) == expected
    assert text({}, "a", 3) == ""

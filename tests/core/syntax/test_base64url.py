"""Base64url: one text for one value, and nothing else is read."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.syntax.base64url import b64url_decode, b64url_encode


@pytest.mark.parametrize("raw", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_base64url_there_and_back(raw: bytes) -> None:
    assert b64url_decode(b64url_encode(raw)) == raw


@pytest.mark.parametrize(
    "text",
    [
        "AAAA\n\n\n\n",
        "AAAA    ",
        "AAAA!!!!",
        "!!!!",
        "AA!!AA",
        "AAAA====",
        "====",
        "AAAA=AAA",
        "A",
        "AB",
        "AA==",
        "AA\n",
        "A A",
        "+A",
        "/A",
        "AAAA!",
        "é",
        "\ud800",
        "AAA\0",
        "A" * 9 + "B",
        "A" * 14 + "B",
        "A" * 41 + "B",
    ],
)
def test_one_spelling_for_one_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        b64url_decode(text)


@given(st.text(string.ascii_letters + string.digits + "-_+/= ", max_size=12))
def test_only_what_is_written_is_read(text: str) -> None:
    try:
        written = b64url_encode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        written = ""
    if text == written:
        assert b64url_encode(b64url_decode(text)) == text
    else:
        with pytest.raises(ValueError, match=r"."):
            b64url_decode(text)

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.provider.jose.encoding import MAX_JSON_DEPTH, describe_value, read_json_object, write_json


def nested(depth: int, kind: bytes) -> bytes:
    before, after = (b'{"a":', b"}") if kind == b"{" else (b"[", b"]")
    return b'{"a":' + before * (depth - 1) + b"1" + after * (depth - 1) + b"}"


@pytest.mark.parametrize("kind", [b"{", b"["])
def test_the_depth_of_json_is_bounded(kind: bytes) -> None:
    assert read_json_object(nested(MAX_JSON_DEPTH, kind))
    with pytest.raises(ValueError, match="too deep"):
        read_json_object(nested(MAX_JSON_DEPTH + 1, kind))


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b"{", b'{"a":1,"a":2}', b'{"b":{"a":1,"a":2}}', b'{"a":NaN}', b'{"a":1e999}', b"\xff{}",
     b'{"a":"\\udc00"}', b'{"\\ud800":1}', b"\xef\xbb\xbf{}", b'{"a":' + b"9" * 5000 + b"}", "{}".encode("utf-16")],
)  # fmt: skip
def test_json_that_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json_object(raw)


def test_json_that_is_read() -> None:
    raw = '{"name":"Zoë","smile":"\\ud83d\\ude00","n":1.5,"big":12345678901234567890,"none":null}'.encode()
    value = read_json_object(raw)
    assert value == {"name": "Zoë", "smile": "😀", "n": 1.5, "big": 12345678901234567890, "none": None}
    assert read_json_object(write_json(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "nothing"), ({"a": 1}, "an object"), ([1, 2], "a list of 2"), ("x" * 300, "x" * 200), (7, "7")],
)
def test_what_came_is_described_in_few_words(value: Any, text: str) -> None:
    assert describe_value(value) == text

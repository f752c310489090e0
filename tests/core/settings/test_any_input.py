"""Whatever is given, the answer is settings or a `ConfigurationError`, and what is normal stays as it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings import Settings

from .cases import GOOD

NAMES = [field.name for field in dataclasses.fields(Settings)]
PIECES = sorted({
    "https://", "http://", "[::1]", "/", "//", "..", "*", "*.", "@", ":", ":80", "%", "?", "#", " ", "\n", "\x00",
    "localhost", "example.com", "xn--", "ß", "ﬁ", "\ud800", "GET ", "-----BEGIN ", "{", "}", "10.0.0.0/8", "0x7f",
    "1e999", "-", "$", "\\", "=", "&", ",", "a", "0", "\u2100", "\uff20", "com.",
})  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(max_size=20)
VALUE = st.one_of(
    TEXT,
    st.lists(TEXT, max_size=3),
    st.dictionaries(TEXT, TEXT, max_size=2),
    st.booleans(),
    st.none(),
    st.integers(),
    st.floats(),
    st.binary(max_size=4),
)


def _load(**keywords: Any) -> Settings | None:
    try:
        return Settings.load(environ={}, **(GOOD | keywords))
    except ConfigurationError as error:
        str(error)  # it can be told, whatever is in it
        return None


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(value=VALUE)
def test_any_keyword(name: str, value: Any) -> None:
    made = _load(**{name: value})
    if made is not None:
        assert dataclasses.replace(made) == made


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(text=TEXT)
@example(text="0\x1f")  # `str.strip` takes this for a space, and `int` does not
def test_any_variable(name: str, text: str) -> None:
    environ = {f"OIDC_GATE_{key.upper()}": value for key, value in GOOD.items()}
    try:
        Settings.load(environ=environ | {f"OIDC_GATE_{name.upper()}": text})
    except ConfigurationError as error:
        str(error)

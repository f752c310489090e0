"""GUIDs in sixteen bytes each: what comes back is what was given, and nothing else is taken for it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.session.packed_groups import count_guids, pack, unpack

ONE, TWO = "8d3f9a52-0000-4c35-9e1a-00000000000f", "ffffffff-ffff-ffff-ffff-ffffffffffff"
GROUPS = st.lists(
    st.one_of(st.text(max_size=40), st.uuids().map(str), st.uuids().map(lambda u: str(u).upper()))
)


@given(GROUPS)
def test_what_was_packed_comes_back(groups: list[str]) -> None:
    short, packed = pack(groups)
    assert list(unpack(short, packed)) == groups
    assert len(packed) == 16 * count_guids(groups)


@pytest.mark.parametrize(
    ("groups", "short", "size"),
    [
        ([], [], 0),
        ([ONE], [1], 16),
        ([ONE, TWO, "staff", ONE], [2, "staff", 1], 48),
        ([ONE.upper(), "{" + ONE + "}", ONE.replace("-", ""), f"{ONE}\n", "1"], None, 0),
        ([ONE.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}")], None, 0),  # a digit of another script
    ],
)
def test_only_the_form_of_entra_is_packed(groups: list[str], short: Any, size: int) -> None:
    assert pack(groups)[0] == (groups if short is None else short)
    assert len(pack(groups)[1]) == size


@pytest.mark.parametrize(
    ("short", "packed"),
    [
        ([1], b""),
        ([], bytes(16)),
        ([2], bytes(16)),
        ([1], bytes(15)),
        ([-1, 2], bytes(16)),
        ([0, 1], bytes(16)),
        ([10**12], bytes(16)),
        ([True], bytes(16)),
        ([1.0], bytes(16)),
        ([None, 1], bytes(16)),
        ([[1]], bytes(16)),
    ],
)
def test_what_does_not_fit_together_is_refused(short: Any, packed: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpack(short, packed)


def test_200_guids_take_3200_bytes() -> None:
    short, packed = pack(str(uuid.UUID(int=number)) for number in range(200))
    assert (short, len(packed)) == ([200], 3_200)

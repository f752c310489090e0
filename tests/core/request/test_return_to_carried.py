"""How a link carries a target through a sign-in: as it is, compressed, or not at all."""

from __future__ import annotations

import random
import string
import zlib

import pytest

from oidc_gate.request.return_to import (
    MAX_TARGET_LENGTH,
    is_lost,
    rd_parameters,
    unchecked_target,
    unpacked_rd,
)
from oidc_gate.syntax.base64url import b64url_encode
from tests.core.request.making import request

NOISE = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=4000))


def packed(target: str) -> str:
    return b64url_encode(zlib.compress(target.encode(), 9))


def noise_of(length: int) -> str:
    """Return a target that needs `length` characters when it is compressed."""
    return next(f"/{NOISE[:size]}" for size in range(1000, 4000) if len(packed(f"/{NOISE[:size]}")) == length)


@pytest.mark.parametrize("target", ["/", "/a?b=c&d#e", "/" + "a" * 2047, "/" + "/" * 2047, "/" + " " * 682])
def test_a_short_target_stands_in_the_link(target: str) -> None:
    assert rd_parameters(target, "/home") == {"rd": target}


@pytest.mark.parametrize(
    "target", ["/" + "a" * 2048, "/" + "%C3%A9" * 300, "/" + "\u00e9" * 342, "/" + "&" * 683]
)
def test_a_long_target_is_compressed(target: str) -> None:
    params = rd_parameters(target, "/home")
    assert params == {"rdz": packed(target), "rd": ""}
    assert unpacked_rd(f"rdz={params['rdz']}&rd=") == target


def test_the_longest_target_that_is_kept() -> None:
    longest, longer = noise_of(2900), noise_of(2902)
    assert rd_parameters(longest, "/home") == {"rdz": packed(longest), "rd": ""}
    assert rd_parameters(longer, "/home") == {"lost": "1", "rd": "/home"}
    assert unpacked_rd(f"rdz={packed(longest)}") == longest
    assert unpacked_rd(f"rdz={packed(longer)}") == ""


SHORT = packed("/a?b")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"rdz={SHORT}", "/a?b"),
        (f"rdz={SHORT}&rd=", "/a?b"),
        (f"rdz={SHORT}&rd=%23top", "/a?b#top"),
        (f"rdz={SHORT}&rd=%23%FF&x=1", "/a?b#\udcff"),
        (f"rdz={SHORT}&rd=/other", "/a?b"),
        (f"rdz={SHORT}&x=1", "/a?b"),
        (f"prompt=select_account&rdz={SHORT}", "/a?b"),
        (f"prompt=&rdz={SHORT}", ""),
        (f"x=1&rdz={SHORT}", ""),
        (f"rdz={SHORT[:-2]}", "/a?b"),  # the checksum does not matter
        (f"rdz={SHORT}!", ""),
        ("rdz=", ""),
        ("rdz=A", ""),
        ("rdz=AAAA", ""),
        ("", ""),
    ],
)
def test_a_compressed_target_is_read(query: str, expected: str) -> None:
    assert unpacked_rd(query) == expected


def test_a_compressed_target_is_not_unpacked_further_than_it_may_be_long() -> None:
    """One character more, so that it is refused by its length."""
    query = f"rdz={packed('/' + 'a' * 300_000)}"
    assert len(unpacked_rd(query)) == MAX_TARGET_LENGTH + 1


def test_which_target_counts() -> None:
    asked = request(query=f"rdz={SHORT}&rd=/rd", headers={"x-auth-request-redirect": "/header"})
    assert unchecked_target(asked) == "/a?b"
    asked = request(query="rdz=!&rd=/rd", headers={"x-auth-request-redirect": "/header"})
    assert unchecked_target(asked) == "/rd"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lost=1&rd=/", True),
        ("prompt=login&lost=1&rd=/", True),
        ("lost=1", False),
        ("lost=10&rd=/", False),
        ("x=1&lost=1&rd=/", False),
        ("prompt=LOGIN&lost=1&rd=/", False),
        ("", False),
    ],
)
def test_a_target_that_could_not_be_kept(query: str, expected: bool) -> None:
    assert is_lost(query) is expected

"""Numbers in the arguments of commands, and what is said if a package is not installed."""

from __future__ import annotations

import argparse

import pytest

from oidc_gate.cli.common import CommandError, count, needing_extra, port, served_port


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("080", 80), ("65535", 65535)])
def test_ports(text: str, number: int) -> None:
    assert (port(text), served_port(text)) == (number, number)


def test_any_free_port() -> None:
    assert port("0") == port("00") == 0
    for text in ("0", "00"):
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            served_port(text)
        assert str(caught.value) == "'0' is any free port, which no proxy knows: write one from 1 to 65535"


NO_NUMBERS = ("", "-1", "+1", " 1", "1_0", "1.0", "http", "²", "\u0661")


@pytest.mark.parametrize("text", [*NO_NUMBERS, "65536"])
def test_what_is_no_port(text: str) -> None:
    for read in (port, served_port):
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            read(text)
        assert str(caught.value) == f"{text!r} is not a port: write a number from 0 to 65535"


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("2", 2), ("0099999", 99999)])
def test_counts(text: str, number: int) -> None:
    assert count(text) == number


@pytest.mark.parametrize("text", [*NO_NUMBERS, "0"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        count(text)
    assert str(caught.value) == f"{text!r} is not a number of them: write 1 or more"


@pytest.mark.parametrize("name", ["a", "a.b", "b", "b.c.d"])
def test_a_package_of_an_extra_is_named(name: str) -> None:
    with pytest.raises(CommandError) as caught, needing_extra("serve", "a", "b"):
        raise ModuleNotFoundError(name=name)
    package = name.partition(".")[0]
    assert str(caught.value) == f"{package} is not installed; write: pip install 'oidc_gate[serve]'"


@pytest.mark.parametrize("name", [None, "", "c", "c.a", "ab"])
def test_another_module_that_is_missing_comes_as_it_is(name: str | None) -> None:
    with pytest.raises(ModuleNotFoundError), needing_extra("serve", "a", "b"):
        raise ModuleNotFoundError(name=name)

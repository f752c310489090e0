"""The constraints of a field of `Settings` besides its type, for `typing.Annotated`."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Range(NamedTuple):
    """The minimum and the maximum of a number."""

    low: float
    high: float


class MaxLength(NamedTuple):
    """The maximum number of characters of a text."""

    characters: int


class Trait(Enum):
    """A special property of a setting."""

    SECRET = "its value is never shown, and can be read from a file that ``OIDC_GATE_<NAME>_FILE`` names"
    KEY = "the text of a key, so it may have several lines"
    FILE = "the path of a file that must be readable"
    NOT_EMPTY = (
        "an empty list is an error, because it could be meant to let no user in, and would let every user in"
    )
    SPACE_SEPARATED = (
        "one text may hold the whole list, separated by spaces, as OAuth writes it (RFC 6749 §3.3)"
    )

"""What a field of `Settings` says about its values besides their type, in `typing.Annotated`."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Range(NamedTuple):
    """The lowest and the highest number that a setting may be."""

    low: float
    high: float


class MaxLength(NamedTuple):
    """How many characters a text may have."""

    characters: int


class Trait(Enum):
    """What is special about a setting."""

    SECRET = "its value is never shown, and can be read from a file that ``OIDC_GATE_<NAME>_FILE`` names"
    KEY = "the text of a key, so it may have several lines"
    FILE = "the path of a file that must be readable"
    NOT_EMPTY = (
        "an empty list is an error, because it could be meant to let no user in, and would let every user in"
    )
    SPACE_SEPARATED = (
        "one text may hold the whole list, separated by spaces, as OAuth writes it (RFC 6749 §3.3)"
    )

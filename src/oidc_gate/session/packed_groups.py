"""Groups whose names are GUIDs, as Entra ID sends them, in 16 bytes each instead of 39 characters.

A list of groups becomes a list in which a number stands for that many GUIDs in a row, and their bytes::

    ["staff", "8d3f9a52-...", "1c07be16-...", "admins"]   becomes   ["staff", 2, "admins"] and 32 bytes

GUIDs are random, so compression gains nothing on the bytes. Only the form that Entra ID sends is packed: hexadecimal
digits in lower case with four dashes. Any other text stays as it is, so a group is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
GUID_BYTES = 16
GUID_CHARS = 36


def count_guids(groups: Iterable[str]) -> int:
    """Return how many of `groups` `pack` shortens."""
    return sum(_is_guid(group) for group in groups)


def pack(groups: Iterable[str]) -> tuple[list[str | int], bytes]:
    """Return `groups` with numbers instead of GUIDs, and the bytes of the GUIDs."""
    short: list[str | int] = []
    digits: list[str] = []
    for group in groups:
        if not _is_guid(group):
            short.append(group)
            continue
        digits.append(group.replace("-", ""))
        if short and isinstance(short[-1], int):
            short[-1] += 1
        else:
            short.append(1)
    return short, bytes.fromhex("".join(digits))


def unpack(short: Sequence[str | int], packed: bytes) -> tuple[str, ...]:
    """Return the groups that `pack` was given.

    Raises:
        ValueError: The numbers do not fit the bytes.
        TypeError: An item is neither a text nor a number.
    """
    digits = packed.hex()
    guids = iter(
        [
            f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}-"
            f"{digits[at + 16 : at + 20]}-{digits[at + 20 : at + 32]}"
            for at in range(0, len(digits), 2 * GUID_BYTES)
        ]
    )
    numbers = sum(item for item in short if isinstance(item, int))
    if numbers * GUID_BYTES != len(packed) or any(isinstance(item, int) and item < 1 for item in short):
        raise ValueError("the numbers of GUIDs do not fit their bytes")
    groups: list[str] = []
    for item in short:
        if isinstance(item, str):
            groups.append(item)
        elif type(item) is int:
            groups += [next(guids) for _ in range(item)]
        else:
            raise TypeError(type(item))
    return tuple(groups)


def _is_guid(group: str) -> bool:
    return len(group) == GUID_CHARS and _GUID.fullmatch(group) is not None

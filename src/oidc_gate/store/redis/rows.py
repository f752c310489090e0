"""Rows as Redis returns them: the fields of a hash."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import KEY_BYTES, Row


def row_of(key: bytes, fields: Sequence[bytes | None]) -> Row | None:
    """Return the row of `key`, or None if there is none.

    Args:
        fields: The values of the fields ``v``, ``e``, ``l``, ``s``, ``i``, ``n`` and ``b``; None for a missing one.
    """
    version, expires_at, leaves_at, last_seen, indexes, label, body = fields
    if version is None:
        return None
    times = (int(expires_at or 0), int(leaves_at or 0), int(last_seen or 0))
    return Row(key, int(version), *times, split_indexes(indexes or b""), label or b"", body or b"")


def split_indexes(indexes: bytes) -> tuple[bytes, ...]:
    """Return the indexes of a row, which are stored one after another."""
    return tuple(indexes[at : at + KEY_BYTES] for at in range(0, len(indexes), KEY_BYTES))


def over_at(fields: Sequence[bytes | None]) -> int:
    """Return the epoch second at which a row ends, from its fields ``e`` and ``l``; 0 if there is no row."""
    expires_at, leaves_at = fields[:2]
    return min(int(expires_at or 0), int(leaves_at or 0))

"""Names that are no setting of ours, and what people who write them are looking for."""

from __future__ import annotations

from collections.abc import Iterable


def hint_for(name: str, source: str, known: Iterable[str]) -> str:
    """Return what to write instead of the unknown `name`."""
    from difflib import get_close_matches

    plain = name.lower()
    if plain in FOREIGN:
        return FOREIGN[plain]
    nearest = get_close_matches(plain, list(known), n=1, cutoff=0.6)
    return f"did you mean {nearest[0]}?" if nearest else "remove it; docs/settings.md lists all settings"


FOREIGN: dict[str, str] = {}

"""From keywords, environment and TOML to checked `Settings`; imported when the first settings are made.

`sources` finds the raw values and where they came from, `values` gives them their types, the other modules
check what they say. A check never raises: it reports, so that every fault is told at once.
"""

from __future__ import annotations

from .checks import examine
from .report import Report
from .sources import load

__all__ = ["Report", "examine", "load"]

"""How hard the property tests try: `HYPOTHESIS_PROFILE=fuzz` (make fuzz) tries much harder; and the log watch."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.secret_watch import watch_logs

__all__ = ["watch_logs"]

# Two cores shared with servers say nothing about an example's own speed: no deadline anywhere.
settings.register_profile("quick", deadline=None, max_examples=60)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "quick")
)

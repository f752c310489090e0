"""Checks that many settings share: presence, stray characters, ranges, choices, files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

from .report import Report
from .values import LIST, kind_of

REQUIRED = ("issuer", "client_id", "cookie_secret")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEY_TEXTS = frozenset({"client_private_key", "id_token_decryption_key"})  # a PEM has lines

_LABELS = frozenset({"application_name", "provider_name"})
LONGEST_LABEL = 100

RANGES: dict[str, tuple[float, float]] = {
    "max_age_seconds": (0, 31_536_000),
    "provider_timeout_seconds": (0.5, 60),
    "session_lifetime_seconds": (60, 2_592_000),
    "session_idle_seconds": (1, 2_592_000),
    "clock_skew_seconds": (0, 300),
    "session_cache_entries": (1, 10_000_000),
    "session_cache_bytes": (64 * 1024, 64 * 1024**3),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "client_auth": (
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "none",
    ),
    "response_mode": ("query", "form_post"),
    "pushed_authorization_requests": ("auto", "always", "never"),
    "cookie_samesite": ("Lax", "Strict", "None"),
}


def check_texts(report: Report) -> None:
    """Check that what is required is there, and that no text has white space or control characters around."""
    for name in REQUIRED:
        if not getattr(report.settings, name):
            given = name in report.sources
            report.unusable(name, "empty" if given else "missing", variable=name.upper())
    for field in fields(report.settings):
        value = getattr(report.settings, field.name)
        items = value if kind_of(field) == LIST else (value,) if isinstance(value, str) else ()
        _check_items(
            report, field.name, items, is_list=kind_of(field) == LIST, is_optional=value == field.default
        )


def _check_items(
    report: Report, name: str, items: Sequence[str], *, is_list: bool, is_optional: bool
) -> None:
    for item in items:
        if not item.strip():
            if not is_optional:
                return report.unusable(name, "blank_item" if is_list else "empty")
        elif name in _KEY_TEXTS:
            continue
        elif item != item.strip():
            return report.unusable(name, "outer_space")
        elif _CONTROLS.search(item):
            return report.unusable(name, "control_character")
        elif name in _LABELS and len(item) > LONGEST_LABEL:
            return report.unusable(name, "too_long", length=len(item), most=LONGEST_LABEL)
    if not items and name in report.sources and name.startswith("allowed_"):
        report.fault(name, "empty")  # `allowed_groups=[]` would let everyone in


def check_ranges(report: Report) -> None:
    """Check every number against its bounds."""
    for name, (low, high) in RANGES.items():
        value = getattr(report.settings, name)
        if value is not None and not low <= value <= high:  # a NaN is in no range
            report.unusable(name, "out_of_range", value=value, low=f"{low:g}" if low < 1 else low, high=high)


def check_choices(report: Report) -> None:
    """Check every setting that takes one of a few names."""
    for name, choices in CHOICES.items():
        value = getattr(report.settings, name)
        if value is not None and value not in choices:
            meant = [choice for choice in choices if _meant(value, choice)]
            hint = f": you probably mean {meant[0]}" if meant else ""
            report.unusable(name, "not_one_of", value=value, choices=", ".join(choices), hint=hint)


def _meant(value: str, choice: str) -> bool:
    plain = value.strip().lower().replace("-", "_").replace(".", "_")
    return plain == choice.lower() or choice.lower().endswith(f"_{plain}")


def check_files(report: Report) -> None:
    """Check that every file that is named can be read."""
    for name in ("ca_file", "client_certificate", "client_certificate_key"):
        path = getattr(report.settings, name)
        if path is None:
            continue
        if "-----BEGIN" in path:
            report.fault(name, "file_is_text")  # without the value, which may be a key
            continue
        try:
            with open(path, "rb") as file:
                file.read(1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no path"
            report.fault(name, "file", value=path, reason=reason or "not readable")

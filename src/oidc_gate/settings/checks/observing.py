"""Checks of the metrics."""

from __future__ import annotations

import re
from importlib.util import find_spec

from ..report import Draft, Findings, wrong

MIN_TOKEN = 20
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1


def check_metrics(draft: Draft) -> Findings:
    """Check that the token cannot be guessed, and that it can be sent."""
    settings = draft.settings
    token = settings.metrics_token
    if settings.metrics_directory is not None and token is None:
        yield wrong("metrics_directory", "metrics_directory_alone")
    if token is None:
        return
    if len(token) < MIN_TOKEN:
        yield wrong("metrics_token", "metrics_token_short", length=len(token))
    elif not _TOKEN.fullmatch(token):
        yield wrong("metrics_token", "metrics_token_characters")
    elif token == settings.client_secret or token in settings.cookie_secret:
        yield wrong("metrics_token", "metrics_token_shared")
    if find_spec("prometheus_client") is None:
        yield wrong("metrics_token", "metrics_extra")

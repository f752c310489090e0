"""The log of a command: its format, and where it goes."""

from __future__ import annotations

import argparse
import logging
import os

from ..observe.json_log import JSONFormatter

LOG_FORMAT = "OIDC_GATE_LOG_FORMAT"
"""The environment variable with the format of the log, also for worker processes."""
FORMATS = ("text", "json")


def add_log_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--log-format``. Its default is in the environment, for containers."""
    parser.add_argument(
        "--log-format",
        type=_log_format,
        choices=FORMATS,
        default=os.environ.get(LOG_FORMAT, "text"),  # argparse checks a default that is a text, too
        help=f"json writes one object a line ({LOG_FORMAT}, or text)",
    )


def _log_format(text: str) -> str:
    if text not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a format of the log; write text or json")
    return text


def set_up_logging(level: str, log_format: str) -> None:
    """Send the log of this process to standard error, and that of the gate from `level` on.

    Args:
        log_format: ``text`` or ``json``.
    """
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter() if log_format == "json" else text)
    logging.basicConfig(handlers=[handler])
    logging.getLogger("oidc_gate").setLevel(level.upper())

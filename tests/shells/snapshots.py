"""Whole replies, kept as text.

``OIDC_GATE_WRITE_SNAPSHOTS=1`` writes them anew: read the difference, and run the tests once more without it, which
holds every interface, mount and prefix against the one that wrote last.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from tests.shells.driving import Answer
from tests.shells.site import Site
from tests.snapshot_files import compare

FOLDER = Path(__file__).with_name("snapshots")
# What is new each time, or in each release of the files: one word in its place.
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+\b"), "REQUEST-ID"),
    (re.compile(r"\b(state|nonce|code_challenge|id_token_hint)=[\w.~-]+"), r"\1=RANDOM"),
    (re.compile(r"(__Host-oidc_gate(?:\.\w+?)?\d*)=[^;]+"), r"\1=VALUE"),
    (re.compile(r"(\.flow)\d="), r"\1N="),
    (re.compile(r'(name="(?:form_token|state)" value=")[^"]+'), r"\1RANDOM"),
    (re.compile(r"\b(gate|icon)-[0-9a-f]{12}\."), r"\1-DIGEST."),
    (re.compile(r'^etag: "[^"]+"', re.MULTILINE), 'etag: "DIGEST"'),
    # Under WSGI a request waits for a place, and on an event loop it finds the queue full.
    (re.compile(r"(\d waiting: )(?:the queue is full|no place became free in time)"), r"\1LIMIT"),
    (re.compile(r'(session_id": ")[\w-]{22}"'), r'\1RANDOM"'),
)


def rendered(site: Site, answer: Answer, records: Iterable[logging.LogRecord]) -> str:
    """Return an answer, and the log, as text that is the same over every interface, mount and prefix."""
    lines = [f"{answer.kind} {answer.status}"]
    for name, value in answer.headers:
        if name.lower() == "content-length" and answer.body:
            assert value == str(len(answer.body))
        # It depends on the length of the prefix.
        is_length = name.lower() == "content-length" and value != "0"
        lines.append(f"{name.lower()}: {'LENGTH' if is_length else value}")
    text = "\n".join(lines) + "\n\n" + answer.body.decode("utf-8", "backslashreplace")
    text = text.rstrip("\n") + "\n\n" + "\n".join(map(_line, _decisions(records)))
    shell = site.shell
    for written in (str, lambda path: path.replace("/", "%2F")):
        text = text.replace(written(shell.mount + shell.prefix), written("/oauth2"))
        if shell.mount:
            text = text.replace(written(shell.mount), "")
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text.rstrip("\n") + "\n"


def _decisions(records: Iterable[logging.LogRecord]) -> list[logging.LogRecord]:
    """Return the lines about requests, and those of the audit log."""
    return [
        record for record in records if record.name.startswith("oidc_gate") and hasattr(record, "oidc_gate")
    ]


def _line(record: logging.LogRecord) -> str:
    """Return the level of a line of the log, and its fields."""
    return f"{record.levelname} {record.name} {json.dumps(vars(record)['oidc_gate'], default=str)}"


def check(site: Site, name: str, answer: Answer, records: Iterable[logging.LogRecord]) -> None:
    """Hold `answer` and the log against the snapshot of that name, or write it."""
    compare(FOLDER / f"{name}.txt", rendered(site, answer, records))

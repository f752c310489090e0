"""Answers of the check as text, whole, with words in place of what is random."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oidc_gate.check.answers import Answer

_RANDOM = (
    (re.compile(r"oidc-gate-check-[\w-]+"), "oidc-gate-check-RANDOM"),
    (re.compile(r"\b(nonce|code_challenge|code_verifier)=[\w-]+"), r"\1=RANDOM"),
    (re.compile(r"request_uri:\S+"), "request_uri:RANDOM"),
    (re.compile(r"(__Host-\w+)=[\w-]{64}"), r"\1=RANDOM"),
    (re.compile(r"('Sec-WebSocket-Key': ')[\w+/=]{24}'"), r"\1RANDOM'"),
)


def without_random(text: str) -> str:
    """Return `text` with a word in place of each random value."""
    for pattern, word in _RANDOM:
        text = pattern.sub(word, text)
    return text


def rendered(answers: Iterable[Answer]) -> list[str]:
    """Return every field of the answers, one line each."""
    lines = []
    for each in answers:
        facts = {name: value for name, value in each.facts.items() if name != "received"}
        assert each.facts["received"] == each.received
        said = " ".join(filter(None, (each.cause, str(facts) if facts else "")))
        fields = (f"{each.is_right}: {each.question}", said, each.sent, each.received)
        lines.append("    " + without_random(" | ".join(filter(None, fields))))
    return lines

"""Turns the answers of the provider and of the page into findings."""

from __future__ import annotations

from collections.abc import Iterable

from .answers import Answer
from .catalogue import CAUSES
from .findings import Finding


def findings_of(part: str, where: str, answers: Iterable[Answer], **facts: str) -> list[Finding]:
    """Return a finding for each cause that the answers name. If several name the same one, the first is reported.

    Args:
        part: ``provider`` or ``live``.
        where: The issuer, or the URL of the page.
        facts: Values of placeholders for the texts of every cause, such as the prefix of the gate's endpoints.
    """
    found: dict[str, Finding] = {}
    for answer in answers:
        if answer.cause and answer.cause not in found:
            given = {**facts, **answer.facts}
            cause = CAUSES[answer.cause]
            found[answer.cause] = Finding(cause, part, where, given, answer.sent, answer.received)
    return list(found.values())

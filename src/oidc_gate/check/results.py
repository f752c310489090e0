"""Turns the answers of the provider and of the page into findings."""

from __future__ import annotations

from collections.abc import Iterable

from .answers import Answer
from .catalogue import CAUSES
from .findings import Finding


def findings_of(part: str, where: str, answers: Iterable[Answer], **facts: str) -> list[Finding]:
    """Return a finding for each answer that names a cause.

    Args:
        part: ``provider`` or ``live``.
        where: The issuer, or the URL of the page.
        facts: What fills the texts of every cause, such as the prefix of the gate's endpoints.
    """
    return [
        Finding(CAUSES[answer.cause], part, where, {**facts, **answer.facts}, answer.sent, answer.came)
        for answer in answers
        if answer.cause
    ]

"""The questions that the check asks, and what was found: plain values, of which `results` makes findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol


class Exchange(Protocol):
    """A request and its answer, described without secrets."""

    @property
    def sent(self) -> str:
        """Return the request in a few words."""

    @property
    def came(self) -> str:
        """Return the answer in a few words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Args:
        question: What was asked, as the report shows it: "Is the client authentication accepted?"
        is_right: True, False, or None if that is unknown.
        sent: What was sent, without secrets; empty if it follows from an earlier answer.
        came: What came back, or what it means.
        cause: The cause of the catalogue, if something is wrong or doubtful.
        facts: What fills the texts of the cause.
    """

    question: str
    is_right: bool | None
    sent: str = ""
    came: str = ""
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def right(question: str, exchange: Exchange | None = None, came: str = "") -> Answer:
    """Return the answer that all is right."""
    return _answer(question, True, exchange, came, "", {})


def wrong(
    question: str, cause: str, exchange: Exchange | None = None, came: str = "", **facts: str
) -> Answer:
    """Return the answer that something is wrong, or doubtful, and why."""
    return _answer(question, False, exchange, came, cause, facts)


def unknown(question: str, exchange: Exchange | None = None, came: str = "") -> Answer:
    """Return that the answer is unknown."""
    return _answer(question, None, exchange, came, "", {})


def _answer(
    question: str,
    is_right: bool | None,
    exchange: Exchange | None,
    came: str,
    cause: str,
    facts: Mapping[str, str],
) -> Answer:
    sent = exchange.sent if exchange else ""
    shown = "; ".join(filter(None, (exchange.came if exchange else "", came)))
    return Answer(question, is_right, sent, shown, cause, MappingProxyType({"came": shown, **facts}))

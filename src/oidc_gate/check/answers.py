"""The questions of the check and their answers: plain values, which `results` turns into findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol


class Exchange(Protocol):
    """A request and its answer, described without secrets."""

    @property
    def sent(self) -> str:
        """Return the request in a few words."""

    @property
    def received(self) -> str:
        """Return the answer in a few words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Args:
        question: The question as the report shows it: "Is the client authentication accepted?"
        is_right: True, False, or None if that is unknown.
        sent: The request, without secrets; empty if the answer follows from an earlier one.
        received: The response, or what it means.
        cause: The cause of the catalogue, if something is wrong or questionable.
        facts: The values of the placeholders in the texts of the cause.
    """

    question: str
    is_right: bool | None
    sent: str
    received: str
    cause: str
    facts: Mapping[str, str]


def right(question: str, exchange: Exchange | None = None, received: str = "") -> Answer:
    """Return the answer that nothing is wrong."""
    return _answer(question, True, exchange, received, "", {})


def wrong(
    question: str, cause: str, exchange: Exchange | None = None, received: str = "", **facts: str
) -> Answer:
    """Return the answer that something is wrong or questionable, with its cause."""
    return _answer(question, False, exchange, received, cause, facts)


def unknown(question: str, exchange: Exchange | None = None, received: str = "") -> Answer:
    """Return the answer that this is unknown."""
    return _answer(question, None, exchange, received, "", {})


def _answer(
    question: str,
    is_right: bool | None,
    exchange: Exchange | None,
    received: str,
    cause: str,
    facts: Mapping[str, str],
) -> Answer:
    sent = exchange.sent if exchange else ""
    shown = "; ".join(filter(None, (exchange.received if exchange else "", received)))
    return Answer(question, is_right, sent, shown, cause, MappingProxyType({"received": shown, **facts}))

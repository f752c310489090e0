"""The report of the check, as text for people and as JSON for programs. Secrets are replaced wherever they appear."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .answers import Answer
from .explanations import command
from .findings import Finding, exit_status, with_consequences
from .lines import labelled, wrapped
from .provider.registration import Address

_VERDICTS = {True: "right", False: "wrong", None: "unknown"}
MIN_SECRET = 6
"""Shorter secrets are not replaced: they would be found in ordinary words."""


@dataclass(slots=True)
class Report:
    """The answers and findings of every part of the check.

    Args:
        secrets: Values that must not appear in the output.
    """

    findings: list[Finding] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def exit_status(self, *, strict: bool) -> int:
        """Return the exit status of the command."""
        return exit_status(self.findings, strict=strict, is_complete=not self.not_checked)

    def text(self) -> str:
        """Return the report as text."""
        # Hidden before lines are wrapped, because a secret may contain spaces.
        answers = {
            part: [_hidden(each, self._hide) for each in given] for part, given in self.answers.items()
        }
        lines = [line for part, given in answers.items() for line in _answer_lines(part, given)]
        if self.addresses:
            lines += ["Register at the provider:", *(_address_line(each) for each in self.addresses), ""]
        findings = with_consequences(self.findings)
        for finding in findings:
            lines += [*_finding_lines(finding, self._hide), ""]
        lines += [f"not checked: {reason}" for reason in self.not_checked]
        lines.append(_summary(findings, self.not_checked))
        return self._hide("\n".join(lines))

    def json(self, *, strict: bool = False) -> str:
        """Return the report as a JSON object."""
        content = {
            "exit_status": self.exit_status(strict=strict),
            "findings": [as_json(finding) for finding in with_consequences(self.findings)],
            "answers": [
                {
                    "part": part,
                    "question": answer.question,
                    "answer": _VERDICTS[answer.is_right],
                    "sent": answer.sent,
                    "received": answer.received,
                    "cause": answer.cause,
                }
                for part, answers in self.answers.items()
                for answer in answers
            ],
            "register": {address.name: address.url for address in self.addresses},
            "not_checked": self.not_checked,
        }
        # Hidden in each text, because JSON writes some characters of a secret in another way.
        return json.dumps(self._hide_in(content), indent=2, ensure_ascii=False)

    def _hide(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= MIN_SECRET:
                text = text.replace(secret, "(hidden)")
        return text

    def _hide_in(self, value: Any) -> Any:
        match value:
            case str():
                return self._hide(value)
            case dict():
                return {name: self._hide_in(item) for name, item in value.items()}
            case list():
                return [self._hide_in(item) for item in value]
            case _:
                return value


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding with its texts and its consequences."""
    return {
        "cause": finding.cause.name,
        "severity": finding.cause.severity,
        "part": finding.part,
        "where": finding.where,
        "what": finding.what,
        "seen": finding.seen,
        "fix": finding.fix,
        "read": f"docs/{finding.cause.read}",
        "more": command(finding.cause.name),
        "sent": finding.sent,
        "received": finding.received,
        "consequences": [as_json(each) for each in finding.consequences],
    }


def _answer_lines(part: str, answers: Sequence[Answer]) -> Iterator[str]:
    yield f"{part}:"
    for answer in answers:
        received = f" ({answer.received})" if answer.received else ""
        yield from wrapped(f"  {_VERDICTS[answer.is_right]:<15} ", answer.question + received)
    yield ""


def _address_line(address: Address) -> str:
    return f"  {address.name:<25} {address.url}  ({address.note})"


def _hidden(answer: Answer, hide: Callable[[str], str]) -> Answer:
    return replace(answer, question=hide(answer.question), received=hide(answer.received))


def _finding_lines(finding: Finding, hide: Callable[[str], str]) -> Iterator[str]:
    start = f"{finding.cause.severity.upper()} {finding.cause.name}: "
    yield from wrapped(start, hide(finding.what), indent=4)
    rows = (
        ("where", finding.where),
        ("users see", finding.seen),
        ("fix", finding.fix),
        ("sent", finding.sent),
        ("received", finding.received if finding.received not in finding.what else ""),
        ("more", command(finding.cause.name)),
    )
    for label, value in rows:
        if value:
            yield from labelled(label, hide(value))
    for each in finding.consequences:
        yield from wrapped("    therefore:  ", f"{each.cause.name}: {hide(each.what)}")


def _summary(findings: Iterable[Finding], not_checked: Sequence[str]) -> str:
    # A consequence is not counted, because it disappears with the finding that explains it.
    severities = [finding.cause.severity for finding in findings]
    counts = [(severities.count("error"), "error"), (severities.count("warning"), "warning")]
    shown = ", ".join(f"{number} {name}{'' if number == 1 else 's'}" for number, name in counts)
    return shown + (", and not everything could be checked" if not_checked else "")

"""Plain words: identifiers that were replaced stay away, and so does English that has to be read twice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src/oidc_gate"

RETIRED = frozenset(
    [
        "tell",
        "told",
        "Told",
        "recognise",
        "meet",
        "Known",
        "Visit",
        "visit",
        "visit_of",
        "Parts",
        "Found",
        "Engine",
        "engine",
        "_engine",
        "Marks",
        "MemoryMarks",
        "marks",
        "_Room",
        "Remember",
        "Recall",
        "remember",
        "recall",
        "judged",
        "here",
        "home",
        "wanted",
        "asked_target",
        "_welcome",
        "_onward",
        "judge",
        "refuse_trouble",
        "_OURS_TO_MEND",
        "odd",
        "trouble",
        "Refreshed",
        "Gathering",
        "strangers",
        "hangs_at",
        "apart",
        "dressed",
        "_wearing",
        "_twin",
        "interface_of",
        "EntryRules",
        "NOBODY",
        "Someone",
        "LineFull",
        "line_up",
        "Follower",
        "News",
        "AskNews",
        "hear",
        "Doubt",
        "doubts",
        "Surroundings",
        "came",
        "anew",
    ]
)
RETIRED_PREFIXES = ("MOST_", "LONGEST_", "SHORTEST_", "FEWEST_", "LEAST_")
RETIRED_MODULES = frozenset(
    [
        "asgi_messages",
        "backend",
        "cookies",
        "deadline",
        "faults",
        "interface",
        "marks",
        "offloop",
        "outbound",
        "shell",
        "world",
        "configuration",
        "endpoints.base",
        "endpoints.replies",
        "endpoints.trouble",
        "check.doubts",
        "policy.entry",
        "refresh.following",
        "store.follow",
        "provider.answers",
        "provider.refreshed",
        "ext._demand",
    ]
)
ENGLISH = re.compile(
    r"\b(?:somebody|nobody|whoever|anybody|everybody|told|mend(?:s|ed|ing)?|judge[sd]?|judging|visitors?)\b"
    r"|\b(?:(?:says|asks) of|became of|(?:is|are) let in|(?:first|wait(?:s|ed|ing)?) in line)\b"
    r"|(?<!\bthere )\bis no (?!longer\b|more\b)",
    re.IGNORECASE,
)
CONTRACT = re.compile(r'(["\'])nobody\1')  # signed by 0.1 into the sign-out form of an anonymous user

TEXTS = sorted(
    [
        *SOURCE.rglob("*.py"),
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / "docs").rglob("*.conf"),
        *(REPOSITORY / "examples").rglob("*.md"),
    ],
    key=str,
)


def name_of(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def identifiers(file: Path) -> Iterator[str]:
    """Yield every name that `file` defines or uses."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case (
                ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name))
            ):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=as_name):
                yield as_name or name.rpartition(".")[2]


def test_replaced_identifiers_stay_away() -> None:
    found = [
        f"{name_of(file)}: {name}"
        for file in sorted(SOURCE.rglob("*.py"))
        for name in sorted(set(identifiers(file)))
        if name in RETIRED or name.lstrip("_").startswith(RETIRED_PREFIXES)
    ]
    assert found == []


def test_replaced_modules_stay_away() -> None:
    paths = {module: SOURCE / module.replace(".", "/") for module in RETIRED_MODULES}
    assert [m for m, path in paths.items() if path.is_dir() or path.with_suffix(".py").exists()] == []


def test_english_is_plain() -> None:
    """Write the sentence again where this fails: user, client, operator, attacker; "is not a setting"."""
    texts = {name_of(file): CONTRACT.sub("", file.read_text()) for file in TEXTS}
    found = [
        f"{name}: {text[max(0, match.start() - 40) : match.end() + 40]}"
        for name, text in texts.items()
        for match in ENGLISH.finditer(text)
    ]
    assert found == []

"""What an operator reads about wrong settings, and what right ones become, as whole texts.

``OIDC_GATE_WRITE_SNAPSHOTS=1`` writes the files in ``written`` anew: read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings import Settings
from oidc_gate.settings.hints import FOREIGN

from .cases import CERTIFICATE, GOOD, SECRET
from .good import GOOD_CHANGES
from .more_cases import EVERY_CASE, FOLLOWS

FOLDER = Path(__file__).with_name("written")


def plain(value: object) -> str:
    """Return a value as text that is the same wherever the checkout is."""
    return repr(value).replace(repr(CERTIFICATE)[1:-1], "CERTIFICATE")


def check(name: str, text: str) -> None:
    file = FOLDER / f"{name}.txt"
    if os.environ.get("OIDC_GATE_WRITE_SNAPSHOTS") == "1":
        file.write_text(text, "utf-8")
    assert text.splitlines() == file.read_text("utf-8").splitlines(), (
        f"{file} differs; OIDC_GATE_WRITE_SNAPSHOTS=1 writes it anew"
    )


def problems(changes: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | changes))
    return [ascii(str(problem))[1:-1].replace("\\'", "'") for problem in caught.value.problems]


def test_every_problem_says_what_is_wrong_and_what_to_write() -> None:
    every = [changes for changes, _, _ in EVERY_CASE] + [changes for changes, _, _ in FOLLOWS]
    check("problems", "\n\n".join("\n  ".join([plain(changes), *problems(changes)]) for changes in every))


def test_every_name_of_another_program_leads_to_a_setting_or_to_a_reason() -> None:
    found = []
    for name in FOREIGN:
        with pytest.raises(ConfigurationError) as caught:
            Settings(**GOOD, **{name: "x"})  # type: ignore[arg-type]
        (problem,) = caught.value.problems
        found.append(f"{problem.setting}: {problem.fix}")
    check("foreign_names", "\n".join(found))


def test_right_settings_have_one_normal_form() -> None:
    """Each value that is another than with `GOOD` alone."""
    usual = vars(Settings(**GOOD))
    blocks = []
    for changes in GOOD_CHANGES:
        made = vars(Settings(**(GOOD | changes)))
        assert list(made) == list(usual)
        shown = [f"{name} = {plain(value)}" for name, value in made.items() if value != usual[name]]
        blocks.append("\n  ".join([plain(changes), *shown]))
    check("normal_forms", "\n\n".join(blocks))


def test_the_defaults() -> None:
    usual = vars(Settings(issuer="https://op.example.com", client_id="app", cookie_secret=SECRET))
    check("defaults", "\n".join(f"{name} = {value!r}" for name, value in sorted(usual.items())))

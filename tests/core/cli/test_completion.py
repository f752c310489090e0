"""The completion files, which are written from the parser and shipped."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.completion import DIRECTORY, SHELLS
from tools.completion_files import completion


@pytest.mark.parametrize("shell", SHELLS)
def test_the_files_are_those_of_the_parser(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DIRECTORY / f"oidc-gate.{shell}").read_text("utf-8")
    assert text == completion(shell), "run: make completions"
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == text


COMPLETE = """
source {file}
complete_words() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    "$(complete -p oidc-gate | sed 's/.*-F \\([^ ]*\\).*/\\1/')" oidc-gate "${{COMP_WORDS[COMP_CWORD]}}" ""
    echo "${{COMPREPLY[@]}}"
}}
complete_words {words}
"""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("oidc-gate ser", {"serve"}),
        ("oidc-gate serve --work", {"--workers"}),
        ("oidc-gate serve --server gr", {"granian"}),
        ("oidc-gate check --ngin", {"--nginx"}),
        ("oidc-gate check --nginx ngin", {"nginx.conf"}),
    ],
)
def test_bash_completes(words: str, completed: set[str], tmp_path: Path) -> None:
    if (bash := shutil.which("bash")) is None:
        pytest.skip("there is no bash here")
    (tmp_path / "nginx.conf").write_text("")
    done = subprocess.run(
        [bash, "--norc", "-c", COMPLETE.format(file=DIRECTORY / "oidc-gate.bash", words=words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(done.stdout.split()) == completed, done.stderr

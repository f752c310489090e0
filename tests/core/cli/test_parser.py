"""The command line: one line for a wrong argument, with what is similar, and help whose examples can be run."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from importlib import import_module

import pytest

from oidc_gate.cli import BROKEN_PIPE, COMMANDS, INTERRUPTED, build_parser, main


def refusal(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "serv",
            "oidc-gate: argument COMMAND: there is no 'serv': did you mean serve?; the commands are serve, ",
        ),
        ("zzz", "oidc-gate: argument COMMAND: there is no 'zzz'; the commands are serve, "),
        (
            "--versio",
            "oidc-gate: there is no argument '--versio' here: did you mean --version?; see oidc-gate",
        ),
        ("serve --prot 80", "oidc-gate serve: there is no argument '--prot' here: did you mean --port?"),
        ("serve --PORT=80", "oidc-gate serve: there is no argument '--PORT' here: did you mean --port?"),
        ("serve --work 2", "oidc-gate serve: there is no argument '--work' here: did you mean --workers?"),
        ("serve --zzz 2", "oidc-gate serve: there is no argument '--zzz' here; see oidc-gate serve --help"),
        ("serve app:app", "oidc-gate serve: there is no argument 'app:app' here; see oidc-gate serve --help"),
        (
            "secret a b --opt=c -d",
            "oidc-gate secret: there is no argument '--opt' here; see oidc-gate secret",
        ),
        ("secret a=b", "oidc-gate secret: there is no argument 'a' here; see oidc-gate secret --help"),
        (
            "serve --server uvicron",
            "argument --server: there is no 'uvicron': did you mean uvicorn?; write one of",
        ),
        ("serve --workers none", "oidc-gate serve: argument --workers: 'none' is not a number of them"),
        (
            "serve --port",
            "oidc-gate serve: argument --port: expected one argument; see oidc-gate serve --help",
        ),
        ("check --ngnix x", "oidc-gate check: there is no argument '--ngnix' here: did you mean --nginx?"),
        ("completion", "oidc-gate completion: the following arguments are required: shell; see"),
    ],
)
def test_a_wrong_argument_is_one_line(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refusal(words, capsys)


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(f"\n    {command}" in shown.err for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_that_can_be_run(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = import_module(f"oidc_gate.cli.{command}").EXAMPLES.strip().splitlines()
    assert lines
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for line in lines:
        assert f"\n  {line}\n" in shown
        ours = line.partition("$(")[2].removesuffix(")") or line.rpartition("| ")[2].partition(" > ")[0]
        words = shlex.split(ours)
        assert words[:2] == ["oidc-gate", command]
        build_parser().parse_args(words[1:])


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("oidc_gate.cli.secret.run", interrupted)
    assert main(["secret"]) == INTERRUPTED == 128 + signal.SIGINT
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["secret", "completion bash"])
def test_a_reader_that_has_gone_is_no_error(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "oidc_gate.cli", *command.split()],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")
    assert BROKEN_PIPE == 128 + signal.SIGPIPE

"""Every block of code in README and docs is executed, or checked in the way of its language."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from oidc_gate import Settings
from oidc_gate.cli import COMMANDS
from oidc_gate.testing import environ_for_tests
from tests.docs.blocks import LANGUAGES, REPOSITORY, Block, blocks, blocks_of
from tests.docs.given import FROM
from tests.real.components import need
from tests.real.nginx import nginx
from tests.real.process import environment

ALL = list(blocks())
MAKEFILE = (REPOSITORY / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))

ENVIRONMENT = {**environ_for_tests(), "OIDC_GATE_PUBLIC_URL": "http://localhost:8000"}
CALL_TESTS = "\nfor _name, _test in list(globals().items()):\n    if _name.startswith('test_'): _test()\n"
_WORDS = re.compile(
    r"(?:^|[;&|]\s*)((?:[A-Z_]+=\S+\s+)*)(?:\.venv/bin/)?(make|oidc-gate) ([^;&|\n]*)", re.MULTILINE
)


def only(language: str) -> list[Block]:
    return [block for block in ALL if block.language == language and block.mark != "not run"]


@pytest.mark.parametrize("block", ALL, ids=str)
def test_the_language_is_one_that_is_checked(block: Block) -> None:
    assert block.language in LANGUAGES


@pytest.mark.slow
@pytest.mark.parametrize("block", only("python"), ids=str)
def test_python_runs(block: Block, tmp_path: Path) -> None:
    for other in blocks_of(block.page):
        if other.mark == "file":
            file = tmp_path / other.word
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(other.text)
    if block.mark == "file":
        program = f"import {block.word.removesuffix('.py').replace('/', '.')}"
    else:
        program = FROM.format(names=block.word) if block.mark == "given" else ""
        program += block.text + CALL_TESTS
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=environment(ENVIRONMENT),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", only("sh"), ids=str)
def test_commands_of_ours_exist(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {f"OIDC_GATE_{field.name.upper()}" for field in fields(Settings)}
    known = settings | {f"{name}_FILE" for name in settings} | {"OIDC_GATE_CONFIG", "OIDC_GATE_NO_APT"}
    assert set(re.findall(r"\bOIDC_GATE_[A-Z_]+(?==)", block.text)) <= known
    for _, command, rest in _WORDS.findall(block.text.replace("\\\n", " ")):
        words = shlex.split(rest, comments=True)
        if command == "make":
            assert {word for word in words if "=" not in word} <= TARGETS
        elif words:
            assert_parses(words)


def assert_parses(words: list[str]) -> None:
    from argparse import ArgumentParser
    from importlib import import_module

    if words == ["--version"]:
        return
    assert words[0] in COMMANDS
    parser = ArgumentParser(exit_on_error=False)
    import_module(f"oidc_gate.cli.{words[0]}").configure(parser)
    parser.parse_args(words[1:])


@pytest.mark.parametrize("block", only("toml"), ids=str)
def test_toml_is_settings(block: Block, tmp_path: Path) -> None:
    keys = tomllib.loads(block.text)
    file = tmp_path / "gate.toml"
    file.write_text(block.text)
    required: dict[str, Any] = {
        name.removeprefix("OIDC_GATE_").lower(): value
        for name, value in environ_for_tests().items()
        if name.removeprefix("OIDC_GATE_").lower() not in keys
    }
    Settings.load(config=file, environ={}, **required)


def test_json_is_json() -> None:
    for block in only("json"):
        json.loads(block.text)


@pytest.mark.real
@pytest.mark.parametrize("block", only("nginx"), ids=str)
def test_nginx_takes_it(block: Block, tmp_path: Path) -> None:
    need("nginx")
    text = block.text if "server {" in block.text else f"server {{\nlisten 80;\n{block.text}\n}}"
    upstreams = (
        "upstream application { server 127.0.0.1:8080; }\nupstream oidc_gate { server 127.0.0.1:4180; }\n"
    )
    with nginx(upstreams + text, directory=tmp_path):
        pass


@pytest.mark.real
@pytest.mark.parametrize("block", only("caddyfile"), ids=str)
def test_caddy_takes_it(block: Block, tmp_path: Path) -> None:
    (binary,) = need("caddy")
    file = tmp_path / "Caddyfile"
    file.write_text(block.text)
    argv: list[str | Path] = [binary, "adapt", "--adapter", "caddyfile", "--config", file]
    env = environment(
        {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    )
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

"""`docs/getting-started.md`, done word for word: the files written, the commands run, Ada signed in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import REPOSITORY, blocks_of
from tests.examples.visiting import Visitor, demo
from tests.real.process import environment

pytestmark = pytest.mark.real

BLOCKS = list(blocks_of(REPOSITORY / "docs/getting-started.md"))
COMMANDS = [line for block in BLOCKS if block.language == "sh" for line in block.text.splitlines()]


def test_the_commands_are_these() -> None:
    assert [line.split()[-1] for line in COMMANDS if "demo" in line] == list(SITES)


SITES = {
    "flask_site:app": "Hello, ada@example.com",
    "fastapi_site:app": "Hello, ada@example.com",
    "mysite.wsgi:application": "Hello, ada@example.com. To Django you are oidc-",
}


@pytest.mark.parametrize("application", SITES)
def test_somebody_signs_in(application: str, tmp_path: Path) -> None:
    for block in BLOCKS:
        if block.mark == "file":
            file = tmp_path / block.word
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text)
    if application.startswith("mysite"):
        (command,) = (line for line in COMMANDS if line.startswith("python -m django"))
        argv = [sys.executable, *command.split()[1:]]
        subprocess.run(argv, cwd=tmp_path, env=environment(), check=True, capture_output=True)
    with demo(application, directory=tmp_path, ready_path="/oauth2/ping") as server:
        url = f"http://localhost:{server.port}"
        assert SITES[application] in Visitor(url).sign_in("ada", "/").text
        assert Visitor(url).sign_in("eve", "/").status_code == 403

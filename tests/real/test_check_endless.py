"""`oidc-gate check --nginx` on what never ends: it is read up to the limit, and one sentence says why."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from oidc_gate.testing import environ_for_tests
from tests.real.process import REPOSITORY

pytest.importorskip("crossplane")
COMMAND = [sys.executable, "-m", "oidc_gate.cli", "check", "--offline", "--nginx"]
LINES = {
    "directives": b"a b;\n",
    "comment": b"#",
    "sections": b"# configuration file /etc/nginx/a:\n",
    "quotation mark": b"'",
    "nothing": b"\0",
    "blocks": b"a{",
}


@pytest.mark.parametrize("line", LINES.values(), ids=list(LINES))
def test_an_endless_pipe(line: bytes) -> None:
    with subprocess.Popen(
        [*COMMAND, "-"],
        env=os.environ | environ_for_tests(),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdin is not None
        writer = threading.Thread(target=_write_forever, args=(process.stdin.fileno(), line * 10_000))
        writer.start()
        assert process.stdout is not None
        try:
            text = process.stdout.read().decode()
            assert process.wait(timeout=240) == 2
        finally:
            process.kill()
            writer.join(timeout=60)
    assert "Nginx: " in text
    assert "Traceback" not in text


def _write_forever(pipe: int, chunk: bytes) -> None:
    try:
        while True:
            os.write(pipe, chunk)
    except OSError:
        return  # it has ended


@pytest.mark.parametrize(("path", "expected"), [("/dev/zero", "10 MB"), ("/etc", "is a directory")])
def test_what_is_no_file(path: str, expected: str, tmp_path: Path) -> None:
    for given in (path, str(tmp_path / "nginx.conf")):
        (tmp_path / "nginx.conf").write_text(f"http {{ include {path}; }}")
        done = subprocess.run(
            [*COMMAND, given],
            env=os.environ | environ_for_tests(),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 2
        assert expected in done.stdout or "cannot be read: Is a directory" in done.stdout, done.stdout

"""What serving signed-in users must not load, and where it is loaded; who may import whom is in `test_layout`."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

from tests.core.late_imports import LATE, LEAST_MILLISECONDS, entry_for

OURS = {"oidc_gate.testing"}
LIBRARIES = {"authlib", "requests", "joserfc", "werkzeug"}
SPEAKS_HTTP = {"email", "http.client", "ssl", "urllib.request"}

PROGRAM = """
import os, sys
from oidc_gate import OIDCGate, Identity, Settings
settings = Settings.load(environ={{}}, issuer="https://op.example", client_id="c", client_secret="s" * 32,
                         cookie_secret="bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc")
def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [environ["oidc_gate.identity"].subject.encode()]
async def asgi(scope, receive, send):
    await send(scope["oidc_gate.identity"].subject)
gate = OIDCGate({shell}, settings)
runtime = gate._runtime
runtime.warmed_up_pid = os.getpid()
from oidc_gate.runtime.driver import run
from oidc_gate.model import Session
import time
now = int(time.time())
session = Session(Identity("https://op.example", "alice", expires_at=now + 99), now, now)
_, cookies = run(runtime.gate.components.sessions.write(session), runtime.world, None)
cookie = cookies[0].partition(";")[0]
for _ in range(2):
    if "{shell}" == "wsgi":
        environ = dict(REQUEST_METHOD="GET", PATH_INFO="/", HTTP_HOST="app", HTTP_COOKIE=cookie)
        answer = b"".join(gate(environ, lambda *start: None)).decode()
    else:
        said = []
        async def send(message):
            said.append(message)
        headers = [(b"host", b"app"), (b"cookie", cookie.encode())]
        scope = dict(type="http", method="GET", path="/", query_string=b"", headers=headers)
        try:
            gate(scope, None, send).send(None)
        except StopIteration:
            answer = said[0]
    assert answer == "alice", answer
print(*sys.modules)
"""


@pytest.mark.parametrize("shell", ["wsgi", "asgi"])
def test_serving_somebody_signed_in_loads_nothing_heavy(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(shell=shell)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (OURS | LIBRARIES | SPEAKS_HTTP) & set(done.stdout.split()) == set()


SOURCE = Path(__file__).parents[2] / "src/oidc_gate"
# Outside the core; settings are read, and a store is opened, before a worker has threads; the last one holds a lock.
NOT_AMONG_THREADS = (
    *("__init__.py", "settings", "check", "cli", "ext", "testing"),
    *("runtime/store.py", "store/urls.py"),
)
LOADED = """
import json, sys
import oidc_gate.asgi, oidc_gate.wsgi
from oidc_gate.runtime import libraries
assert not libraries.is_loaded()
libraries.load()
libraries.load_metrics()
assert libraries.is_loaded()
print(json.dumps(sorted(sys.modules)))
"""


@cache
def imported_in_functions(file: Path) -> tuple[tuple[int, str], ...]:
    """Return line and module of every import that runs when a function is called."""
    return tuple(_imported_in_functions(file))


def _imported_in_functions(file: Path) -> Iterator[tuple[int, str]]:
    package = ".".join(("oidc_gate", *file.relative_to(SOURCE).parts[:-1]))
    for function in ast.walk(ast.parse(file.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.lineno, resolve_name("." * node.level + (node.module or ""), package)
            elif isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                if name in ("import_module", "__import__") and file.name != "libraries.py":
                    yield node.lineno, f"whatever {name} is given"


def test_threads_meet_in_no_import_but_that_of_libraries() -> None:
    """CPython fails imports that threads enter at two ends (`_DeadlockError`, `KeyError`); see `libraries`."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    files = [
        file
        for file in SOURCE.rglob("*.py")
        if not str(file.relative_to(SOURCE)).startswith(NOT_AMONG_THREADS)
    ]
    found = [(file, line, module) for file in files for line, module in imported_in_functions(file)]
    assert len(found) > 10
    late = [f"{file.name}:{line}: {module}" for file, line, module in found if module not in loaded]
    assert late == [], "import at the top, or add it to oidc_gate.runtime.libraries.MODULES"


# Here the name of the module is only known when the function runs.
COMPUTED = {"cli/__init__.py", "cli/application.py", "testing/__init__.py"}


def test_an_import_inside_a_function_has_a_measured_reason() -> None:
    """What takes less than a millisecond, and is always installed, belongs at the top of its file."""
    unlisted, used = [], set[str]()
    for file in SOURCE.rglob("*.py"):
        name = str(file.relative_to(SOURCE))
        for line, module in imported_in_functions(file):
            if module.startswith("whatever ") and name in COMPUTED:
                continue
            if entry := entry_for(module):
                used.add(entry)
            else:
                unlisted.append(f"{name}:{line}: {module}")
    assert unlisted == [], "import it at the top, or measure it and add it to tests/core/late_imports.py"
    assert used == LATE.keys(), "no function imports it any more"
    too_cheap = [
        n for n, late in LATE.items() if late.milliseconds < LEAST_MILLISECONDS and not late.is_optional
    ]
    assert too_cheap == []


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("oidc_gate.testing", "oidc_gate.testing"),
        ("oidc_gate.testing.django_clients", "oidc_gate.testing.django_clients"),
        ("requests.utils", "requests"),
        ("requests_of_another_kind", None),
        ("socket", None),
        ("oidc_gate", None),
    ],
)
def test_an_entry_covers_what_is_below_it(module: str, expected: str | None) -> None:
    assert entry_for(module) == expected

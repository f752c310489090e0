"""What serving somebody signed in must not load; who may import whom is in `test_imports`."""

from __future__ import annotations

import subprocess
import sys

import pytest

OURS = {"oidc_gate.testing", "oidc_gate.pages"}
LIBRARIES = {"authlib", "requests", "joserfc", "werkzeug", "itsdangerous"}
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
engine = gate._engine
engine.warmed_in = os.getpid()
from oidc_gate.effects import run
from oidc_gate.model import Session
import time
now = int(time.time())
session = Session(Identity("https://op.example", "alice", expires_at=now + 99), now, now)
_, cookies = run(engine.gate.parts.sessions.write(session), engine.world, None)
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

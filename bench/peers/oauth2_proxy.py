"""oauth2-proxy: the session in the cookie, and of it the claims alone, which is its quickest way."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.backend import Backend
from bench.peers.ours import slug
from bench.provider import CLIENT_ID, CLIENT_SECRET
from tests.real.process import running

MODULE = "github.com/oauth2-proxy/oauth2-proxy/v7"
# Where the registry does not hand out the newest: the newest that it did hand out when this was written.
FALLBACK = "v7.8.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "oidc_gate-bench"


def binary() -> tuple[Path | None, str]:
    """Return the program and its version, building it the first time; or None and the reason."""
    on_path = shutil.which("oauth2-proxy")
    built = Path(on_path) if on_path else CACHE / "bin/oauth2-proxy"
    if not built.exists():
        if shutil.which("go") is None:
            return None, "there is no Go here to build it with"
        if reason := _build():
            return None, reason
    told = subprocess.run(["go", "version", "-m", built], capture_output=True, text=True, check=False).stdout
    versions = [w[2] for w in map(str.split, told.splitlines()) if w[0] in ("mod", "dep") and w[1] == MODULE]
    return built, versions[0] if versions else "of unknown version"


def _build() -> str:
    """Build the newest release, else the fallback; return why it could not be."""
    env = {**os.environ, "GOBIN": str(CACHE / "bin")}
    if _go(["install", MODULE + "@latest"], CACHE, env) == "":
        return ""
    room = CACHE / "oauth2-proxy"
    room.mkdir(parents=True, exist_ok=True)
    (room / "go.mod").write_text(f"module bench\n\nrequire {MODULE} {FALLBACK}\n")
    (room / "program.go").write_text(f'//go:build tools\n\npackage bench\n\nimport _ "{MODULE}"\n')
    return _go(["build", "-mod=mod", "-o", "../bin/oauth2-proxy", MODULE], room, env)


def _go(words: list[str], directory: Path, env: dict[str, str]) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["go", *words], cwd=directory, env=env, capture_output=True, text=True, timeout=900, check=False
        )
    except subprocess.TimeoutExpired:
        return "go took too long to build it"
    return "" if done.returncode == 0 else f"go {words[0]}: {done.stderr.strip().splitlines()[-1][:200]}"


def redirect_uri(port: int) -> str:
    """Return what has to be registered."""
    return f"http://127.0.0.1:{port}/oauth2/callback"


@contextmanager
def oauth2_proxy(
    name: str, issuer: str, port: int, directory: Path, *, threads: int = 0
) -> Iterator[Backend]:
    """Run it.

    Args:
        threads: GOMAXPROCS; as many as there are processors if 0.
    """
    program, _ = binary()
    assert program is not None
    argv: list[str | Path] = [
        program, "--provider=oidc", f"--oidc-issuer-url={issuer}", f"--client-id={CLIENT_ID}",
        f"--client-secret={CLIENT_SECRET}", "--cookie-secret=0123456789abcdef0123456789abcdef",
        "--cookie-secure=false", "--email-domain=*", f"--http-address=127.0.0.1:{port}",
        f"--redirect-url={redirect_uri(port)}", "--upstream=static://202", "--reverse-proxy=true",
        "--set-xauthrequest=true", "--code-challenge-method=S256", "--skip-provider-button=true",
        "--request-logging=false", "--auth-logging=false", "--standard-logging=false",
        "--session-store-type=cookie", "--session-cookie-minimal=true", "--pass-access-token=false",
        "--scope=openid email profile groups",
    ]  # fmt: skip
    env = {"GOMAXPROCS": str(threads)} if threads else {}
    with running(slug(name), argv, port=port, directory=directory, env=env, ready_path="/ping") as server:
        yield Backend(
            name, port, "/oauth2/auth", server.process.pid,
            f"http://127.0.0.1:{port}/oauth2/start?rd=/oauth2/userinfo",
        )  # fmt: skip

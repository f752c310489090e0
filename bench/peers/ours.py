"""`oidc-gate serve`, its variants, and the same servers when they answer an empty 202."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.peers.backend import Backend
from bench.provider import CLIENT_ID, CLIENT_SECRET
from tests.real.process import running

STORE = "BENCH_SESSION_STORE"  # in the environment, since some gates are made in processes of their own
COOKIE_SECRET = "only-for-measuring-0123456789-0123456789-abc"


def settings(issuer: str, port: int, **further: Any) -> dict[str, Any]:
    """Return the settings of a gate on `port`."""
    return {
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "cookie_secret": COOKIE_SECRET,
        "public_url": f"http://127.0.0.1:{port}",
        "scopes": ("openid", "email", "profile", "groups"),
        # no turn of ours falls into a renewal, as none of the others' does
        "session_idle_seconds": 28800,
        "session_store": os.environ.get(STORE, "cookie"),
        **further,
    }


def environment(issuer: str, port: int, **further: Any) -> dict[str, str]:
    """Return the same as environment variables."""
    given = settings(issuer, port, **further)
    return {
        "OIDC_GATE_" + name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in given.items()
    }


def redirect_uri(port: int) -> str:
    """Return what has to be registered for a gate on `port`."""
    return f"http://127.0.0.1:{port}/oauth2/callback"


@contextmanager
def serve(
    name: str,
    issuer: str,
    port: int,
    directory: Path,
    *options: str,
    module: str = "oidc_gate.cli",
    **further: Any,
) -> Iterator[Backend]:
    """Run `oidc-gate serve`.

    Args:
        options: Of its command line.
        module: What is run in its place, with the same words.
        further: Settings.
    """
    env = environment(issuer, port, **further)
    argv = [sys.executable, "-m", module, "serve", "--port", str(port), "--log-level", "error", *options]
    with running(
        slug(name), argv, port=port, directory=directory, env=env, ready_path="/oauth2/ping"
    ) as server:
        yield Backend(
            name, port, "/oauth2/auth", server.process.pid,
            f"http://127.0.0.1:{port}/oauth2/start?rd=/oauth2/userinfo",
        )  # fmt: skip


@contextmanager
def empty(
    name: str, kind: str, port: int, directory: Path, env: Mapping[str, str] | None = None
) -> Iterator[Backend]:
    """Run the same server with an application that says 202 to everybody."""
    argv = [sys.executable, "-m", "bench.peers.empty_202", kind, str(port)]
    with running(slug(name), argv, port=port, directory=directory, env=env) as server:
        yield Backend(name, port, "/oauth2/auth", server.process.pid)


def slug(name: str) -> str:
    """Return `name` as part of a file's name."""
    return "".join(each if each.isalnum() else "-" for each in name)

"""oauth2-proxy: the session in the cookie, and of it the claims alone, which is its quickest way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import go_programs
from bench.peers.backend import Backend
from bench.peers.ours import slug
from bench.provider import CLIENT_ID, CLIENT_SECRET
from tests.real.process import running

MODULE = "github.com/oauth2-proxy/oauth2-proxy/v7"
# Where the registry does not hand out the newest: the newest that it did hand out when this was written.
FALLBACK = "v7.15.6"


def binary() -> tuple[Path | None, str]:
    """Return the program and its version, building it the first time; or None and the reason."""
    return go_programs.find("oauth2-proxy", MODULE, FALLBACK)


def redirect_uri(port: int) -> str:
    """Return what has to be registered."""
    return f"http://127.0.0.1:{port}/oauth2/callback"


@contextmanager
def oauth2_proxy(
    name: str, issuer: str, port: int, directory: Path, *, threads: int = 0, redis: str = ""
) -> Iterator[Backend]:
    """Run it.

    Args:
        threads: GOMAXPROCS; as many as there are processors if 0.
        redis: Its host and port, to keep the sessions there; in cookies if empty.
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
        "--session-cookie-minimal=true", "--pass-access-token=false", "--scope=openid email profile groups",
        *(
            ("--session-store-type=redis", f"--redis-connection-url=redis://{redis}")
            if redis
            else ("--session-store-type=cookie",)
        ),
    ]  # fmt: skip
    env = {"GOMAXPROCS": str(threads)} if threads else {}
    with running(slug(name), argv, port=port, directory=directory, env=env, ready_path="/ping") as server:
        yield Backend(
            name, port, "/oauth2/auth", server.process.pid,
            f"http://127.0.0.1:{port}/oauth2/start?rd=/oauth2/userinfo",
        )  # fmt: skip

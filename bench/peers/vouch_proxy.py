"""vouch-proxy: the session is a JWT in the cookie; what it answered to one, it remembers for twenty minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import go_programs
from bench.peers.backend import Backend
from bench.peers.ours import slug
from bench.provider import CLIENT_ID, CLIENT_SECRET
from tests.real.process import running

MODULE = "github.com/vouch/vouch-proxy"
# Both secrets have the 44 characters that it asks for: it would write one of its own beside the program.
# It reads no discovery document. `idleTimeout` outlives Nginx's kept connections, as its documentation asks.
# The claims are those that oauth2-proxy passes on; the e-mail address is its user.
_CONFIG = """\
vouch:
  logLevel: error
  listen: 127.0.0.1
  port: {port}
  idleTimeout: 600
  allowAllUsers: true
  jwt:
    secret: only-for-measuring-0123456789-0123456789-abc
  session:
    key: only-for-measuring-abcdefghij-abcdefghij-012
  cookie:
    domain: 127.0.0.1
    secure: false
  headers:
    claims: [sub, groups, preferred_username]
oauth:
  provider: oidc
  client_id: {client_id}
  client_secret: {client_secret}
  auth_url: {issuer}/authorize
  token_url: {issuer}/token
  user_info_url: {issuer}/userinfo
  scopes: [openid, email, profile, groups]
  code_challenge_method: S256
  callback_url: {redirect_uri}
"""


def binary() -> tuple[Path | None, str]:
    """Return the program and its version, building it the first time; or None and the reason."""
    return go_programs.find("vouch-proxy", MODULE)


def redirect_uri(port: int) -> str:
    """Return what has to be registered."""
    return f"http://127.0.0.1:{port}/auth"


@contextmanager
def vouch_proxy(name: str, issuer: str, port: int, directory: Path, *, threads: int = 0) -> Iterator[Backend]:
    """Run it.

    Args:
        threads: GOMAXPROCS; as many as there are processors if 0.
    """
    program, _ = binary()
    assert program is not None
    config = directory / f"{slug(name)}-{port}.yml"
    config.write_text(
        _CONFIG.format(
            port=port, issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET,
            redirect_uri=redirect_uri(port),
        )
    )  # fmt: skip
    argv: list[str | Path] = [program, "-config", config, "-loglevel", "error"]
    env = {"GOMAXPROCS": str(threads)} if threads else {}
    with running(
        slug(name), argv, port=port, directory=directory, env=env, ready_path="/healthcheck"
    ) as server:
        url = f"http://127.0.0.1:{port}"
        yield Backend(name, port, "/validate", server.process.pid, f"{url}/login?url={url}/healthcheck")

"""Apache with mod_auth_openidc, which protects its own pages; and the same page without it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.backend import Backend
from bench.peers.ours import slug
from bench.provider import CLIENT_ID, CLIENT_SECRET
from tests.real.process import running

MODULE = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
_CONFIG = """\
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{user}
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
Mutex file:{directory} default
ErrorLog /dev/stderr
LogLevel error
{modules}
ListenBacklog 8192
ServerLimit 8
StartServers 8
MinSpareThreads 448
MaxSpareThreads 1024
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 512
AsyncRequestWorkerFactor 16
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
DocumentRoot {directory}/htdocs
TypesConfig /dev/null
FileETag None

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret "{client_secret}"
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCPKCEMethod S256
OIDCRedirectURI {url}/private/callback
OIDCCryptoPassphrase only-for-measuring-0123456789
OIDCScope "openid email profile groups"
OIDCRemoteUserClaim email
OIDCSessionType {session_type}
OIDCStateMaxNumberOfCookies 0
OIDCSessionInactivityTimeout 28800
{cache}
<Directory {directory}/htdocs>
    Require all granted
</Directory>
<Location /private>
    AuthType openid-connect
    Require valid-user
</Location>
"""
_MODULES = {
    "mpm_event": "mpm_event", "authn_core": "authn_core", "authz_core": "authz_core", "authz_user": "authz_user",
    "mime": "mime", "auth_openidc": "auth_openidc",
}  # fmt: skip
PAGE = "hello"


def missing() -> str:
    """Return why it cannot be measured; empty if it can."""
    if _program() is None:
        return "apache2 is not installed"
    return "" if MODULE.exists() else "libapache2-mod-auth-openidc is not installed"


def _program() -> str | None:
    return shutil.which("apache2", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def redirect_uri(port: int) -> str:
    """Return what has to be registered."""
    return f"http://127.0.0.1:{port}/private/callback"


@contextmanager
def apache(
    name: str, issuer: str, port: int, directory: Path, *, session_type: str, redis: str = ""
) -> Iterator[Backend]:
    """Run it.

    Args:
        session_type: ``client-cookie`` or ``server-cache``.
        redis: Its host and port, for the server's cache; in shared memory if empty.
    """
    room = Path(tempfile.mkdtemp(prefix="apache-"))  # Apache's own user must be able to read it
    url = f"http://127.0.0.1:{port}"
    try:
        _furnish(room)
        config = _CONFIG.format(
            directory=room,
            modules="\n".join(f"LoadModule {n}_module {MODULE.parent}/mod_{f}.so" for n, f in _MODULES.items()),
            user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
            port=port, url=url, issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET,
            session_type=session_type,
            cache=f"OIDCCacheType redis\nOIDCRedisCacheServer {redis}" if redis else "OIDCCacheShmMax 20000",
        )  # fmt: skip
        (room / "apache.conf").write_text(config)
        argv: list[str | Path] = [_program() or "apache2", "-f", room / "apache.conf", "-DFOREGROUND"]
        with running(slug(name), argv, port=port, directory=directory) as server:
            yield Backend(
                name, port, "/private/empty.html", server.process.pid, f"{url}/private/index.html",
                itself="/private/index.html",
            )  # fmt: skip
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _furnish(room: Path) -> None:
    for place in ("htdocs", "htdocs/private"):
        (room / place).mkdir()
        (room / place / "index.html").write_text(PAGE)
        (room / place / "empty.html").write_text("")
    room.chmod(0o755)

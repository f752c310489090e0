"""A real Nginx around server blocks, so that docs/nginx/*.conf run exactly as people copy them.

Only these replacements are made, everything else of the text stands as it is:

| in the text                                    | becomes                                             |
|------------------------------------------------|-----------------------------------------------------|
| `listen 80`, `listen 443 ssl`                  | `listen 127.0.0.1:<free port>`, `... ssl`           |
| `127.0.0.1:4180`, `127.0.0.1:8080`, `unix:...` | `127.0.0.1:<port given in upstreams>`               |
| `ssl_certificate`, `ssl_certificate_key`       | a self-signed certificate for `localhost`           |
| a path under `/var/` or `/etc/nginx/`          | the same path under the test's own directory        |

Host names are kept: a test sends the `Host` header that the docs speak of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import Server, running
from tests.real.tls import self_signed

MAIN = """\
daemon off;
{user}
worker_processes 1;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log info;
events {{ worker_connections 512; }}
http {{
    default_type application/octet-stream;
    types {{ text/html html; text/css css; text/plain txt; application/javascript js; }}
    access_log {prefix}/access.log;
    client_body_temp_path {prefix}/tmp/body;
    proxy_temp_path {prefix}/tmp/proxy;
    fastcgi_temp_path {prefix}/tmp/fastcgi;
    uwsgi_temp_path {prefix}/tmp/uwsgi;
    scgi_temp_path {prefix}/tmp/scgi;
{text}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running Nginx.

    Attributes:
        ports: from the port in the text (80, 443) to the one it really listens on.
        prefix: its directory: `nginx.conf`, `error.log` (level info), `access.log`.
    """

    server: Server
    prefix: Path
    ports: Mapping[int, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        scheme = "http" if 80 in self.ports else "https"
        return f"{scheme}://127.0.0.1:{self.server.port}"

    def error_log(self) -> str:
        return (self.prefix / "error.log").read_text(errors="replace")


def substitute(text: str, prefix: Path, upstreams: Mapping[int | str, int]) -> tuple[str, dict[int, int]]:
    """Apply the replacements of the table above.

    Args:
        text: server blocks, maps, upstreams: what belongs inside `http { }`.
        prefix: the test's own directory.
        upstreams: from a port on 127.0.0.1, or an address such as `unix:/run/app.sock`, in the text
            to the port that really listens.

    Returns:
        The text, and the listening ports as `Nginx.ports`.

    Raises:
        ValueError: a `listen` in another form, or an upstream that the text does not have.
    """
    for wanted, port in upstreams.items():
        address = f"127.0.0.1:{wanted}" if isinstance(wanted, int) else wanted
        text, count = re.subn(re.escape(address) + r"(?![\w.])", f"127.0.0.1:<{port}>", text)
        if not count:
            raise ValueError(f"nothing in this configuration speaks to {address}")
    # The marks keep one replacement from being taken for another's original.
    text = re.sub(r"127\.0\.0\.1:<(\d+)>", r"127.0.0.1:\1", text)
    text = re.sub(r"(?<=[\s=\"'])(/var/|/etc/nginx/)", rf"{prefix}\1", text)
    certificate, key = self_signed(prefix)
    text = re.sub(r"(\bssl_certificate)\s+[^;]+;", rf"\1 {certificate};", text)
    text = re.sub(r"(\bssl_certificate_key)\s+[^;]+;", rf"\1 {key};", text)
    return _listen_on_loopback(text)


def _listen_on_loopback(text: str) -> tuple[str, dict[int, int]]:
    ports: dict[int, int] = {}

    def move(match: re.Match[str]) -> str:
        if not match["port"].isdigit():
            raise ValueError(f"write `listen PORT`, not {match[0]!r}")
        port = ports.setdefault(int(match["port"]), free_port())
        return f"{match['indent']}listen 127.0.0.1:{port}"

    text = re.sub(r"(?m)^(?P<indent>[^#\n]*?)\blisten\s+(?P<port>[^\s;]+)", move, text)
    return text, ports


@contextmanager
def nginx(
    config: str | Path, *, directory: Path, upstreams: Mapping[int | str, int] | None = None
) -> Iterator[Nginx]:
    """Run Nginx until the block ends.

    Args:
        config: the text that belongs inside `http { }`, or the file that has it.
        directory: an empty directory of the test; files put there before are found under `{directory}`.
        upstreams: as for `substitute`; for the docs `{4180: gate_port, 8080: app_port}`.
    """
    (binary,) = need("nginx")
    text = config.read_text() if isinstance(config, Path) else config
    text, ports = substitute(text, directory, upstreams or {})
    for folder in ("tmp", "var/cache/nginx", "etc/nginx"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    # Started by root, its workers would be somebody who may not read pytest's directories.
    user = "user root;" if os.geteuid() == 0 else ""
    conf = directory / "nginx.conf"
    conf.write_text(MAIN.format(user=user, prefix=directory, text=text))
    argv: list[str | Path] = [binary, "-p", directory, "-c", conf, "-e", directory / "error.log"]
    with running("nginx", argv, port=next(iter(ports.values())), directory=directory) as server:
        yield Nginx(server, directory, ports)

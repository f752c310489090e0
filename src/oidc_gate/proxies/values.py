r"""Checks of values that become parts of a configuration file.

A newline, ``;``, ``{``, ``}``, ``"``, ``$`` or ``\`` could end a directive or name a variable there. Each proxy escapes
them in another way, so these functions do not escape. They accept only characters without a special meaning in any
proxy.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from ..syntax.hosts import normal_host, normal_hostname

_SOCKET = re.compile(r"unix:(?:/[A-Za-z0-9._-]+)+")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")
_FILE = re.compile(r"(?:/[A-Za-z0-9._-]+)+")
_SIZE = re.compile(r"[1-9][0-9]{0,5}[kmg]?")
MAX_GROUP = 200


def address(text: str) -> str:
    """Return the address of a server: ``127.0.0.1:8080``, ``[::1]:8080``, ``app:8080`` or ``unix:/run/app.sock``.

    Raises:
        ValueError: It is not an address. The message says what to write.
    """
    if _SOCKET.fullmatch(text) and {".", ".."}.isdisjoint(text.split("/")):
        return text
    if normal_host(text, "") == text.lower() and text.rpartition(":")[2].isdigit():
        return text.lower()
    raise ValueError(
        f"{text!r} is not an address: write host and port, as 127.0.0.1:8080, or unix:/run/app.sock"
    )


def host(text: str) -> str:
    """Return the name of a host, without a port, in its normal form.

    Raises:
        ValueError: It is malformed, or has a wildcard, a scheme or a port.
    """
    if name := normal_hostname(text):
        return name
    raise ValueError(f"{text!r} is not the name of a host: write it as app.example.com")


def path(text: str) -> str:
    """Return a path that begins with a slash, as ``/admin/``.

    Only characters that need no encoding are accepted, so the proxy and the application read it in the same way.

    Raises:
        ValueError: It is malformed, or has a dot segment.
    """
    if _PATH.fullmatch(text) and {".", ".."}.isdisjoint(text.split("/")):
        return text
    raise ValueError(
        f"{text!r} is not a path of a location: write it as /admin/, with letters, digits and . _ ~ - only"
    )


def file(text: str) -> str:
    """Return the absolute path of a file on the proxy's host.

    Raises:
        ValueError: It is not absolute, or has other characters than letters, digits and ``. _ -``.
    """
    if _FILE.fullmatch(text) and {".", ".."}.isdisjoint(text.split("/")):
        return text
    raise ValueError(
        f"{text!r} is not the path of a file: write it as /etc/nginx/tls/app.crt, with letters, digits and . _ - only"
    )


def size(text: str) -> str:
    """Return a size as Nginx writes it: ``100m``.

    Raises:
        ValueError: It is not a size, or it is 0, which means no limit.
    """
    if _SIZE.fullmatch(text.lower()):
        return text.lower()
    raise ValueError(f"{text!r} is not a size: write it as 100m, 512k or 2g")


def groups(text: str) -> tuple[str, ...]:
    """Return the names in a list of groups separated by commas.

    Raises:
        ValueError: One of them is empty, has a control character, or is longer than `MAX_GROUP`.
    """
    names = tuple(text.split(","))
    for name in names:
        if not name or name != name.strip() or not name.isprintable() or len(name) > MAX_GROUP:
            raise ValueError(f"{text!r} is not a list of groups: write them as admins,staff")
    return names


def encoded(names: tuple[str, ...]) -> str:
    """Return `names` as the value of a query parameter. It consists of letters, digits and ``. _ ~ - % ,``."""
    return ",".join(quote(name, safe="") for name in names)

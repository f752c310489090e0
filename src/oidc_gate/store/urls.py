"""The store that a URL names. Messages name the wrong part of the URL and never contain a password."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..syntax.forms import read_form
from .base import DEADLINE_SECONDS, Store, StoreURLError
from .memory import MemoryStore
from .redis.address import Address
from .sqlite import SqliteStore

if TYPE_CHECKING:
    from .redis.store import RedisStore

REDIS_PORT, SENTINEL_PORT = 6379, 26379
EXAMPLES = (
    "sqlite:///var/lib/app/sessions.db, redis://host:6379/0, rediss://user:password@host:6380/0, unix:///run/redis.sock,"
    " redis+sentinel://host1,host2,host3/service or redis+cluster://host1,host2"
)
_KINDS = {
    "redis": ("server", False),
    "rediss": ("server", True),
    "unix": ("server", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_OTHER_NAMES = {
    "valkey": "redis", "valkeys": "rediss", "redis+ssl": "rediss", "redis+tls": "rediss", "redis+socket": "unix",
    "redis+unix": "unix", "sentinel": "redis+sentinel", "redis-sentinel": "redis+sentinel",
    "redis-cluster": "redis+cluster", "cluster": "redis+cluster", "sqlite3": "sqlite", "file": "sqlite",
}  # fmt: skip
_FILES = {
    "ca_file": "ca_file", "ssl_ca_certs": "ca_file", "certificate_file": "certificate_file",
    "ssl_certfile": "certificate_file", "key_file": "key_file", "ssl_keyfile": "key_file",
}  # fmt: skip
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_importing = threading.Lock()


def open_store(
    url: str,
    *,
    lag_seconds: float = 1.0,
    deadline_seconds: float = DEADLINE_SECONDS,
    namespace: str | None = None,
    replicas: int | None = None,
    ca_file: Path | None = None,
) -> Store:
    """Return the store that `url` names. No connection is opened yet.

    Args:
        url: ``memory://``, ``sqlite:///path``, or a URL of Redis: see `EXAMPLES`.
        lag_seconds: For Redis: the longest time until the end of a session applies in every process.
        deadline_seconds: The limit for a call.
        namespace: For Redis: the beginning of all keys; ``namespace`` in the URL's query takes precedence.
        replicas: For Redis: the number of replicas that an end waits for; by default 1 with Sentinels and 0 otherwise.
        ca_file: For Redis: certificate authorities to trust; ``ca_file`` in the URL's query takes precedence.

    Raises:
        StoreURLError: The URL cannot be used; the message says which part is wrong and what to write.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme:
        raise StoreURLError("this is not the URL of a store", f"write one such as {EXAMPLES}")
    scheme = scheme.lower()
    if scheme == "memory":
        return MemoryStore()
    if scheme == "sqlite":
        return SqliteStore(_path(rest), deadline_seconds=deadline_seconds)
    if scheme not in _KINDS:
        meant = _OTHER_NAMES.get(scheme)
        raise StoreURLError(
            f"there is no store {_shown(scheme)}://",
            f"write {meant}://" if meant else f"write one such as {EXAMPLES}",
        )
    address, named = parse_redis(scheme, rest, ca_file)
    if replicas is None:
        replicas = 1 if address.kind == "sentinel" else 0
    return _redis_store()(
        address,
        namespace=named or namespace or "oidc_gate",
        lag_seconds=lag_seconds,
        deadline_seconds=deadline_seconds,
        replicas=replicas,
    )


def _redis_store() -> type[RedisStore]:
    """Return the class for Redis, which needs an extra, and takes 60 ms to import."""
    try:
        with _importing:
            from .redis.store import RedisStore
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise StoreURLError("the package redis is not installed", "pip install 'oidc_gate[redis]'") from None
    return RedisStore


def _path(rest: str) -> Path:
    host, _, path = rest.partition("/")
    path = unquote(path)
    if host or not path:
        raise StoreURLError(
            "the path of sqlite:// is missing", "write three slashes: sqlite:///var/lib/app/sessions.db"
        )
    if "\0" in path or "?" in rest or "#" in rest:
        raise StoreURLError(
            "the path of sqlite:// has a NUL, ? or # in it", "choose another name, without options"
        )
    found = Path("/" + path.lstrip("/"))
    if found.parent == Path("/") or path.endswith("/") or ".." in found.parts:
        raise StoreURLError(
            f"{_shown(str(found))} is not a file for sessions",
            "write the absolute path of a file in a directory of its own: sqlite:///var/lib/app/sessions.db",
        )
    return found


def parse_redis(scheme: str, rest: str, ca_file: Path | None = None) -> tuple[Address, str]:
    """Return the address in what follows ``scheme://``, and the namespace in its query, or an empty string.

    Args:
        scheme: One of the schemes of Redis.
        rest: What follows.
        ca_file: Authorities to trust if the query names none.

    Raises:
        StoreURLError: It cannot be used.
    """
    kind, is_encrypted = _KINDS[scheme]
    if "#" in rest:
        raise StoreURLError("there is a # in the URL", "write %23 for a # in the password")
    rest, _, query = rest.partition("?")
    if "@" in query:
        raise StoreURLError("there is a ? before the @", "write %3F for a ? in the password")
    options = _options(scheme, query)
    authority, _, path = rest.partition("/")
    userinfo, _, hosts = authority.rpartition("@")
    username, _, password = userinfo.partition(":")
    if "@" in path:
        raise StoreURLError("there is a / before the @", "write %2F for a / in the password")
    given: dict[str, Any] = {
        "username": unquote(username) or options.pop("username", ""),
        "password": unquote(password) or options.pop("password", ""),
        "is_encrypted": is_encrypted,
    }
    if given["username"] and not given["password"]:
        raise StoreURLError(
            "there is a user and no password", "write user:password@, or :password@ without a user"
        )
    named = options.pop("namespace", "")
    if named and not _NAMESPACE.fullmatch(named):
        raise StoreURLError(
            "namespace has other characters than letters, digits, _ . and -", "choose another"
        )
    if scheme == "unix":
        if hosts or not path:
            raise StoreURLError(
                "the path of unix:// is missing", "write three slashes: unix:///run/redis/redis.sock"
            )
        database = _number("db", options.pop("db", ""))
        return Address(kind, socket=f"/{unquote(path)}", database=database, **given), named
    files = {name: Path(value) for name, value in options.items() if name in _FILES.values()}
    given |= {name: options[name] for name in ("sentinel_username", "sentinel_password") if name in options}
    given |= _files(files if ca_file is None else {"ca_file": ca_file} | files, is_encrypted, scheme)
    given["hosts"] = _hosts(hosts, SENTINEL_PORT if kind == "sentinel" else REDIS_PORT, kind)
    return Address(kind, **given, **_where(kind, unquote(path), options)), named


def _options(scheme: str, query: str) -> dict[str, str]:
    """Return the query's options by their names in `Address`."""
    allowed = {"namespace": "namespace"}
    if scheme == "unix":
        allowed |= {"db": "db", "username": "username", "password": "password"}
    else:
        allowed |= _FILES | {"db": "db"}
    if scheme.endswith("sentinel"):
        allowed |= {"sentinel_username": "sentinel_username", "sentinel_password": "sentinel_password"}
    options: dict[str, str] = {}
    try:
        pairs = read_form(query)
    except ValueError:
        raise StoreURLError(
            "the query of the URL is too long", "write only options that are needed"
        ) from None
    for name, value in pairs:
        if name in ("ssl_cert_reqs", "ssl_check_hostname"):
            raise StoreURLError(
                f"{name} would let anyone read and change what Redis says",
                "remove it; name your own authority in ca_file",
            )
        if name not in allowed:
            raise StoreURLError(
                f"there is no option {_shown(name)} in a {scheme}:// URL",
                f"the options are {', '.join(sorted(allowed))}",
            )
        options[allowed[name]] = value
    return options


def _where(kind: str, path: str, options: dict[str, str]) -> dict[str, Any]:
    """Return the service and the database that a path names."""
    database = options.get("db", "")
    if kind == "sentinel":
        service, _, path = path.partition("/")
        if not service:
            raise StoreURLError(
                "the name of the service is missing",
                "write what the Sentinels call the master after the hosts: /mymaster",
            )
        return {"service": service, "database": _number("the database", path or database)}
    if kind == "cluster" and (path or database) not in ("", "0"):
        raise StoreURLError("a cluster has only database 0", "remove what follows the hosts")
    return {"database": _number("the database", path or database)}


def _hosts(text: str, default_port: int, kind: str) -> tuple[tuple[str, int], ...]:
    parts = text.split(",")
    if kind == "server" and len(parts) > 1:
        raise StoreURLError(
            "there is more than one host", "write redis+sentinel:// or redis+cluster:// for several"
        )
    found = []
    for part in parts:
        match = _HOST.fullmatch(part)
        if match is None:
            raise StoreURLError(
                "a host is missing or malformed",
                "write host:port; write %40 for an @ and %2F for a / in the password",
            )
        port = int(match["port"] or default_port)
        if not 0 < port < 65536:
            raise StoreURLError("there is no such port", "write a number from 1 to 65535")
        found.append((match["v6"] or match["name"], port))
    return tuple(found)


def _files(files: dict[str, Path], is_encrypted: bool, scheme: str) -> dict[str, Path]:
    if files and not is_encrypted:
        raise StoreURLError(
            f"{scheme}:// is not encrypted, so {', '.join(sorted(files))} would not be used",
            f"write {scheme.replace('redis', 'rediss', 1)}://",
        )
    if ("certificate_file" in files) != ("key_file" in files):
        raise StoreURLError("certificate_file and key_file belong together", "name both files")
    for name, path in files.items():
        if not path.is_file():
            raise StoreURLError(f"{name} {_shown(str(path))} is not a file", "write the path of a PEM file")
    return files


def _number(name: str, text: str) -> int:
    if text and not re.fullmatch("[0-9]{1,5}", text):
        raise StoreURLError(f"{name} is not a number", "write a number from 0, such as /0, or nothing")
    return int(text or 0)


def _shown(text: str) -> str:
    return repr(text[:60])

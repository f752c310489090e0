"""URLs of stores: what they mean, and what is said about those that mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.store import urls
from oidc_gate.store.base import StoreURLError
from oidc_gate.store.memory import MemoryStore
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.urls import open_store, parse_redis
from tests.core import written

PASSWORD = "hunter2"


def parsed(url: str, ca_file: Path | None = None) -> Address:
    scheme, _, rest = url.partition("://")
    return parse_redis(scheme, rest, ca_file)[0]


def server(host: str = "h", port: int = 6379, **more: object) -> Address:
    return Address("server", ((host, port),), **more)  # type: ignore[arg-type]


MEANINGS = {
    "redis://h": server(),
    "redis://h:7000/3": server("h", 7000, database=3),
    "redis://h?db=3": server(database=3),
    "redis://[::1]:7000": server("::1", 7000),
    "redis://[fe80::1]": server("fe80::1"),
    "redis://10.0.0.5": server("10.0.0.5"),
    "redis://:hunter2@h": server(password=PASSWORD),
    "redis://u:hunter2@h/": server(username="u", password=PASSWORD),
    "redis://u%40x:p%23%2F%3F%40%3A@h": server(username="u@x", password="p#/?@:"),
    "redis://u:p@ss:word@h": server(username="u", password="p@ss:word"),
    "rediss://h:6380": server("h", 6380, is_encrypted=True),
    "unix:///run/redis.sock": Address("server", socket="/run/redis.sock"),
    "unix:///run/r%20s.sock?db=2&username=u&password=hunter2": Address(
        "server", socket="/run/r s.sock", database=2, username="u", password=PASSWORD
    ),
    "unix://:hunter2@/run/redis.sock": Address("server", socket="/run/redis.sock", password=PASSWORD),
    "redis+sentinel://a,b:5000,[::1]/main": Address(
        "sentinel", (("a", 26379), ("b", 5000), ("::1", 26379)), service="main"
    ),
    "redis+sentinel://u:hunter2@a/main/2?sentinel_username=su&sentinel_password=sp": Address(
        "sentinel", (("a", 26379),), service="main", database=2, username="u", password=PASSWORD,
        sentinel_username="su", sentinel_password="sp",
    ),
    "rediss+sentinel://a/main": Address("sentinel", (("a", 26379),), service="main", is_encrypted=True),
    "redis+cluster://a,b:7001": Address("cluster", (("a", 6379), ("b", 7001))),
    "redis://h:1": server("h", 1),
    "redis://h:65535/99999": server("h", 65535, database=99999),
    "redis://h/2?db=3": server(database=2),
    "redis+sentinel://a/main?db=3": Address("sentinel", (("a", 26379),), service="main", database=3),
    "redis+sentinel://a/main/2?db=3": Address("sentinel", (("a", 26379),), service="main", database=2),
    "redis+sentinel://a/m%20n?sentinel_password=sp": Address(
        "sentinel", (("a", 26379),), service="m n", sentinel_password="sp"
    ),
    "unix://u:hunter2@/s?username=v&password=w&db=1": Address(
        "server", socket="/s", database=1, username="u", password=PASSWORD
    ),
    "redis+cluster://a?db=0": Address("cluster", (("a", 6379),)),
    "redis+cluster://a/": Address("cluster", (("a", 6379),)),
    "redis+cluster://a/0": Address("cluster", (("a", 6379),)),
    "rediss+cluster://:hunter2@a": Address("cluster", (("a", 6379),), password=PASSWORD, is_encrypted=True),
}  # fmt: skip


@pytest.mark.parametrize("url", MEANINGS)
def test_meaning(url: str) -> None:
    assert parsed(url) == MEANINGS[url]


def test_files(tmp_path: Path) -> None:
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "c.pem", "k.pem"))
    for path in (ca, certificate, key):
        path.write_text("")
    full = f"rediss://h?ca_file={ca}&certificate_file={certificate}&key_file={key}"
    expected = server(is_encrypted=True, ca_file=ca, certificate_file=certificate, key_file=key)
    assert parsed(full) == expected
    assert parsed(f"rediss://h?ssl_ca_certs={ca}&ssl_certfile={certificate}&ssl_keyfile={key}") == expected
    assert parsed("rediss://h", ca) == server(is_encrypted=True, ca_file=ca)
    assert parsed(f"rediss://h?ca_file={key}", ca) == server(is_encrypted=True, ca_file=key)
    with pytest.raises(StoreURLError, match="belong together"):
        parsed(f"rediss://h?certificate_file={certificate}")
    with pytest.raises(StoreURLError, match=r"not encrypted.*rediss://"):
        parsed(f"redis://h?ca_file={ca}")
    with pytest.raises(StoreURLError, match=r"not encrypted.*rediss\+cluster://"):
        parsed(f"redis+cluster://h?ca_file={ca}")
    with pytest.raises(StoreURLError, match="is not a file"):
        parsed(f"rediss://h?ca_file={tmp_path}/missing.pem")


OTHER_NAMES = {
    "valkey": "redis", "valkeys": "rediss", "redis+ssl": "rediss", "redis+tls": "rediss", "redis+socket": "unix",
    "redis+unix": "unix", "sentinel": "redis+sentinel", "redis-sentinel": "redis+sentinel",
    "redis-cluster": "redis+cluster", "cluster": "redis+cluster", "sqlite3": "sqlite", "file": "sqlite",
}  # fmt: skip
WRONG = {
    **{
        f"{name}://u:hunter2@h": f"write {meant.replace('+', '.')}://$" for name, meant in OTHER_NAMES.items()
    },
    "://h": "not the URL of a store",
    "sqlite:///a#b/x.db": "without options",
    "sqlite://host/var/x.db": "three slashes",
    "redis://h:65536": "no such port",
    "redis://h/100000": "the database is not a number",
    "redis://h?db=x": "the database is not a number",
    "redis://h?username=u": "no option 'username'",
    "redis://[::1": "host is missing or malformed",
    "redis://h?" + "&".join(["db=1"] * 2000): "too long",
    "redis://u:hunter2@h?ssl_check_hostname=false": "read and change",
    "rediss://h?key_file=/k.pem": "belong together",
    "rediss://h?certificate_file=/c.pem": "belong together",
    "rediss://h?ca_file=/nowhere/ca.pem": "is not a file",
    "redis://h?ssl_ca_certs=/ca.pem": "not encrypted",
    "redis+sentinel://a/main?ca_file=/ca.pem": "write rediss.sentinel://",
    "redis+sentinel://a/main/x": "the database is not a number",
    "redis+sentinel://a?db=1": "name of the service is missing",
    "redis+cluster://a/00": "only database 0",
    "unix://h/run/redis.sock": "three slashes",
    "unix://u@/run/redis.sock": "a user and no password",
    "unix:///s?username=u": "a user and no password",
    "unix:///s?namespace=a/b": "namespace has other characters",
    "redis://h?namespace=" + "a" * 65: "namespace has other characters",
    "": "not the URL of a store.*sqlite:///",
    "hunter2": "not the URL of a store",
    "redis:h": "not the URL of a store",
    "postgres://u:hunter2@h": "no store 'postgres'://; write one such as",
    "valkey://u:hunter2@h": "write redis://",
    "redis+ssl://u:hunter2@h": "write rediss://",
    "sqlite://sessions.db": "three slashes",
    "sqlite://": "three slashes",
    "sqlite:///": "three slashes",
    "sqlite:///sessions.db": "directory of its own",
    "sqlite:///var/../sessions.db": "absolute path",
    "sqlite:///var/lib/": "absolute path",
    "sqlite:///var/lib/x.db?mode=ro": "without options",
    "sqlite:///var/lib/%00x.db": "NUL",
    "sqlite:///no/such/directory/x.db": "directory /no/such/directory does not exist; create it",
    "redis://": "host is missing",
    "redis://:hunter2": "host is missing",
    "redis://user:99999": "no such port",
    "redis://u:hunter2@": "host is missing",
    "redis://hunter2@h": "a user and no password",
    "redis://h:port": "host is missing or malformed",
    "redis://h:0": "no such port",
    "redis://u:hunter2@h/zero": "the database is not a number",
    "redis://u:hunter2@h/-1": "the database is not a number",
    "redis://u:hun#ter2@h": "write %23",
    "redis://u:hun?ter2@h": "write %3F",
    "redis://u:hun/ter2@h": "write %2F",
    "redis://u:hunter2@a,b": "redis\\+sentinel:// or redis\\+cluster://",
    "redis://u:hunter2@h?ssl_cert_reqs=none": "read and change",
    "redis://u:hunter2@h?timeout=3": "no option 'timeout'.*the options are",
    "redis://u:hunter2@h?namespace=a:b": "namespace has other characters",
    "redis://u:hunter2@h?sentinel_password=hunter2": "no option 'sentinel_password'",
    "redis+sentinel://u:hunter2@a,b": "name of the service is missing",
    "redis+sentinel://u:hunter2@a,b/": "name of the service is missing",
    "redis+sentinel://u:hunter2@a,,b/main": "host is missing",
    "redis+cluster://u:hunter2@a/1": "only database 0",
    "redis+cluster://u:hunter2@a?db=1": "only database 0",
    "unix://run/redis.sock": "three slashes",
    "unix://": "path of unix:// is missing",
    "unix:///s?db=x": "db is not a number",
    "unix:///s?ca_file=x": "no option 'ca_file'",
}


@pytest.mark.parametrize("url", WRONG)
def test_what_is_wrong(url: str) -> None:
    with pytest.raises(StoreURLError, match=WRONG[url]) as caught:
        open_store(url)
    assert not any(part in str(caught.value) for part in (PASSWORD, "hun", "ter2", "99999"))
    assert caught.value.__cause__ is None


def test_what_is_said_about_each() -> None:
    lines = []
    for url in WRONG:
        with pytest.raises(StoreURLError) as caught:
            open_store(url)
        assert str(caught.value) == f"{caught.value.what}; {caught.value.instead}"
        lines.append(f"{url[:120]!r}\n  {written.plain(str(caught.value))}")
    written.check(Path(__file__).with_name("written") / "urls.txt", "\n\n".join(lines))


@given(
    st.text(max_size=60),
    st.sampled_from(["", "redis://", "rediss://", "redis+sentinel://", "unix://", "memory:"]),
)
def test_any_text(text: str, scheme: str) -> None:
    try:
        store = open_store(scheme + text)
    except StoreURLError:
        return
    assert store.describe()


def test_the_factory(tmp_path: Path) -> None:
    assert isinstance(open_store("memory://"), MemoryStore)
    for url in (f"sqlite://{tmp_path}/s.db", f"sqlite:///{tmp_path}/s.db", f"SQLite://{tmp_path}/s.db"):
        store = open_store(url)
        assert isinstance(store, SqliteStore)
        assert store.describe() == f"SQLite at {tmp_path}/s.db"
        assert (store.lag_seconds, store.blocks) == (0, True)
    for rest in ("/var/x.db", "//var/x.db", "///var/x%2Edb"):
        assert urls._path(rest) == Path("/var/x.db")
    assert urls._path("/X/é.db") == Path("/X/é.db")
    assert not list(tmp_path.iterdir()), "nothing is opened before it is used"
    store = open_store(f"sqlite://{tmp_path}/s.db", deadline_seconds=10)
    assert isinstance(store, SqliteStore)
    assert store._connections._deadline_seconds == 9


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("redis://h", {}, ("oidc_gate", 1.0, 2.0, 0)),
        ("redis://h?namespace=portal", {}, ("portal", 1.0, 2.0, 0)),
        ("redis://h", {"namespace": "portal", "lag_seconds": 0.5}, ("portal", 0.5, 2.0, 0)),
        ("redis://h?namespace=a.b-c_D", {"namespace": "portal"}, ("a.b-c_D", 1.0, 2.0, 0)),
        ("redis://h", {"deadline_seconds": 9.0, "replicas": 2}, ("oidc_gate", 1.0, 9.0, 2)),
        ("unix:///s?namespace=portal", {}, ("portal", 1.0, 2.0, 0)),
        ("redis+cluster://h", {}, ("oidc_gate", 1.0, 2.0, 0)),
        ("redis+sentinel://h/main", {}, ("oidc_gate", 1.0, 2.0, 1)),
        ("redis+sentinel://h/main", {"replicas": 0}, ("oidc_gate", 1.0, 2.0, 0)),
        ("REDIS://h", {}, ("oidc_gate", 1.0, 2.0, 0)),
    ],
)
def test_what_a_store_in_redis_is_given(
    url: str, options: dict[str, Any], expected: tuple[str, float, float, int]
) -> None:
    store = open_store(url, **options)
    assert isinstance(store, RedisStore)
    assert (
        store._name,
        store.lag_seconds,
        store._calls._deadline_seconds,
        store._ends._replicas,
    ) == expected


def test_the_authorities_of_the_caller_count_unless_the_url_names_its_own(tmp_path: Path) -> None:
    ca, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    for path in (ca, other):
        path.write_text("")
    for url, expected in (("rediss://h", ca), (f"rediss://h?ca_file={other}", other)):
        store = open_store(url, ca_file=ca)
        assert isinstance(store, RedisStore)
        assert store._address == server(is_encrypted=True, ca_file=expected)


@pytest.mark.parametrize(
    ("url", "described"),
    [
        ("redis://u:hunter2@h:7000/2", "Redis at h:7000, database 2"),
        ("redis://:hunter2@[::1]", "Redis at [::1]:6379, database 0"),
        ("unix://:hunter2@/run/r.sock", "Redis at /run/r.sock, database 0"),
        ("redis+sentinel://u:hunter2@a,b/main", "Redis 'main' of the Sentinels a:26379, b:26379, database 0"),
        ("redis+cluster://u:hunter2@a,b", "the Redis cluster of a:6379, b:6379"),
    ],
)
def test_a_description_holds_no_password(url: str, described: str) -> None:
    assert open_store(url).describe() == described
    assert PASSWORD not in repr(parsed(url))


def test_of_a_long_part_the_beginning_is_shown() -> None:
    with pytest.raises(StoreURLError) as caught:
        open_store("a" * 61 + "://h")
    assert caught.value.what == f"there is no store '{'a' * 60}'://"


def test_redis_py_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "redis" or name.startswith("oidc_gate.store.redis."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(StoreURLError, match=r"pip install 'oidc_gate\[redis\]'"):
        open_store("redis://h")


def test_redis_py_may_be_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a part of it is missing, installing it again is another matter: the error says what is missing."""
    for name in list(sys.modules):
        if name.startswith("oidc_gate.store.redis."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis.backoff", None)
    with pytest.raises(ModuleNotFoundError, match=r"redis\.backoff"):
        open_store("redis://h")

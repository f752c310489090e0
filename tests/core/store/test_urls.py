"""URLs of stores: what they mean, and what is said about those that mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_gate.store.base import StoreURLError
from oidc_gate.store.memory import MemoryStore
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.store import RedisStore
from oidc_gate.store.sqlite import SqliteStore
from oidc_gate.store.urls import open_store, parse_redis

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


WRONG = {
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
    assert not list(tmp_path.iterdir()), "nothing is opened before it is used"
    redis = open_store("redis://u:hunter2@h:7000/2?namespace=portal", lag_seconds=0.5)
    assert isinstance(redis, RedisStore)
    assert redis.lag_seconds == 0.5
    assert redis._name == "portal"


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


def test_redis_py_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "redis" or name.startswith("oidc_gate.store.redis."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(StoreURLError, match=r"pip install 'oidc_gate\[redis\]'"):
        open_store("redis://h")

"""How the address of Redis is written in the log."""

from __future__ import annotations

from oidc_gate.store.redis.address import Address


def test_what_the_log_says() -> None:
    hosts = (("a", 1), ("::1", 2))
    assert str(Address("server", hosts[:1], database=3)) == "Redis at a:1, database 3"
    assert str(Address("server", hosts[1:])) == "Redis at [::1]:2, database 0"
    assert str(Address("server", socket="/r.sock")) == "Redis at /r.sock, database 0"
    assert str(Address("cluster", hosts)) == "the Redis cluster of a:1, [::1]:2"
    assert str(Address("sentinel", hosts, service="main", database=2)) == (
        "Redis 'main' of the Sentinels a:1, [::1]:2, database 2"
    )


def test_no_password_is_shown() -> None:
    address = Address("sentinel", username="u", password="hunter2", sentinel_password="hunter3")
    assert "hunter" not in f"{address} {address!r}"
    assert "username='u'" in repr(address)


def test_the_defaults() -> None:
    assert Address("server") == Address(
        "server",
        (),
        "",
        "",
        0,
        "",
        "",
        "",
        "",
        False,
        None,
        None,
        None,  # what the URL does not say
    )

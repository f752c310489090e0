"""Who the store in Redis believes, and what Redis demands of it: TLS, client certificates, passwords."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from oidc_gate.errors import StoreUnavailable
from oidc_gate.store.base import Row, Selector
from oidc_gate.store.urls import open_store
from oidc_gate.testing.store_contract import Listener, new_key, wait_until
from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import running
from tests.real.redis_server import client_of, redis_server, wait_for
from tests.real.stores.certificates import Certificates, certificates


class Encrypted(NamedTuple):
    port: int
    made: Certificates
    other: Certificates


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    directory, elsewhere = tmp_path_factory.mktemp("redis"), tmp_path_factory.mktemp("other")
    made, port = certificates(directory), free_port()
    files = ("--tls-cert-file", str(made.server[0]), "--tls-key-file", str(made.server[1]))
    authority = ("--tls-ca-cert-file", str(made.ca), "--tls-auth-clients", "yes")
    options = ("--tls-port", str(port), *files, *authority, "--requirepass", "hunter2")
    with redis_server(*options, directory=directory):
        yield Encrypted(port, made, certificates(elsewhere))


def asked(url: str) -> None:
    store = open_store(url)
    try:
        store.open(new_key(), 0)
    finally:
        store.close()


def url_of(
    server: Encrypted, host: str = "127.0.0.1", ca: Path | None = None, password: str = "hunter2"
) -> str:
    client = server.made.client
    files = f"ca_file={ca or server.made.ca}&certificate_file={client[0]}&key_file={client[1]}"
    return f"rediss://:{password}@{host}:{server.port}?{files}"


def test_all_is_well(server: Encrypted) -> None:
    asked(url_of(server))


def test_a_server_of_another_authority_is_not_believed(server: Encrypted) -> None:
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        asked(url_of(server, ca=server.other.ca))


def test_the_authorities_of_the_system_count_where_none_are_named(server: Encrypted) -> None:
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        asked(f"rediss://:hunter2@127.0.0.1:{server.port}")


def test_named_authorities_take_the_place_of_the_system_s(
    server: Encrypted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.made.ca))  # what the system trusts
    asked(url_of(server))
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        asked(url_of(server, ca=server.other.ca))


def test_a_server_with_another_name_is_not_believed(server: Encrypted) -> None:
    with pytest.raises(StoreUnavailable, match=r"[Hh]ostname mismatch"):
        asked(url_of(server, host="localhost"))


def test_a_client_certificate_is_sent(server: Encrypted) -> None:
    with pytest.raises(StoreUnavailable):
        asked(f"rediss://:hunter2@127.0.0.1:{server.port}?ca_file={server.made.ca}")


def test_a_wrong_password_is_an_error_that_does_not_hold_it(server: Encrypted) -> None:
    with pytest.raises(StoreUnavailable, match="AuthenticationError") as caught:
        asked(url_of(server, password="hunter3"))
    assert "hunter" not in str(caught.value)


def test_a_server_that_is_not_encrypted(tmp_path: Path) -> None:
    with redis_server(directory=tmp_path) as plain, pytest.raises(StoreUnavailable):
        asked(f"rediss://127.0.0.1:{plain.port}")


def test_a_file_that_holds_no_certificate(server: Encrypted, tmp_path: Path) -> None:
    rubbish = tmp_path / "ca.pem"
    rubbish.write_text("rubbish")
    with pytest.raises(StoreUnavailable):
        asked(url_of(server, ca=rubbish))


def works(url: str) -> None:
    store = open_store(url, replicas=0)
    now = int(time.time())
    one = Row(new_key(), 1, now + 60, now + 60, now, (new_key(),), b"label", b"sealed")
    listener = Listener(store)
    assert store.put(one, 0, now)
    assert store.open(one.key, now) == one
    assert store.end(Selector(indexes=one.indexes), now) == 1
    assert wait_until(lambda: one.key in listener.ended)
    store.close()


def test_sentinels_over_tls(server: Encrypted, tmp_path: Path) -> None:
    made, port = server.made, free_port()
    file = tmp_path / "sentinel.conf"
    lines = (
        f"port 0\ntls-port {port}\nbind 127.0.0.1\ndir {tmp_path}\ntls-replication yes\ntls-ca-cert-file {made.ca}",
        f"tls-cert-file {made.server[0]}\ntls-key-file {made.server[1]}\nrequirepass hunter4",
        f"sentinel monitor main 127.0.0.1 {server.port} 1\nsentinel auth-pass main hunter2\n",
    )
    file.write_text("\n".join(lines))
    argv: list[str | Path] = [*need("redis-server"), file, "--sentinel"]
    files = f"ca_file={made.ca}&certificate_file={made.client[0]}&key_file={made.client[1]}"
    with running("sentinel", argv, port=port, directory=tmp_path):
        works(f"rediss+sentinel://:hunter2@127.0.0.1:{port}/main?sentinel_password=hunter4&{files}")
        with pytest.raises(StoreUnavailable) as caught:
            asked(f"rediss+sentinel://:hunter2@127.0.0.1:{port}/main?sentinel_password=hunter5&{files}")
        assert "hunter" not in str(caught.value)


def test_a_cluster_over_tls(server: Encrypted, tmp_path: Path) -> None:
    made, port = server.made, free_port()
    files = ("--tls-cert-file", str(made.server[0]), "--tls-key-file", str(made.server[1]))
    authority = ("--tls-ca-cert-file", str(made.ca), "--tls-auth-clients", "yes")
    cluster = ("--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", str(free_port()))
    options = ("--tls-port", str(port), *files, *authority, *cluster, "--requirepass", "hunter2")
    with (
        redis_server(*options, directory=tmp_path) as plain,
        client_of(plain.port, password="hunter2") as client,
    ):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        ours = f"ca_file={made.ca}&certificate_file={made.client[0]}&key_file={made.client[1]}"
        for _ in wait_for("the cluster"):
            if "ok" in str(client.execute_command("CLUSTER", "INFO")):
                break
        works(f"rediss+cluster://:hunter2@127.0.0.1:{port}?{ours}")

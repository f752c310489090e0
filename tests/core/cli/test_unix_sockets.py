"""The Unix socket of `oidc-gate serve`: who may connect, what it replaces, and what it leaves."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from oidc_gate.cli import unix_sockets
from oidc_gate.cli.common import CommandError
from oidc_gate.cli.unix_sockets import DEFAULT_MODE, check_path, mode, remove_stale, unix_listener


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("text", "number"), [("660", 0o660), ("0600", 0o600), ("666", 0o666), ("777", 0o777)]
)
def test_modes(text: str, number: int) -> None:
    assert mode(text) == number


NO_MODE = "is not a mode: write 660, or 600, or 666 for every user"
LOCKS_OUT = "locks out the user of the server: write 600 or more"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, NO_MODE) for text in ("", "u=rw", "888", "668", "66", "1660", "00660", "0660\n", "660 ")),
        *((text, LOCKS_OUT) for text in ("060", "000", "0066", "200", "400", "577", "377")),
    ],
)
def test_what_is_no_mode(text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        mode(text)
    assert str(caught.value) == f"{text!r} {said}"


def test_every_user_may_not_connect_by_default() -> None:
    assert DEFAULT_MODE == 0o660


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    assert os.umask(before) == request.param, "the umask of the process has changed"


@pytest.mark.parametrize("number", [0o600, 0o660, 0o666])
def test_the_socket_never_has_other_permissions(
    number: int, umask: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_first: list[int] = []

    class Watched(socket.socket):
        def bind(self, address: object) -> None:
            super().bind(address)  # type: ignore[arg-type]
            at_first.append(permissions(Path(str(address))))

    monkeypatch.setattr(socket, "socket", Watched)
    with unix_listener(path, number):
        assert (at_first, permissions(path)) == ([number], number)


def test_it_takes_connections_and_is_removed(path: Path) -> None:
    with unix_listener(path, 0o600), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    assert list(path.parent.iterdir()) == []


def test_one_that_a_dead_server_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
        left.listen()
    for _ in range(2):
        with unix_listener(path, 0o600), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert permissions(path) == 0o600


def test_one_of_a_live_server_is_refused(path: Path) -> None:
    with unix_listener(path, 0o600):
        for take in (
            check_path,
            remove_stale,
            lambda path: ExitStack().enter_context(unix_listener(path, 0o600)),
        ):
            with pytest.raises(
                CommandError, match=f"--uds {path}: another process listens there; end it, or choose"
            ):
                take(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_one_of_a_live_server_with_a_full_queue_is_refused(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, ExitStack() as stack:
        busy.bind(str(path))
        busy.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(CommandError, match="another process listens there"):
            check_path(path)


def test_a_server_that_has_started_since_the_first_look_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix_sockets, "check_path", lambda path: None)
    with unix_listener(path, 0o600), pytest.raises(CommandError, match="another process listens there"):
        ExitStack().enter_context(unix_listener(path, 0o600))


def test_of_servers_that_start_at_the_same_time_one_is_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix_sockets, "_LOCK_SECONDS", 0.1)
    descriptor = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for take in (remove_stale, lambda path: ExitStack().enter_context(unix_listener(path, 0o600))):
        with pytest.raises(CommandError, match="is locked by another process"):
            take(path)
    os.close(descriptor)
    with unix_listener(path, 0o600):
        assert path.is_socket()


def test_one_that_another_server_has_made_since_is_left_alone(path: Path) -> None:
    with unix_listener(path, 0o600):
        path.unlink()
        path.write_text("")
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere/s", "there is no directory .*; create it first"),
        ("x" * 110, "has 98 bytes at most; shorten it"),
    ],
)
def test_paths_that_cannot_work(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=said):
        check_path(tmp_path / name)


def test_a_file_is_not_replaced(path: Path) -> None:
    path.write_text("kept")
    with pytest.raises(CommandError, match="this is a file and not a socket"), unix_listener(path, 0o600):
        pass
    assert path.read_text() == "kept"


def test_the_longest_path(tmp_path: Path) -> None:
    one = len(os.fsencode(unix_sockets._temporary(tmp_path / "x")))
    longest = tmp_path / ("x" * (1 + unix_sockets.MAX_PATH_BYTES - one))
    with unix_listener(longest, 0o600), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(longest))
    with pytest.raises(CommandError, match="has 98 bytes at most; shorten it"):
        check_path(longest.with_name(longest.name + "x"))


def test_a_directory_that_this_user_may_not_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def access(*given: object) -> bool:
        asked.append(given)
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(CommandError, match=f"--uds {path}: this user may not create a file in {path.parent}"):
        check_path(path)
    assert asked == [(path.parent, os.W_OK | os.X_OK)]


def test_a_link_to_nowhere_is_a_file(path: Path) -> None:
    path.symlink_to("nowhere")
    with pytest.raises(CommandError, match="this is a file and not a socket"):
        check_path(path)


def test_what_cannot_be_bound_is_an_error(path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_sockets, "_temporary", lambda path: path.parent / "nowhere" / "s")
    with (
        pytest.raises(CommandError, match=f"--uds {path}: cannot listen there: No such file"),
        unix_listener(path, 0o600),
    ):
        pass


def test_a_process_that_does_not_answer_clearly(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refused)
    with pytest.raises(CommandError, match=f"--uds {path}: cannot tell who listens there: Permission denied"):
        check_path(path)


def test_a_temporary_socket_that_is_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(unix_sockets._temporary(path)))
    with unix_listener(path, 0o600):
        assert [each.name for each in path.parent.iterdir()] == ["s"]


def test_a_child_does_not_remove_the_socket(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    with unix_listener(path, 0o600):
        monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    assert path.exists()


def test_a_socket_of_another_server_at_the_same_path_is_left(path: Path) -> None:
    with unix_listener(path, 0o600):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.is_socket()


def test_many_clients_may_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    class Watched(socket.socket):
        def listen(self, backlog: int = 0) -> None:
            given.append(backlog)
            super().listen(backlog)

    monkeypatch.setattr(socket, "socket", Watched)
    with unix_listener(path, 0o600):
        assert given == [2048]


def test_remove_stale(path: Path) -> None:
    remove_stale(path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    remove_stale(path)
    assert list(path.parent.iterdir()) == []


def test_the_lock_of_another_server_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    @contextmanager
    def locked(*given: object) -> Iterator[None]:
        asked.append(given)
        yield

    monkeypatch.setattr(unix_sockets, "locked", locked)
    monkeypatch.setattr(unix_sockets, "time", SimpleNamespace(monotonic=lambda: 100.0))
    remove_stale(path)
    assert asked == [(path.parent, 110.0)]

"""A server of ours for the length of a `with`: started, awaited, its log kept, ended by its process id."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.real.ports import answers_tcp

REPOSITORY = Path(__file__).parents[2]
LOG_TAIL_BYTES = 8_000

# What was started since the running test began, or still runs: conftest.py shows their logs on failure.
recent: list[Server] = []


@dataclass(frozen=True)
class Server:
    """A process that listens on a port of 127.0.0.1 and writes to a log file."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def log_tail(self) -> str:
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a child is given: ours, the repository on its path, no proxies, no settings of ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OIDC_GATE_")}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        kept.pop(name, None)
        kept.pop(name.upper(), None)
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | dict(extra or {})


@contextmanager
def running(
    name: str,
    argv: Sequence[str | Path],
    *,
    port: int,
    directory: Path,
    env: Mapping[str, str] | None = None,
    ready_path: str | None = None,
    is_ready: Callable[[], bool] | None = None,
    start_seconds: float = 120,
    grace_seconds: float = 20,
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        name: for the log's file name and for people.
        argv: the command; it must stay in the foreground.
        port: the port of 127.0.0.1 that it will listen on; 0 if it listens on a Unix socket.
        directory: where its log goes, and where it runs.
        env: on top of `environment()`.
        ready_path: wait until this path gets any HTTP answer at all; without it, until TCP connects.
        is_ready: asked instead, until it says so.
        start_seconds: how long that may take.
        grace_seconds: between asking it to end and ending it.

    Raises:
        RuntimeError: it ended, or did not answer in time; the message has the end of its log.
    """
    log = directory / f"{name}-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environment(env),
            # A group of its own, so that its workers end with it and Ctrl-C reaches only pytest.
            start_new_session=True,
        )
    server = Server(name, port, log, process)
    recent.append(server)
    if is_ready is None:
        is_ready = (
            partial(answers_tcp, port) if ready_path is None else partial(answers_http, port, ready_path)
        )
    try:
        _wait_until_ready(server, is_ready, time.monotonic() + start_seconds)
        yield server
    finally:
        _end(process, grace_seconds)


def _wait_until_ready(server: Server, is_ready: Callable[[], bool], deadline: float) -> None:
    while not is_ready():
        if server.ended or time.monotonic() > deadline:
            how = f"ended with {server.process.returncode}" if server.ended else "did not answer in time"
            raise RuntimeError(f"{server.name} {how}:\n{server.log_tail()}")
        time.sleep(0.03)
    # Somebody else may have taken the port in between: then ours has ended.
    if server.ended:
        raise RuntimeError(f"{server.name} ended at once:\n{server.log_tail()}")


def answers_http(port: int, path: str, *, timeout_seconds: float = 20) -> bool:
    """Tell whether a GET there gets an HTTP answer, whatever its status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _end(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    # The leader may be gone while a worker lives on: always tell the group.
    _tell(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    _tell(process, signal.SIGKILL)
    process.wait()


def _tell(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)

"""`python -m bench.soak [--seconds 600]`: users sign in and out, and Redis is killed again and again, for minutes.

At the end, the memory and the file descriptors of the gate must be as flat as they were, and every answer that was an
error must have come while Redis was away. An error that did not is printed with the lines that the gate logged about
that request. `--log FILE` keeps the whole log.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from bench.measure import pids_of, smaps
from oidc_gate.testing import TestProvider
from tests.real.behind_nginx import NAVIGATION, gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.servers import serving
from tests.real.stores.drills import Redis
from tests.real.stores.visits import SCRIPT, provider_for

USERS = 8
PAGES = 60
"""How many pages a user loads between a sign-in and a sign-out."""
LAG_SECONDS = 1.0
AWAY_SECONDS = 3.0
RECOVERY_SECONDS = 6.0
"""How long after a restart an error is explained by it: a client that waits, and a busy machine."""
MAX_GROWTH = 0.05
MAX_NEW_FILES = 8
MAX_SIGN_IN_SECONDS = 60.0
_REQUEST_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]+-[0-9a-f]+\b")
_AGAIN = re.compile(r'data-again="(\d+)"')


class Faults:
    """The times at which Redis was away. It is safe under threads."""

    def __init__(self) -> None:
        self._times: list[tuple[float, float]] = []

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """Record a fault for the length of the block."""
        began = time.monotonic()
        self._times.append((began, float("inf")))
        yield
        self._times[-1] = (began, time.monotonic() + RECOVERY_SECONDS)

    def explain(self, began: float, ended: float) -> bool:
        """Return whether a request that lasted from `began` to `ended` met a fault."""
        return any(began <= until and ended >= since for since, until in list(self._times))

    def __len__(self) -> int:
        return len(self._times)


class Unexplained(NamedTuple):
    """An error that no fault explains, and the ID of its request, by which the gate logs the reason."""

    words: str
    request_id: str


class Tally:
    """What was seen. It is safe under threads."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.unexplained: list[Unexplained] = []
        self._lock = threading.Lock()

    def note(self, what: str, began: float, status: int, *expected: int, text: str = "") -> bool:
        """Record an answer, and return whether it is one of those `expected`."""
        ended = time.monotonic()
        with self._lock:
            self.counts[what] += 1
            self.seconds.append(ended - began)
            if status in expected:
                return True
            self.counts[f"{what}: {status}"] += 1
            if status != 503 or not self.faults.explain(began, ended):
                found = _REQUEST_ID.search(text)
                words = f"{what}: {status} after {ended - began:.2f} s"
                words += "" if found else f" {text[:200]!r}"
                self.unexplained.append(Unexplained(words, found[0] if found else ""))
        return False


def main() -> int:
    """Run the load, and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--log", type=Path, metavar="FILE", help="keep the log of the gate")
    options = parser.parse_args()
    faults = Faults()
    tally = Tally(faults)
    with tempfile.TemporaryDirectory(prefix="oidc_gate-soak-") as room:
        directory, port = Path(room), free_port()
        redis = Redis(directory, free_port())
        redis.start()
        try:
            with provider_for(port) as op:
                env = gate_environment(
                    op.issuer,
                    f"http://localhost:{port}",
                    session_store=f"redis://127.0.0.1:{redis.port}",
                    refresh="true",
                    recheck_seconds="30",
                )
                app, words = (
                    "tests.real.which_worker:wsgi",
                    ("--workers=2", "--threads=16", "--log-level=error"),
                )
                with serving(
                    "gunicorn-gthread", app, directory=directory, env=env, port=port, options=words
                ) as server:
                    samples = _soak(server, redis, tally, options.seconds, op)
                if options.log:
                    shutil.copyfile(server.log, options.log)
                log = server.log.read_text(errors="replace").splitlines()
        finally:
            redis.close()
    return _report(tally, samples, log)


def _soak(
    server: Server, redis: Redis, tally: Tally, seconds: float, op: TestProvider
) -> list[tuple[int, int]]:
    """Return the memory (in bytes) and the number of files of the gate, each second."""
    stop, samples = threading.Event(), list[tuple[int, int]]()
    threads = [
        threading.Thread(target=_use, args=(server.port, number, tally, stop)) for number in range(USERS)
    ]
    for thread in threads:
        thread.start()
    began, next_fault = time.monotonic(), max(10.0, seconds / 10)
    interval = next_fault
    try:
        while (passed := time.monotonic() - began) < seconds:
            samples.append(_size(server))
            tally.counts["refreshes"] += _refreshes(op)
            # The last part is without faults, so that both ends are measured in the same state.
            if next_fault < passed < seconds * 0.8:
                next_fault = passed + interval
                with tally.faults.lasting():
                    redis.kill()
                    time.sleep(AWAY_SECONDS)
                    redis.start()
            time.sleep(1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return samples


def _refreshes(op: TestProvider) -> int:
    """Return how many refreshes the provider has received since the last call."""
    number = 0
    while op.requests:
        seen = op.requests.popleft()
        number += seen.path == "/token" and b"grant_type=refresh_token" in (seen.body or b"")
    return number


def _size(server: Server) -> tuple[int, int]:
    memory = files = 0
    for pid in pids_of(server.process.pid):
        memory += smaps(pid).get("Pss", 0)
        try:
            files += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:  # it has ended
            continue
    return memory, files


def _use(port: int, number: int, tally: Tally, stop: threading.Event) -> None:
    """Be a user. Every other one signs out after a while and begins again; the others stay."""
    site = f"http://localhost:{port}"
    while not stop.is_set():
        browser = requests.Session()
        browser.max_redirects = 8
        if not _sign_in(browser, site, tally, stop):
            stop.wait(0.5)
            continue
        pages = 0
        while not stop.is_set() and (number % 2 == 0 or pages < PAGES):
            pages += _page(browser, site, tally)
        if number % 2:
            _leave(browser, site, tally)


def _sign_in(browser: requests.Session, site: str, tally: Tally, stop: threading.Event) -> bool:
    """Sign in as a browser does, which requests a page that says so again by itself, and return whether it worked."""
    address, until = f"{site}/oauth2/start?rd=/reports", time.monotonic() + MAX_SIGN_IN_SECONDS
    while True:
        began = time.monotonic()
        try:
            landed = browser.get(address, headers=NAVIGATION, timeout=60)
            address, status, text = landed.url, landed.status_code, landed.text
        except requests.RequestException as error:
            status, text = 0, str(error)
        again = _AGAIN.search(text)
        if again is not None and stop.is_set():
            return False
        if again is None or time.monotonic() > until:
            return tally.note("sign-ins", began, status, 200, text=text)
        tally.note("sign-ins that were asked to wait a moment", began, status, 503)
        stop.wait(int(again[1]) / 1000)


def _page(browser: requests.Session, site: str, tally: Tally) -> bool:
    """Load a page, and return whether it came."""
    began = time.monotonic()
    answer = browser.get(f"{site}/reports", headers=SCRIPT, timeout=60, allow_redirects=False)
    came = tally.note("pages", began, answer.status_code, 200, text=answer.text)
    if not came:
        time.sleep(0.2)
    return came


def _leave(browser: requests.Session, site: str, tally: Tally) -> None:
    """Sign out, and check that a copy of the cookies is refused after the lag."""
    copy, began = dict(browser.cookies.items()), time.monotonic()
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = browser.post(f"{site}/oauth2/sign_out", headers=headers, timeout=60, allow_redirects=False)
    if tally.note("sign-outs", began, answer.status_code, 303, text=answer.text):
        time.sleep(LAG_SECONDS)
        began = time.monotonic()
        status = requests.get(f"{site}/reports", headers=SCRIPT, cookies=copy, timeout=60).status_code
        tally.note("copies after a sign-out", began, status, 401)


def _report(tally: Tally, samples: list[tuple[int, int]], log: list[str]) -> int:
    part = max(1, len(samples) // 5)
    # The first fifth warms up; the second is compared with the last.
    early, late = samples[part : 2 * part] or samples, samples[-part:]
    memory = [statistics.median(memory for memory, _ in some) for some in (early, late)]
    files = [statistics.median(files for _, files in some) for some in (early, late)]
    growth = memory[1] / memory[0] - 1
    for what, count in sorted(tally.counts.items()):
        print(f"{what:55}{count:10,}")
    print(f"{'restarts of Redis':55}{len(tally.faults):10,}")
    quantiles = statistics.quantiles(tally.seconds, n=100)
    times = "".join(f"{each * 1e3:10.1f}" for each in (quantiles[49], quantiles[98], max(tally.seconds)))
    print(f"{'p50, p99, longest (ms)':55}{times}")
    print(
        f"{'memory, early and late (MiB)':55}{memory[0] / 2**20:10.1f}{memory[1] / 2**20:10.1f}{growth:+10.1%}"
    )
    print(f"{'file descriptors, early and late':55}{files[0]:10.0f}{files[1]:10.0f}")
    print(f"{'errors that no fault explains':55}{len(tally.unexplained):10,}")
    for error in tally.unexplained[:20]:
        print(f"  {error.words}")
        for line in log:
            if error.request_id and error.request_id in line:
                print(f"    {line}")
    is_flat = growth < MAX_GROWTH and files[1] - files[0] <= MAX_NEW_FILES
    if not is_flat:
        print("memory or file descriptors grew")
    return 0 if is_flat and not tally.unexplained else 1


if __name__ == "__main__":
    sys.exit(main())

"""Fuzz one target, guided by coverage: `python -m fuzz.run TARGET [SECONDS] [CORPUS]`.

Then every input that it kept is tried again without instrumentation, and held to 10 ms of processor time and 8 MiB.
"""

from __future__ import annotations

import logging
import pkgutil
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
MAX_SECONDS, MAX_BYTES = 0.010, 8 << 20
# A first call imports and fills caches; a busy machine is slow. What is slow five times is slow.
TRIES = 5


def main(name: str, seconds: str = "30", corpus: str = "artifacts/fuzz") -> int:
    """Return the exit status: 0 if nothing was found."""
    kept = Path(corpus) / name
    kept.mkdir(parents=True, exist_ok=True)
    fuzzed = subprocess.run(
        [sys.executable, "-m", "fuzz.run", "--fuzz", name, seconds, str(kept)], check=False
    )
    return fuzzed.returncode or _replay(name, kept)


def _fuzz(name: str, seconds: str, kept: str) -> None:
    import atheris  # type: ignore[import-untyped, unused-ignore]

    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["oidc_gate"]):
        _import_core()
        from fuzz.targets import TARGETS
    options = [f"-max_total_time={seconds}", "-max_len=20000", "-timeout=20", "-rss_limit_mb=1024"]
    options += ["-print_final_stats=1", f"-artifact_prefix={kept}.", f"-dict={HERE / 'words.dict'}"]
    atheris.Setup([sys.argv[0], *options, kept, str(HERE / "seeds" / name)], TARGETS[name])
    atheris.Fuzz()


def _import_core() -> None:
    """Import what the gate imports when it is first needed, so that it is instrumented too."""
    import oidc_gate

    for module in pkgutil.walk_packages(oidc_gate.__path__, "oidc_gate."):
        if module.name.split(".")[1] not in ("cli", "ext", "testing", "check"):
            with suppress(ImportError):  # an extra that is not installed
                import_module(module.name)


def _replay(name: str, kept: Path) -> int:
    from fuzz.targets import TARGETS

    logging.disable(logging.CRITICAL)
    target = TARGETS[name]
    inputs = [path.read_bytes() for path in sorted([*kept.iterdir(), *(HERE / "seeds" / name).iterdir()])]
    target(inputs[0])
    slowest = largest = 0.0
    for data in inputs:
        seconds = min(_seconds(target, data) for _ in range(TRIES))
        slowest = max(slowest, seconds)
        tracemalloc.start()
        target(data)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        largest = max(largest, size)
        # A target makes several requests of one input.
        if seconds / REQUESTS[name] > MAX_SECONDS or size > MAX_BYTES:
            print(f"{name}: {seconds:.4f} s, {size} bytes: {data[:200]!r}")
            return 1
    print(
        f"{name}: {len(inputs)} inputs, none above {slowest * 1000:.1f} ms (all requests of it) and {largest:.0f} bytes"
    )
    return 0


REQUESTS = {
    "cookie": 8, "cookie_header": 3, "query": 6, "callback": 8, "logout_token": 2, "id_token": 4, "verdict_stream": 10,
}  # fmt: skip


def _seconds(target: object, data: bytes) -> float:
    began = time.process_time()
    target(data)  # type: ignore[operator]
    return time.process_time() - began


if __name__ == "__main__":
    if sys.argv[1] == "--fuzz":
        _fuzz(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))

"""Load: `wrk`, told what to send by a script, and its figures read back as JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Every request stands ready as bytes before the clock runs. Each of the threads begins at another place.
SCRIPT = """\
local requests, threads = {}, 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", nil, { ["Host"] = wrk.headers["Host"], ["Cookie"] = line })
  end
  at = math.floor(#requests * number / tonumber(args[2]))
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"failed":%d,"p50":%.1f,"p99":%.1f,"p999":%.1f}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


@dataclass(frozen=True)
class Load:
    """What one load measured; latencies in milliseconds."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float
    p999: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0


def is_here() -> bool:
    """Tell whether there is a wrk."""
    return shutil.which("wrk") is not None


def write_cookies(directory: Path, name: str, cookies: list[str]) -> Path:
    """Write ``Cookie`` headers for a load, one a line."""
    file = directory / f"{name}.cookies"
    file.write_text("\n".join(cookies) + "\n")
    return file


def load(url: str, cookies: Path, *, connections: int, seconds: float) -> Load:
    """Load `url` and return what came of it."""
    script = cookies.with_name("load.lua")
    script.write_text(SCRIPT)
    threads = min(2, connections)
    argv = [
        "wrk",
        f"-t{threads}",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "--latency",
    ]
    done = subprocess.run(
        [*argv, "-s", str(script), url, "--", str(cookies), str(threads)],
        capture_output=True, text=True, timeout=seconds + 60, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"wrk: {done.stderr[-500:] or done.stdout[-500:]}")
    told = json.loads(lines[-1])
    return Load(
        told["requests"], told["microseconds"] / 1e6, told["failed"],
        told["p50"] / 1e3, told["p99"] / 1e3, told["p999"] / 1e3,
    )  # fmt: skip

"""What a browser makes of a ``Location``: Node's ``URL``, which follows the WHATWG URL standard."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import IO, cast

_SCRIPT = """
const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const answers = JSON.parse(line).map(([location, base]) => {
    try {
      const { protocol, host, pathname, search, hash, username } = new URL(location, base);
      return { protocol, host, pathname, rest: search + hash, username };
    } catch { return null; }
  });
  console.log(JSON.stringify(answers));
});
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the browser goes."""

    protocol: str
    host: str
    pathname: str
    rest: str
    username: str


class Browser:
    """Asks a running node."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "-e", _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
        )

    def follow(self, locations: list[str], base: str) -> list[Place | None]:
        """Return where each of `locations`, on an answer of `base`, leads; None where it leads nowhere."""
        asks, answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        asks.write(json.dumps([[location, base] for location in locations]) + "\n")
        asks.flush()
        return [Place(**answer) if answer else None for answer in json.loads(answers.readline())]

    def close(self) -> None:
        self._process.communicate()

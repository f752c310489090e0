"""`tests.real.which_worker` with a wall clock that a test steps: by the seconds that are written in a file.

It is a module of its own, because the clock must be replaced before `oidc_gate` is imported.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

VARIABLE = "TEST_CLOCK_STEP_FILE"
_file, _true = Path(os.environ[VARIABLE]), time.time


def _stepped() -> float:
    return _true() + float(_file.read_text() or 0)


time.time = _stepped

from tests.real import which_worker  # noqa: E402

asgi, wsgi = which_worker.asgi, which_worker.wsgi

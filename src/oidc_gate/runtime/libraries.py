"""The modules that only a sign-in needs. They are imported in one place, once, before threads can import them together.

They take longer to import than the rest of the package, so a worker starts without them, and signed-in users are
served without them. If two threads import parts of one package at the same time, starting with different modules, each
finds modules that the other has not finished (``_DeadlockError``, ``partially initialized module``). Therefore the
first thread imports all of them here, and the others wait for it.

`Outbound` calls `load` before the first request to the provider, and nothing uses these modules before: they all need
the provider's metadata, keys or tokens. An import of them inside a function finds them loaded. A test compares every
such import with the list.
"""

from __future__ import annotations

import threading
from importlib import import_module

MODULES = (
    "cryptography.hazmat.backends.openssl.backend",  # cryptography itself imports it with the first key
    "email.utils",
    "requests",
    "authlib.common.urls",
    "authlib.oauth2.auth",
    "authlib.oauth2.rfc6749.parameters",
    "authlib.oauth2.rfc7636",
    "oidc_gate.runtime.deadline",
    "oidc_gate.runtime.failures",
    "oidc_gate.provider.jose.assertions",
    "oidc_gate.provider.jose.id_token",
    "oidc_gate.provider.jose.keys",
    "oidc_gate.provider.jose.logout_token",
    "oidc_gate.provider.jose.private_keys",
    "oidc_gate.provider.jose.userinfo_token",
)

METRICS_MODULES = ("prometheus_client.core", "prometheus_client.exposition")
"""The modules of `/oauth2/metrics` (extra ``[metrics]``). `World` loads them if there is a `metrics_token`."""

_lock = threading.Lock()
_loaded: list[bool] = []


def load() -> None:
    """Import every module of the list, or wait until another thread has done so.

    Raises:
        ImportError: One of them is not installed. The next call tries again.
    """
    if _loaded:
        return
    with _lock:
        if not _loaded:
            for name in MODULES:
                import_module(name)
            _loaded.append(True)


def load_metrics() -> None:
    """Import every module of `METRICS_MODULES`, before the process has threads.

    Raises:
        ImportError: One of them is not installed.
    """
    for name in METRICS_MODULES:
        import_module(name)


def is_loaded() -> bool:
    """Return whether `load` would return at once."""
    return bool(_loaded)

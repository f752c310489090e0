"""Leases of the session store that are renewed while work is under way."""

from __future__ import annotations

import logging
import threading

from ..errors import StoreUnavailable
from ..store.base import Lease, Store

log = logging.getLogger("oidc_gate.store")

RENEWALS_PER_TTL = 3


class HeldLease:
    """A lease that a thread renews until it is released or lost. It ends with the process.

    Not checked here: whether it was lost. A write under a lease must therefore compare versions (`Store.put`).
    """

    def __init__(self, store: Store, lease: Lease, ttl_seconds: float) -> None:
        self._store, self._lease, self._ttl_seconds = store, lease, ttl_seconds
        self._is_released = threading.Event()

    @classmethod
    def take(cls, store: Store, name: bytes, ttl_seconds: float) -> HeldLease | None:
        """Return the lease `name`, or None if another holder has it."""
        lease = store.lease(name, ttl_seconds)
        if lease is None:
            return None
        held = cls(store, lease, ttl_seconds)
        threading.Thread(target=held._renew, name="oidc_gate lease", daemon=True).start()
        return held

    def release(self) -> None:
        """Release it. If the store does not answer, it expires by itself."""
        self._is_released.set()
        try:
            self._store.release(self._lease)
        except StoreUnavailable as error:
            log.warning("a lease could not be released, and expires by itself: %s", error)

    def _renew(self) -> None:
        while not self._is_released.wait(self._ttl_seconds / RENEWALS_PER_TTL):
            try:
                if not self._store.renew(self._lease, self._ttl_seconds):
                    return
            except StoreUnavailable:
                continue  # the store may answer again before it expires

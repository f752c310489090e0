"""A TCP proxy that can stop to forward without closing anything, a half-open connection, or cut everything."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Forwards bytes between clients and a port of 127.0.0.1."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._peers: dict[socket.socket, socket.socket] = {}
        self.is_frozen = self.is_cut = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        for each in (self._listener, *self._peers):
            each.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for key, _ in self._selector.select(0.02):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._forward(key.fileobj)
            if self.is_cut:
                for each in list(self._peers):
                    self._selector.unregister(each)
                    del self._peers[each]
                    each.close()

    def _accept(self) -> None:
        ours, _ = self._listener.accept()
        if self.is_cut:
            ours.close()
            return
        try:
            theirs = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            ours.close()
            return
        for one, other in ((ours, theirs), (theirs, ours)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, one: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            data = one.recv(65536)
        if data and self.is_frozen:
            return  # the bytes are lost, and both sides think that all is well
        if data:
            with suppress(OSError):
                self._peers[one].sendall(data)
                return
        for each in (one, self._peers.get(one)):
            if each is not None and each in self._peers:
                self._selector.unregister(each)
                del self._peers[each]
                each.close()


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()

"""What only a sign-in needs is imported once, by one thread, and the others wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from oidc_gate.runtime import libraries


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """A process in which nothing was loaded yet; takes what imports a module."""
    monkeypatch.setattr(libraries, "_loaded", [])

    def replace(import_module: Callable[[str], None]) -> None:
        monkeypatch.setattr(libraries, "import_module", import_module)

    return replace


def test_threads_that_come_meanwhile_wait(unloaded: Callable[[Callable[[str], None]], None]) -> None:
    imported, returned = list[str](), list[int]()
    begun, may_go_on = threading.Event(), threading.Event()

    def import_slowly(name: str) -> None:
        imported.append(name)
        begun.set()
        assert may_go_on.wait(30)

    def enter() -> None:
        libraries.load()
        returned.append(len(imported))

    unloaded(import_slowly)
    threads = [threading.Thread(target=enter) for _ in range(4)]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
        thread.join(0.05)
    seen = (len(imported), list(returned), libraries.is_loaded())
    may_go_on.set()
    assert seen == (1, [], False)
    for thread in threads:
        thread.join(30)
    assert tuple(imported) == libraries.MODULES
    assert returned == [len(libraries.MODULES)] * 4
    assert libraries.is_loaded()


def test_a_failure_is_tried_again(unloaded: Callable[[Callable[[str], None]], None]) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    unloaded(fail)
    for _ in range(2):
        with pytest.raises(ImportError):
            libraries.load()
    assert not libraries.is_loaded()

"""Reads every log line while it is written, and knows every secret that was made in this process.

`watch_logs` runs for the whole session (in each worker under xdist), with the loggers that matter at DEBUG, and
fails the run if a token, code, verifier, state, nonce, sealed cookie or configured secret stood in a line of ours,
or in one that another library wrote while it worked for the gate. What the tests' own HTTP clients log is theirs.
"""

from __future__ import annotations

import functools
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import currently_in_test_context

from oidc_gate.flow import record
from oidc_gate.provider.jose import assertions
from oidc_gate.runtime.http import Outbound
from oidc_gate.seal.ring import Sealer
from oidc_gate.seal.signing import Signer
from oidc_gate.settings.schema import SECRETS
from oidc_gate.settings.sources import SettingsReader
from oidc_gate.syntax.base64url import b64url_encode
from oidc_gate.testing.provider.realm import Shelf
from oidc_gate.testing.provider.tokens import Draft

LENGTH = 24  # of a secret's beginning that is looked for: logs cut
DISTINCT = 8  # characters in it: fewer are no random text
STORES = ("session_store", "revocation_store")
_PIECE = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH},}}")
_OURS = ("oidc_gate", "authlib", "joserfc")
# Not authlib: it is muted by what is tested here. Not asyncio, which knows no secret and would be in every caplog.
_LOUD = ("oidc_gate", "joserfc", "requests", "urllib3", "charset_normalizer", "werkzeug", "cryptography")
_FORMATTER = logging.Formatter("%(message)s")


class SecretWatch(logging.Handler):
    """Remembers secrets by the beginning of each of their parts, and every line in which one stood.

    Args:
        judges_all: Lines of every logger, whoever called it.
    """

    def __init__(self, *, judges_all: bool = False) -> None:
        super().__init__(logging.NOTSET)
        self.judges_all = judges_all
        self.found: list[str] = []
        self.lines = 0
        self._parts: set[str] = set()
        self._texts: set[str] = set()
        self._ours = threading.local()
        self.is_paused = False

    def learn(self, *secrets: str) -> None:
        for secret in secrets:
            starts = [piece[:LENGTH] for piece in _PIECE.findall(secret)]
            # "vvvv..." of a table is no secret, and other tables log as much.
            self._parts.update(start for start in starts if len(set(start)) >= DISTINCT)
            if not starts and len(secret) >= 8:
                self._texts.add(secret)

    @property
    def known(self) -> int:
        return len(self._parts) + len(self._texts)

    def stands_in(self, text: str) -> bool:
        for piece in _PIECE.findall(text):
            for start in range(min(len(piece) - LENGTH, 400) + 1):
                if piece[start : start + LENGTH] in self._parts:
                    return True
        return any(secret in text for secret in self._texts)

    def emit(self, record: logging.LogRecord) -> None:
        by_us = record.name.split(".")[0] in _OURS or getattr(self._ours, "fetching", False)
        if self.is_paused or not (by_us or self.judges_all):
            return
        self.lines += 1
        line = _FORMATTER.format(record)
        if self.stands_in(line):
            self.found.append(f"{record.name} {record.levelname}: {line[:2_000]}")

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Mark what this thread logs as the gate's, whichever library writes it."""
        self._ours.fetching = True
        try:
            yield
        finally:
            self._ours.fetching = False


def _after(watch: SecretWatch, function: Callable[..., Any], learn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def watched(*args: Any, **keywords: Any) -> Any:
        result = function(*args, **keywords)
        learn(result, *args, **keywords)
        return result

    return watched


def _sources(watch: SecretWatch) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    """Where secrets are made: an object, the name of a function of it, and what to learn after a call."""

    def result(made: str, /, *_: Any, **__: Any) -> None:
        watch.learn(made)

    def shelved(made: str, /, *_: Any, **given: Any) -> None:
        if not given.get("key"):
            watch.learn(made)

    def derived(made: bytes, /, _: Any, label: str) -> None:
        if label != "id":
            watch.learn(b64url_encode(made))

    def configured(values: dict[str, Any], _: SettingsReader, /) -> None:
        if currently_in_test_context():
            return  # hypothesis makes values of words of the source too, and those stand in log lines
        for name, value in ((name, values[name]) for name in SECRETS):
            if name in STORES:  # no secret but for the password in it
                watch.learn(*re.findall(r":([^:/@]+)@", value or ""))
                continue
            for secret in value if isinstance(value, tuple) else (value or "",):
                watch.learn(*(line for line in secret.splitlines() if "-----" not in line))

    yield Sealer, "seal", result
    yield Signer, "sign", result
    yield Draft, "write", result
    yield Shelf, "add", shelved
    yield record.Flow, "_derive", derived
    yield SettingsReader, "checked", configured
    for name in ("build_client_assertion", "build_request_object", "build_secret_assertion"):
        if hasattr(assertions, name):
            yield assertions, name, result


@contextmanager
def watching(watch: SecretWatch) -> Iterator[SecretWatch]:
    """Have `watch` learn every secret that is made, and read every line that is logged, at DEBUG."""
    perform = Outbound.perform

    def performing(self: Outbound, effect: Any) -> Any:
        with watch.fetching():
            return perform(self, effect)

    root = logging.getLogger()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for owner, name, learn in _sources(watch):
            patch.setattr(owner, name, _after(watch, getattr(owner, name), learn))
        patch.setattr(Outbound, "perform", performing)
        for name in _LOUD:
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        root.addHandler(watch)
        stack.callback(root.removeHandler, watch)
        yield watch


def _quieten(config: pytest.Config) -> None:
    """Have ``caplog`` see what it would see without us: warnings, and of the gate whatever level the test sets."""
    plugin: Any = config.pluginmanager.getplugin("logging-plugin")
    for handler in (plugin.caplog_handler, plugin.report_handler):

        def passes(line: logging.LogRecord, handler: logging.Handler = handler) -> bool:
            family = line.name.split(".")[0]
            is_asked_for = family not in _LOUD or (family == "oidc_gate" and handler.level > logging.NOTSET)
            return line.levelno >= logging.WARNING or is_asked_for

        handler.addFilter(passes)


@pytest.fixture(scope="session", autouse=True)
def watch_logs(pytestconfig: pytest.Config) -> Iterator[SecretWatch]:
    """Fail the run if any log line of it held a secret."""
    _quieten(pytestconfig)
    with watching(SecretWatch()) as watch:
        yield watch
    assert not watch.found, f"{len(watch.found)} log lines hold a secret:\n" + "\n".join(watch.found[:20])

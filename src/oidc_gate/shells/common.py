"""The code that both shells use: the runtime of a gate, request IDs, and checks of the application's response."""

from __future__ import annotations

import itertools
import logging
import math
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Generic

from ..effects import Background, Step
from ..endpoints.context import Components
from ..errors import ConfigurationError, GateError, SessionError
from ..gate import Gate, RenderSession
from ..model import Session
from ..runtime import libraries
from ..runtime.streams import Lifetime, OpenStream, OpenStreams
from ..runtime.totals import UnsafeDirectory
from ..runtime.world import World
from ..session.admissions import Admission, Payload
from ..session.cookie_jar import PART_SEPARATOR
from ..session.lifetime import absolute_end, idle_end
from ..session.sessions import LoadedSession
from ..settings import Settings
from ..settings.problems import describe_problem
from ..store.base import Store

if TYPE_CHECKING:
    from ..settings.keywords import LoadKeywords

log = logging.getLogger("oidc_gate")

MAX_DRAIN_BYTES = 1 << 20  # the largest request body that Nginx accepts by default
MAX_DRAIN_SECONDS = 2.0
MAX_BODY_SECONDS = (
    10.0  # for a form of 96 kB at most; gunicorn gives a request 30 seconds, Apache 20 to begin
)
_ids = itertools.count(1)
_HOST = int.from_bytes(os.urandom(4))  # containers can have the same process IDs
_OWN_CHALLENGES = ("basic", "digest", "negotiate", "ntlm")

Find = Callable[[str], tuple[Admission[Payload] | None, str]]


def load_settings(settings: Settings | None, keywords: LoadKeywords) -> Settings:
    """Return the settings of a shell: the given object, or those from keywords, environment and file.

    Raises:
        ConfigurationError: The settings cannot work. Every problem has been logged at CRITICAL.
        TypeError: Both were given. If one of them were ignored, a rule about who may enter could be lost.
    """
    if settings is not None and keywords:
        raise TypeError(f"give settings, or {', '.join(sorted(keywords))} by keyword, not both")
    try:
        loaded = Settings.load(**keywords) if settings is None else settings
        _try_keys(loaded)
    except ConfigurationError as error:
        log_configuration_error(error)
        raise
    return loaded


def make_world(settings: Settings) -> World:
    """Return the world of a gate.

    Raises:
        ConfigurationError: `metrics_directory` cannot be used. The problem has been logged at CRITICAL.
    """
    try:
        return World(settings)
    except UnsafeDirectory as unsafe:
        problem = describe_problem(
            "metrics_directory",
            "metrics_directory_unsafe",
            "settings",
            value=settings.metrics_directory,
            reason=str(unsafe),
        )
        error = ConfigurationError([problem])
        log_configuration_error(error)
        raise error from None


def log_configuration_error(error: ConfigurationError) -> None:
    """Log every problem of the settings at CRITICAL, because some servers ignore the exception."""
    log.critical("%s", error)
    error.is_logged = log.isEnabledFor(logging.CRITICAL)


def _try_keys(settings: Settings) -> None:
    """Read the keys once, so that problems are reported now and not at the first sign-in."""
    names = [name for name in ("client_private_key", "id_token_decryption_key") if getattr(settings, name)]
    if not names:
        return
    libraries.load()
    from ..provider.jose.private_keys import UnusableKey, load_decryption_key, load_private_key

    loaders: dict[str, Callable[[str], object]] = {
        "client_private_key": partial(load_private_key, alg=settings.client_private_key_alg),
        "id_token_decryption_key": load_decryption_key,
    }
    problems = []
    for name in names:
        try:
            loaders[name](getattr(settings, name))
        except UnusableKey as error:
            problems.append(describe_problem(name, "key_unusable", "settings", reason=error.detail))
    if problems:
        raise ConfigurationError(problems)


def new_request_id() -> str:
    """Return an ID that is unique among the processes and containers of a service. It is not a secret."""
    return f"{_HOST:08x}-{os.getpid():x}-{next(_ids):x}"


class Runtime(Generic[Payload]):
    """A gate together with its world. The shells call it.

    Args:
        components, render: See `Gate`.
        world: Its store is that of the components.

    Attributes:
        find: Returns the admission for a ``Cookie`` header, or None if `Gate.decide` is needed; and the header without
            the gate's cookies. It never returns an admission that has expired.
        admitted: Returns how often `find` found an admission in the cache. Such requests are counted, but not logged.

    `warm_up` starts discovery, and the first check of the store, in the background, once in each process and after a
    fork. Nothing waits for it.
    """

    def __init__(
        self,
        components: Components,
        render: RenderSession[Payload],
        world: World,
    ) -> None:
        self.gate = Gate(components, render)
        self.world = world
        self.warmed_up_pid = 0
        self._streams: dict[int, OpenStreams] = {}
        self.find, self.admitted = self._make_find()
        self.opened = 0
        if world.metrics is not None:
            self.gate.counted = world.metrics.decided
            world.metrics.add_admitted(self.answered)
            cache = components.cache
            world.metrics.add_gauges(cache, lambda: {("cached_sessions",): len(cache)})

    @classmethod
    def of(
        cls, settings: Settings, render: RenderSession[Payload], world: World | None = None
    ) -> Runtime[Payload]:
        """Return the runtime of a gate with these settings."""
        world = world or make_world(settings)
        return cls(Components(settings, world.store), render, world)

    def _make_find(self) -> tuple[Find[Payload], Callable[[], int]]:
        """Return `find` and `admitted` as closures, because attribute look-ups on `self` are slow on the short path."""
        cookies, lookup = self.gate.components.cookies, self.gate.admissions.lookup
        main, later, split, needle = cookies.main, cookies.later, cookies.split, cookies.needle
        body, session_key = cookies.body, cookies.session_key
        needle_length = len(needle)
        clock, first_seen = self._admitting_clock(), self._open_first_seen
        admitted = 0

        def cached_key(cookie: str, cookie_header: str) -> str:
            key = session_key(cookie, cookie_header)
            return cookie if lookup(key) is None else key  # the other cookies may be of an earlier session

        def find(cookie_header: str) -> tuple[Admission[Payload] | None, str]:
            nonlocal admitted
            # The same as `split`, without the call, for a header with one cookie of the gate.
            before, found, after = cookie_header.partition(later)
            if not found and cookie_header.startswith(needle):
                before, after = "", cookie_header[needle_length:]
            cookie, more, rest = after.partition(";")
            others = before + more + rest if before else rest.removeprefix(" ")
            if main in others:
                cookie, others = split(cookie_header)
                if body in cookie_header:
                    cookie = cached_key(cookie, cookie_header)
            now = clock()  # before the look-up: what is found after it was current has not ended
            admission = lookup(cookie)
            if admission is not None and admission.since <= now < admission.until:
                admitted += 1
                return admission, others
            return first_seen(cookie, cookie_header) if cookie else None, others

        return find, lambda: admitted

    def _admitting_clock(self) -> Callable[[], float]:
        """Return the clock with which admissions are compared.

        With a store, this clock returns a time before all admissions while the view of the store is not current, so
        that no admission is valid. Without a store it is the clock itself, so that nothing is added to the short path.

        It must be read before the look-up. If it were read after it, another thread could catch up in between: the view
        would be current, although the session of the admission that was found may have ended.
        """
        clock, ends = self.world.clock, self.gate.components.ends
        if ends is None:
            return clock
        is_current = ends.is_current
        return lambda: clock() if is_current() else -math.inf

    def _open_first_seen(self, cookie: str, cookie_header: str) -> Admission[Payload] | None:
        """Return the admission for a cookie that is not in the cache, if that needs no blocking call to a store.

        Args:
            cookie: The first session cookie in `cookie_header`, or the key of a session of several cookies.
        """
        cookie = cookie.partition(PART_SEPARATOR)[0]
        expiring_keys = self.world.expiring_keys
        if expiring_keys.blocks or self.world.store is not None:
            return None
        now = int(self.world.clock())
        admission = self.gate.admissions.open_first_seen(cookie, cookie_header, now, expiring_keys)
        self.opened += admission is not None
        return admission

    def answered(self) -> int:
        """Return the number of requests that the short path answered, with or without the cache."""
        return self.admitted() + self.opened

    def open_stream(
        self,
        session: Session,
        loaded: LoadedSession | None = None,
        wake: Callable[[], object] | None = None,
    ) -> OpenStream:
        """Register a WebSocket or an event stream, which must end with `session`; see `OpenStreams.open`."""
        settings, sessions = self.gate.settings, self.gate.components.sessions

        def check() -> Step[int | None]:
            try:
                return idle_end((yield from sessions.read_again(session)), settings)
            except SessionError:
                return None

        refresher = self.gate.components.refresher
        lifetime = Lifetime(
            sessions.end_key(session),
            absolute_end(session, settings),
            idle_end(session, settings),
            None if refresher is None or loaded is None else refresher.for_stream(loaded),
        )
        return self._open_streams().open(lifetime, check, wake)

    def _open_streams(self) -> OpenStreams:
        """Return the open streams of this process. A child process begins without any."""
        found = self._streams.get(os.getpid())
        if found is None:
            listeners, ends = self.gate.components.cache.listeners, self.gate.components.ends
            if self._session_ended not in listeners:
                listeners.append(self._session_ended)
                self.gate.admissions.seen = self._session_seen
            catch_up = None if ends is None else ends.ensure_current
            found = self._streams.setdefault(os.getpid(), OpenStreams(self.world, self.world.clock, catch_up))
        return found

    def _session_ended(self, end_key: str | bytes | None) -> None:
        self._open_streams().ended(end_key)

    def _session_seen(self, loaded: LoadedSession) -> None:
        self._open_streams().renewed(loaded.end_key, idle_end(loaded.session, self.gate.settings))

    def warm_up(self) -> None:
        """Fetch metadata and keys in a separate thread, unless this process has started to do so."""
        if self.warmed_up_pid == os.getpid():
            return
        self.warmed_up_pid = os.getpid()
        if self.world.totals is not None:
            self.world.totals.start()
        log.info("%s", _where_sessions_are(self.gate.settings, self.world.store))
        self.world.perform(Background(self.gate.components.provider.warm_up))
        if self.gate.components.store_health is not None:
            self.world.perform(Background(self.gate.components.store_health.warm_up))


def _where_sessions_are(settings: Settings, store: Store | None) -> str:
    """Return a sentence for the log that says where sessions and their ends are stored."""
    if store is None:
        return (
            "sessions are in cookies, and a sign-out applies only in the process that handles it, until it restarts; "
            "with revocation_store or session_store it applies in every process"
        )
    if settings.session_store == "cookie":
        return f"sessions are in cookies, and their ends in {store.describe()}"
    return f"sessions are in {store.describe()}"


def body_timeout() -> GateError:
    """Return the error for a body that takes longer than `MAX_BODY_SECONDS`."""
    return GateError("body_timeout", "The request did not arrive in time.", status=408)


def is_own_challenge(www_authenticate: Iterable[str]) -> bool:
    """Return whether the application's own 401 has a meaning that the gate must not replace."""
    return any(value.strip().lower().startswith(_OWN_CHALLENGES) for value in www_authenticate)


def may_carry_cookie(cache_control: Iterable[str]) -> bool:
    """Return whether a response may renew the session. A response that a shared cache may store must not.

    Spec: RFC 9111 §5.2.2, §7.3.
    """
    directives = {part.strip().lower() for value in cache_control for part in value.split(",")}
    names = {directive.partition("=")[0] for directive in directives}
    if names & {"private", "no-store"}:
        return True
    # s-maxage is for shared caches, for which it replaces max-age (RFC 9111 §5.2.2.10).
    if names & {"public", "s-maxage", "immutable"}:
        return False
    return "max-age" not in names or "max-age=0" in directives

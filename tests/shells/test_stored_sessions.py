"""The whole life of a session in a store, over two workers; and cookie sessions that end by a store."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.session import record, stored_sessions
from oidc_gate.store.base import EVERYTHING, Row, Selector
from oidc_gate.store.memory import MemoryStore
from oidc_gate.testing.store_contract import new_key
from tests.fast import interfaces
from tests.shells.conftest import SHELLS_AT_THE_ROOT, MakeSite, name_of
from tests.shells.provider import ISSUER
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Shell, Site, Visitor
from tests.shells.stores import KINDS, Place, Watched
from tests.shells.test_sign_out import FORM, SAME, logout_token

IDLE, LIFETIME = 3600, 28_800
MakeWorker = Callable[..., Site]
TICKET_LENGTH = 107


@pytest.fixture(params=interfaces(SHELLS_AT_THE_ROOT), ids=name_of)
def shell(request: pytest.FixtureRequest) -> Shell:
    """Each interface once: where a gate is mounted is nothing to a store."""
    found: Shell = request.param
    return found


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


@pytest.fixture
def make_worker(make_site: MakeSite, place: Place) -> MakeWorker:
    """Build one of the workers that share the sessions of a test."""

    numbers = count()

    def make(home: str = "session_store", **settings: Any) -> Site:
        site = make_site(store=place.open(), **{home: place.url}, **settings)
        site.provider.code_prefix = f"code-of-worker-{next(numbers)}-"
        return site

    return make


@pytest.fixture
def worker(make_worker: MakeWorker) -> Site:
    return make_worker()


@pytest.fixture
def other(make_worker: MakeWorker, worker: Site) -> Site:
    return make_worker()


@pytest.fixture(params=["session_store", "revocation_store"])
def workers(request: pytest.FixtureRequest, make_worker: MakeWorker) -> tuple[Site, Site]:
    """Two workers, whose sessions are in the store, or in cookies that end by it."""
    return make_worker(request.param), make_worker(request.param)


def store_of(site: Site) -> Watched:
    found = site.world.store
    assert isinstance(found, Watched)
    return found


def at(site: Site, visitor: Visitor) -> Visitor:
    """The same browser, whose next request another worker gets."""
    found = site.visitor()
    found.cookies = visitor.cookies
    return found


def rows(site: Site) -> tuple[Row, ...]:
    return store_of(site).store.find(EVERYTHING, int(site.now)).rows


def signed_in(site: Site, subject: str = "alice", sid: str = "") -> Visitor:
    site.provider.person = {"sub": subject, "email": f"{subject}@corp.example", "email_verified": True}
    if sid:
        site.provider.person["sid"] = sid
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    return visitor


# --- the life of a session -----------------------------------------------------------------------------


def test_a_sign_in_makes_a_ticket_that_every_worker_takes(worker: Site, other: Site) -> None:
    visitor = signed_in(worker)
    assert len(visitor.cookies[COOKIE]) == TICKET_LENGTH
    (row,) = rows(worker)
    assert (row.expires_at, row.leaves_at) == (worker.now + LIFETIME, worker.now + IDLE)
    for site in (worker, other):
        assert at(site, visitor).get("/").status == 200
        assert site.app.identity is not None
        assert (site.app.identity.subject, site.app.identity.email) == ("alice", "alice@corp.example")


def test_a_session_seen_a_moment_ago_costs_no_call_and_a_new_one_costs_one(worker: Site) -> None:
    visitor = signed_in(worker)
    store = store_of(worker)
    store.calls.clear()
    for headers in ({}, NAVIGATION, FETCH):
        assert visitor.get("/", headers).status == 200
    assert store.calls == {"open": 1}


@pytest.mark.parametrize("change", ["", "x", "made up"])
def test_a_made_up_cookie_costs_no_call(worker: Site, change: str) -> None:
    visitor = signed_in(worker)
    ticket = visitor.cookies[COOKIE]
    visitor.cookies[COOKIE] = (
        ticket[: len(ticket) // 2] + change if change != "made up" else "A" * TICKET_LENGTH
    )
    store_of(worker).calls.clear()
    assert visitor.get("/").status == 401
    assert not store_of(worker).calls


def test_a_ticket_of_another_gate_s_name_or_secret_is_none(make_worker: MakeWorker) -> None:
    cookie = signed_in(make_worker()).cookies[COOKIE]
    for changes in (
        {"cookie_secret": ("x3mN9sLwE6uHgJ8pRaT5iVnKcbq2oC4vYkq0tF1rD7z",)},
        {"client_id": "another"},
    ):
        site = make_worker(**changes)
        site.visitor().cookies = {COOKIE: cookie}
        answer = site.visitor().get("/", {"Cookie": f"{COOKIE}={cookie}"})
        assert answer.json["code"] in ("seal_foreign", "seal_forged")


def test_it_is_renewed_without_a_cookie_by_every_kind_of_request(worker: Site, other: Site) -> None:
    visitor = signed_in(worker)
    for _ in range(12):  # longer than the idle time, shared by two workers
        for site in (worker, other):
            site.now += IDLE / 10
            answer = at(site, visitor).get("/")
            assert (answer.status, answer.all("set-cookie")) == (200, [])
            other.now = worker.now = max(worker.now, other.now)
    answer = visitor.ask("auth")
    assert (answer.status, answer.all("set-cookie")) == (202, [])
    (row,) = rows(worker)
    assert (row.version, row.last_seen) == (1, worker.now)


def test_a_renewed_session_is_known_until_it_is_due_again(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.now += IDLE / 10
    assert visitor.get("/").status == 200
    store_of(worker).calls.clear()
    worker.now += IDLE / 10 - 1
    assert visitor.get("/").status == 200
    assert not store_of(worker).calls


def test_it_ends_by_idleness_and_by_its_lifetime(worker: Site) -> None:
    idle, busy = signed_in(worker), signed_in(worker, "bob")
    for _ in range(15):
        worker.now += IDLE / 2
        assert busy.get("/").status == 200
    assert idle.get("/").json["code"] == "session_ended"
    worker.now += IDLE / 2
    assert busy.get("/").json["code"] == "session_ended"
    assert rows(worker) == ()


def test_a_shorter_lifetime_counts_at_once(make_worker: MakeWorker) -> None:
    visitor = signed_in(make_worker())
    site = make_worker(session_lifetime_seconds=600, session_idle_seconds=300)
    site.now += 300
    assert at(site, visitor).get("/").json["code"] == "session_idle"


def test_a_new_sign_in_ends_the_session_that_it_replaces(worker: Site, other: Site) -> None:
    visitor = signed_in(worker)
    old = dict(visitor.cookies)
    assert visitor.sign_in().status == 302
    assert visitor.cookies[COOKIE] != old[COOKIE]
    assert len(rows(worker)) == 1
    for site in (worker, other):
        thief = site.visitor()
        thief.cookies = dict(old)
        assert thief.get("/").json["code"] == "session_ended"
        assert at(site, visitor).get("/").status == 200


def test_expires_at_is_when_the_session_ends(make_worker: MakeWorker) -> None:
    visitor = signed_in(make_worker())
    worker = make_worker(session_lifetime_seconds=600, session_idle_seconds=600)
    other = worker.visitor()
    other.cookies = dict(visitor.cookies)
    assert other.get("/").status == 200
    assert worker.app.identity is not None
    assert worker.app.identity.expires_at == worker.now + 600


def test_a_record_of_a_later_release_is_read(worker: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = record.encode_session

    def later(session: Any, max_bytes: int) -> bytes:
        written = encode(session)
        assert written[:1] == b"Z"  # compressed
        fields = [*json.loads(zlib.decompress(written[1:])), "a field of a later release", {"and": ["more"]}]
        return b"Z" + zlib.compress(json.dumps(fields).encode())

    monkeypatch.setattr(stored_sessions, "encode_session", later)
    assert signed_in(worker).get("/").status == 200
    assert worker.app.identity is not None
    assert worker.app.identity.subject == "alice"


def test_a_secret_that_is_added_signs_nobody_out_and_one_that_is_removed_its_own(
    make_worker: MakeWorker,
) -> None:
    old, new = "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc", "uHgJ8pRaT5iVnKcbq2oC4vYkq0tF1rD7zX3mN9sLwE6"
    before, during, after = (make_worker(cookie_secret=given) for given in ((old,), (new, old), (new,)))
    of_old, of_new = signed_in(before), signed_in(during, "bob")
    assert at(during, of_old).get("/").status == 200
    assert at(after, of_new).get("/").status == 200
    assert at(after, of_old).get("/").json["code"] == "seal_foreign"
    # A worker that has only the old secret finds what another sealed with it: its row, and its indexes.
    token = f"logout_token={logout_token(before)}".encode()
    assert before.visitor().open("POST", before.path("backchannel_logout"), FORM, token).status == 200
    assert at(during, of_old).get("/").json["code"] == "session_ended"


# --- ends ----------------------------------------------------------------------------------------------


def end_by(site: Site, way: str, visitor: Visitor) -> None:
    if way == "sign_out":
        assert at(site, visitor).ask("sign_out", SAME, "POST").status == 303
    elif way == "frontchannel_logout":
        url = f"{site.path(way)}?iss={ISSUER}&sid=sid-1"
        assert site.visitor().navigate(url, Sec_Fetch_Dest="iframe").status == 200
    else:
        body = f"logout_token={logout_token(site)}".encode()
        assert site.visitor().open("POST", site.path(way), FORM, body).status == 200


@pytest.mark.parametrize("way", ["sign_out", "frontchannel_logout", "backchannel_logout"])
def test_an_end_counts_for_the_next_request_in_every_worker(workers: tuple[Site, Site], way: str) -> None:
    one, two = workers
    alice, bob = signed_in(one, sid="sid-1"), signed_in(one, "bob", sid="sid-2")
    for site in workers:
        for who in (alice, bob):
            for _ in range(2):
                assert at(site, who).get("/").status == 200
    kept = dict(alice.cookies)
    end_by(two, way, alice)
    for site in (one, two):
        copy = site.visitor()
        copy.cookies = dict(kept)
        for headers in ({}, FETCH):
            answer = copy.get("/", headers)
            assert answer.status == 401
            assert answer.json["code"] in ("session_ended", "session_revoked")
        assert copy.ask("auth").status == 401
        assert at(site, bob).get("/").status == 200


def test_a_sign_out_leaves_what_is_remembered_of_others(workers: tuple[Site, Site]) -> None:
    one, two = workers
    alice, bob = signed_in(one), signed_in(one, "bob")
    for site in workers:
        for who in (alice, bob):
            assert at(site, who).get("/").status == 200
    end_by(one, "sign_out", alice)
    assert two.gate._runtime.gate.components.cache.get(alice.cookies.get(COOKIE, "")) is None
    assert at(two, alice).get("/").status == 401
    store = store_of(two)
    store.calls.clear()
    assert at(two, bob).get("/").status == 200
    assert store.calls["open"] + store.calls["when_added"] <= 1  # it caught up; bob was not forgotten
    assert at(two, bob).get("/").status == 200
    assert store.calls["open"] + store.calls["when_added"] <= 1


def test_logout_needs_no_insecure_setting_and_a_replay_ends_nothing(workers: tuple[Site, Site]) -> None:
    one, two = workers
    body = f"logout_token={logout_token(one)}".encode()
    assert one.visitor().open("POST", one.path("backchannel_logout"), FORM, body).status == 200
    one.now = two.now = one.now + 2
    visitor = signed_in(two)
    for site in workers:  # the same token, also at another worker
        answer = site.visitor().open("POST", site.path("backchannel_logout"), FORM, body)
        assert (answer.status, "jti" in answer.text) == (400, True)
        assert at(site, visitor).get("/").status == 200


def test_a_logout_token_may_come_again_if_the_store_failed(worker: Site) -> None:
    visitor = signed_in(worker)
    body = f"logout_token={logout_token(worker)}".encode()
    store_of(worker).failing = {"end"}
    answer = worker.visitor().open("POST", worker.path("backchannel_logout"), FORM, body)
    assert (answer.status, answer.header("retry-after")) == (503, "2")
    store_of(worker).failing = set()
    assert worker.visitor().open("POST", worker.path("backchannel_logout"), FORM, body).status == 200
    assert visitor.get("/").status == 401


def test_a_code_is_sent_once_by_all_workers_together(workers: tuple[Site, Site]) -> None:
    one, two = workers
    visitor = one.visitor()
    started = visitor.navigate(one.path("start"))
    back = one.provider.authorize(started.header("location"))
    flow = dict(visitor.cookies)
    assert visitor.navigate(back, Sec_Fetch_Site="cross-site").status == 302
    again = two.visitor()
    again.cookies = flow
    fetched = len(two.provider.fetches)
    answer = again.navigate(back, Sec_Fetch_Site="cross-site")
    assert (answer.status, "flow_used" in answer.text) == (400, True)
    assert "token" not in two.provider.fetches[fetched:]


def test_cookie_sessions_older_than_the_store_are_refused(make_worker: MakeWorker, place: Place) -> None:
    before = make_worker("revocation_store")
    visitor = signed_in(before)
    assert visitor.get("/").status == 200
    before.now += 5
    forgetful = Place(place.kind, place.path.parent / "new")
    site = make_worker("revocation_store")
    site.world.store = store = forgetful.open()
    components = site.gate._runtime.gate.components
    assert components.ends is not None
    site.now = before.now
    assert store.add_once  # nothing is known yet
    assert at(site, visitor).get("/").json["code"] == "session_before_store"
    assert signed_in(site).get("/").status == 200


# --- a store that fails --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [None, RuntimeError("a bug in a store")], ids=["away", "a bug"])
def test_a_store_that_fails_is_503_everywhere_and_it_recovers(
    workers: tuple[Site, Site], error: Exception | None
) -> None:
    one, _ = workers
    visitor, other = signed_in(one), signed_in(one, "bob")
    assert visitor.get("/").status == 200
    seen = len(one.app.seen)
    store = store_of(one)
    store.is_down, store.error = True, error
    for endpoint in ("auth", "forward", "userinfo", "sign_in", "start", "sign_out", "signed_out"):
        for headers in (NAVIGATION, FETCH):
            answer = other.ask(endpoint, headers)
            assert (answer.status, answer.header("retry-after")) == (503, "2"), endpoint
            assert answer.all("set-cookie") == []
    for headers in (NAVIGATION, FETCH, {}):
        answer = other.get("/", headers)
        assert (answer.status, answer.header("retry-after")) == (503, "2")
    assert len(one.app.seen) == seen
    assert one.visitor().get("/").status == 401  # without a cookie there is nothing to ask
    store.is_down = False
    assert [who.get("/").status for who in (visitor, other)] == [200, 200]


def test_a_failing_touch_refuses_nobody(worker: Site, caplog: pytest.LogCaptureFixture) -> None:
    visitor = signed_in(worker)
    worker.now += IDLE / 2
    store_of(worker).failing = {"touch"}
    for _ in range(3):
        assert visitor.get("/").status == 200
    assert store_of(worker).calls["touch"] == 1  # for 30 seconds it is not tried again
    assert "could not be stored" in caplog.text
    store_of(worker).failing = set()
    worker.now += 30
    assert visitor.get("/").status == 200
    (row,) = rows(worker)
    assert row.last_seen == worker.now


def test_a_session_that_ends_while_it_is_renewed_is_refused(
    worker: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = signed_in(worker)
    worker.now += IDLE / 2
    monkeypatch.setattr(store_of(worker), "touch", lambda *given: False, raising=False)
    for _ in range(2):  # nothing of it is remembered, whether or not its end was reported
        assert visitor.get("/").json["code"] == "session_ended"


def test_a_sign_in_that_cannot_be_stored_is_503_and_no_session(worker: Site) -> None:
    store_of(worker).failing = {"put"}
    visitor = worker.visitor()
    answer = visitor.sign_in()
    assert (answer.status, answer.is_page, answer.header("retry-after")) == (503, True, "2")
    assert COOKIE not in visitor.cookies


def test_nothing_is_remembered_while_the_view_is_not_current(worker: Site, place: Place) -> None:
    """What is read before the first position of a view would never be reported as ended."""
    visitor = signed_in(worker)
    ends = worker.gate._runtime.gate.components.ends
    assert ends is not None
    ends._view.is_current = ends._view.catch_up = lambda: False
    store_of(worker).calls.clear()
    for number in range(1, 4):
        assert visitor.get("/").status == 200
        assert store_of(worker).calls["open"] == number
    assert len(worker.gate._runtime.gate.components.cache) == 0


def test_what_is_remembered_does_not_count_while_the_view_is_not_current(worker: Site) -> None:
    visitor = signed_in(worker)
    assert visitor.get("/").status == 200
    ends = worker.gate._runtime.gate.components.ends
    assert ends is not None
    store_of(worker).store.end(EVERYTHING, int(worker.now))
    worker.gate._runtime.gate.components.cache.generation += 1
    is_current = ends._view.is_current
    ends._view.catch_up = lambda: is_current()
    assert visitor.get("/").status == 401


@pytest.mark.parametrize("endpoint", ["forward", "userinfo"])
def test_a_session_that_is_kept_whole_is_read_again_while_the_view_is_not_current(
    worker: Site, endpoint: str
) -> None:
    """Another process may have ended it meanwhile."""
    visitor = signed_in(worker)
    ends = worker.gate._runtime.gate.components.ends
    assert ends is not None
    for _ in range(2):
        assert visitor.ask("forward").status == 202
    calls = store_of(worker).calls
    calls.clear()
    assert (visitor.ask(endpoint).status // 100, calls["open"]) == (2, 0)
    ends.is_current = ends._view.is_current = ends._view.catch_up = lambda: False
    for number in (1, 2):
        assert (visitor.ask(endpoint).status // 100, calls["open"]) == (2, number)


# --- the operator --------------------------------------------------------------------------------------


def test_ready_says_how_the_store_is(worker: Site) -> None:
    visitor = worker.visitor()
    visitor.navigate(worker.path("start"))
    answer = visitor.ask("ready")
    assert (answer.status, answer.json["session_store"]) == (200, "sqlite")
    assert answer.json["store"] == {"kind": "sqlite", "status": "ok", "problems": [], "error": ""}
    checks = store_of(worker).calls["check"]
    assert visitor.ask("ready").status == 200
    assert store_of(worker).calls["check"] == checks  # anyone can ask: the store is asked now and then
    store_of(worker).is_down = True
    worker.now += 5
    answer = visitor.ask("ready")
    assert (answer.status, answer.json["status"]) == (200, "ready")
    assert answer.json["store"]["status"] == "unavailable"
    assert answer.json["store"]["error"] == "store_unavailable"
    store_of(worker).is_down = False
    worker.now += 5
    assert visitor.ask("ready").json["store"]["status"] == "ok"


def test_a_worker_whose_store_never_answered_is_not_ready(worker: Site) -> None:
    store_of(worker).failing = {"check"}
    visitor = worker.visitor()
    visitor.navigate(worker.path("start"))
    answer = visitor.ask("ready")
    assert (answer.status, answer.json["store"]["status"]) == (503, "unavailable")
    store_of(worker).failing = set()
    worker.now += 5
    assert visitor.ask("ready").status == 200


def test_what_the_operator_must_correct_is_an_error_once(
    worker: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(worker)
    monkeypatch.setattr(store, "check", lambda now: ("maxmemory-policy is allkeys-lru",), raising=False)
    for _ in range(3):
        worker.now += 5
        assert worker.visitor().ask("ready").json["store"]["problems"] == ["maxmemory-policy is allkeys-lru"]
    errors = [record for record in caplog.records if "allkeys-lru" in record.getMessage()]
    assert [record.levelname for record in errors] == ["ERROR"]


def test_the_id_token_is_kept_for_the_sign_out(make_worker: MakeWorker) -> None:
    for site, is_kept in ((make_worker(), True), (make_worker(keep_id_token=False), False)):
        location = signed_in(site).ask("sign_out", SAME, "POST").header("location")
        assert ("id_token_hint" in location) is is_kept


def test_ends_of_sessions_that_nobody_has_disturb_nothing(workers: tuple[Site, Site]) -> None:
    """Anyone can send a front-channel logout."""
    one, two = workers
    visitor = signed_in(one, sid="sid-1")
    for site in workers:
        assert at(site, visitor).get("/").status == 200
        store_of(site).calls.clear()
    url = f"{one.path('frontchannel_logout')}?iss={ISSUER}&sid={new_key().hex()}"
    assert one.visitor().navigate(url, Sec_Fetch_Dest="iframe").status == 200
    for site in workers:
        assert at(site, visitor).get("/").status == 200
    assert sum(store_of(one).calls.values()) == 1
    assert not store_of(two).calls


@pytest.mark.parametrize("asked", ["a page", "forward"])
def test_an_end_that_another_thread_hears_of_during_a_request_counts(
    worker: Site, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """The view is asked before the cache: what the cache held before another thread caught up may have ended."""
    visitor = signed_in(worker)
    for endpoint in ("", "forward"):
        for _ in range(3):
            assert visitor.open("GET", worker.path(endpoint) if endpoint else "/").status in (200, 202)
    components = worker.gate._runtime.gate.components
    assert components.ends is not None
    (row,) = rows(worker)
    is_current = components.ends.is_current

    def catches_up_meanwhile() -> bool:
        if store_of(worker).store.end(Selector(keys=(row.key,)), int(worker.now)):
            assert components.ends is not None
            components.ends._view.catch_up()
        return bool(is_current())

    monkeypatch.setattr(components.ends, "is_current", catches_up_meanwhile)
    worker.gate._runtime.find, _ = worker.gate._runtime._make_find()
    if asked == "forward":
        assert visitor.ask("forward").status == 401
    else:
        assert worker.gate._runtime.find(f"{COOKIE}={visitor.cookies[COOKIE]}")[0] is None


def test_a_proxy_that_asks_forward_for_each_request_costs_no_call_for_each(worker: Site) -> None:
    alice, bob = signed_in(worker), signed_in(worker, "bob")
    store = store_of(worker)
    for _ in range(2):
        assert [who.ask("forward").status for who in (alice, bob)] == [202, 202]
    store.calls.clear()
    for _ in range(3):
        assert [who.ask("forward").status for who in (alice, bob)] == [202, 202]
        assert alice.ask("userinfo").json["sub"] == "alice"
    assert not store.calls
    kept = dict(alice.cookies)
    end_by(worker, "sign_out", alice)
    alice.cookies = kept
    assert [who.ask("forward").status for who in (alice, bob)] == [401, 202]
    worker.now += IDLE / 10
    store.calls.clear()
    assert bob.ask("forward").status == 202
    assert store.calls == {"open": 1, "touch": 1}
    for _ in range(2):
        assert bob.ask("forward").status == 202
    assert store.calls["open"] <= 2
    store.calls.clear()
    assert bob.ask("forward").status == 202
    assert not store.calls


@pytest.mark.parametrize("home", ["session_store", "revocation_store"])
def test_a_store_that_does_not_block_is_asked_all_the_same(
    make_site: MakeSite, place: Place, home: str
) -> None:
    site = make_site(store=MemoryStore(), **{home: place.url})
    visitor = signed_in(site)
    end_by(site, "backchannel_logout", visitor)
    assert visitor.get("/").status == 401

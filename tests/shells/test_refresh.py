"""Sessions that are refreshed: when the provider is asked, what follows from its answer, and who waits for it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.errors import ProviderUnavailable
from oidc_gate.refresh.refresher import ASSUMED_TOKEN_SECONDS
from oidc_gate.runtime import streams
from oidc_gate.runtime.driver import run as run_step
from tests.core.provider.scripted import answer
from tests.fast import interfaces
from tests.shells.conftest import SHELLS_AT_THE_ROOT, MakeSite, name_of
from tests.shells.site import NAVIGATION, Shell, Site, Visitor
from tests.shells.stores import KINDS, Place
from tests.shells.test_stored_sessions import at, rows, store_of

LASTS = 600
HARD = LASTS - 30  # a request waits for the refresh
SOFT = HARD - 60  # it is begun in the background
STAFF = {"sub": "alice", "email": "alice@corp.example", "email_verified": True, "groups": ["staff"]}
MakeWorker = Callable[..., Site]
GONE = answer({"error": "invalid_grant", "error_description": "the user is disabled"}, 400)
DOWN = ProviderUnavailable("provider_unreachable", "", detail="taken down by the test")


@pytest.fixture(params=interfaces(SHELLS_AT_THE_ROOT), ids=name_of)
def shell(request: pytest.FixtureRequest) -> Shell:
    found: Shell = request.param
    return found


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


@pytest.fixture
def make_worker(make_site: MakeSite, place: Place) -> MakeWorker:
    """Build one of the workers that share the sessions of a test. Their tokens are numbered."""
    numbers = count()

    def make(**settings: Any) -> Site:
        given = {"refresh": True, "pass_access_token": True} | settings
        site = make_site(store=place.open(), session_store=place.url, **given)
        site.provider.code_prefix = f"code-of-worker-{next(numbers)}-"
        site.provider.person = dict(STAFF)
        give(site, "first")
        return site

    return make


@pytest.fixture
def worker(make_worker: MakeWorker) -> Site:
    return make_worker()


def give(site: Site, name: str, **more: Any) -> None:
    """Have the provider answer with these tokens."""
    site.provider.tokens = {
        "access_token": name,
        "refresh_token": f"refresh {name}",
        "expires_in": LASTS,
    } | more


def signed_in(site: Site) -> Visitor:
    visitor = site.visitor()
    assert visitor.sign_in().status == 302
    give(site, "second")
    return visitor


def settled(*sites: Site) -> None:
    """Wait until no refresh is under way."""
    until = time.monotonic() + 60
    for site in sites:
        while flights_of(site).running:
            assert time.monotonic() < until
            time.sleep(0.005)


def flights_of(site: Site) -> Any:
    return site.gate._runtime.gate.components.refresher._flights._mine()


def token(visitor: Visitor) -> str:
    """The access token that the application gets; it sees the user."""
    assert visitor.get("/").status == 200
    (found,) = visitor.site.app.header("x-forwarded-access-token")
    return found


# --- when ----------------------------------------------------------------------------------------------


def test_while_the_token_lasts_nobody_is_asked(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.now += SOFT - 1
    assert token(visitor) == "first"
    settled(worker)
    assert worker.provider.refreshed == []


def test_ahead_of_its_end_it_is_refreshed_and_no_request_waits(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.now += SOFT
    assert token(visitor) == "first"
    settled(worker)
    assert worker.provider.refreshed == ["refresh first"]
    assert token(visitor) == "second"
    (row,) = rows(worker)
    assert row.version == 2


def test_at_its_end_a_request_waits_for_the_new_one(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.now += HARD
    assert token(visitor) == "second"
    assert worker.provider.refreshed == ["refresh first"]


def test_again_and_again_each_time_with_the_newest_refresh_token(worker: Site) -> None:
    visitor = signed_in(worker)
    for number in range(4):
        give(worker, f"token {number}")
        worker.now += HARD
        assert token(visitor) == f"token {number}"
    assert worker.provider.refreshed == ["refresh first", *(f"refresh token {n}" for n in range(3))]


def test_without_a_new_refresh_token_the_old_one_stays(worker: Site) -> None:
    visitor = signed_in(worker)
    give(worker, "second", refresh_token="")
    for _ in range(2):
        worker.now += HARD
        assert token(visitor) == "second"
    assert worker.provider.refreshed == ["refresh first"] * 2


@pytest.mark.parametrize("expires_in", [0, 5, 20])
def test_tokens_that_hardly_last_are_not_refreshed_at_every_request(worker: Site, expires_in: int) -> None:
    give(worker, "first", expires_in=expires_in)
    visitor = signed_in(worker)
    give(worker, "second", expires_in=expires_in)
    for _ in range(20):
        worker.now += 1
        assert token(visitor) == ""
        settled(worker)
    assert 1 <= len(worker.provider.refreshed) <= 2


def test_another_worker_uses_what_the_first_one_got(make_worker: MakeWorker) -> None:
    worker, other = make_worker(), make_worker()
    visitor = signed_in(worker)
    assert token(at(other, visitor)) == "first"
    worker.now += HARD
    other.now = worker.now
    assert token(visitor) == "second"
    assert token(at(other, visitor)) == "second"
    assert other.provider.refreshed == []


def test_endpoints_that_end_a_session_do_not_refresh_it(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.now += HARD
    for endpoint in ("signed_out", "sign_in", "start"):
        visitor.ask(endpoint, NAVIGATION)
    settled(worker)
    assert worker.provider.refreshed == []
    assert visitor.ask("auth").status == 202
    assert worker.provider.refreshed == ["refresh first"]


def test_a_session_without_a_refresh_token_goes_on_without_a_token(worker: Site) -> None:
    give(worker, "first", refresh_token="")
    visitor = signed_in(worker)
    worker.now += HARD
    assert token(visitor) == ""
    assert worker.provider.fetches.count("token") == 1


# --- the user --------------------------------------------------------------------------------------------


def test_groups_and_e_mail_are_those_of_the_answer(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.provider.person = {"sub": "alice", "email": "new@corp.example", "groups": ["others"]}
    worker.now += HARD
    token(visitor)
    identity = worker.app.identity
    assert identity is not None
    assert (identity.email, identity.email_verified, identity.groups) == (
        "new@corp.example",
        False,
        ("others",),
    )
    assert identity.authenticated_at == worker.now - HARD


@pytest.mark.parametrize("person", [{"sub": "alice", "groups": ["others"]}, {"sub": "alice"}])
def test_a_user_whom_the_rules_refuse_now_is_out_in_every_worker(
    make_worker: MakeWorker, person: dict[str, Any]
) -> None:
    worker, other = (make_worker(allowed_groups=("staff",), recheck_seconds=100) for _ in range(2))
    visitor = signed_in(worker)
    assert token(at(other, visitor)) == "first"
    worker.provider.person = person
    worker.now += 100
    refused = visitor.get("/")
    assert (refused.status, refused.json["code"]) == (401, "refresh_user_refused")
    assert at(other, visitor).get("/").status == 401
    assert rows(worker) == ()


def test_the_rules_of_an_auth_location_are_asked_again_too(worker: Site) -> None:
    visitor = signed_in(worker)
    assert visitor.ask("auth?allowed_groups=staff").status == 202
    worker.provider.person |= {"groups": ["others"]}
    worker.now += HARD
    for _ in range(3):
        assert visitor.ask("auth?allowed_groups=staff").status == 403


def test_another_worker_does_not_keep_the_answers_of_before(make_worker: MakeWorker) -> None:
    worker, other = make_worker(), make_worker()
    visitor = signed_in(worker)
    for _ in range(2):
        assert at(other, visitor).ask("auth?allowed_groups=staff").status == 202
    worker.provider.person |= {"groups": ["others"]}
    worker.now += HARD
    other.now = worker.now
    assert token(visitor) == "second"
    assert at(other, visitor).ask("auth").status == 202  # admitted anew, over the admission of before
    assert at(other, visitor).ask("auth?allowed_groups=staff").status == 403


def test_an_answer_about_another_user_ends_the_session(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.provider.person = {"sub": "mallory"}
    worker.now += HARD
    assert visitor.get("/").json["code"] == "refresh_other_user"
    assert rows(worker) == ()


@pytest.mark.parametrize("error", ["invalid_grant", "access_denied", "interaction_required"])
def test_a_grant_that_the_provider_refuses_ends_the_session(make_worker: MakeWorker, error: str) -> None:
    worker, other = make_worker(), make_worker()
    visitor = signed_in(worker)
    assert token(at(other, visitor)) == "first"
    worker.provider.instead["token"] = answer({"error": error}, 400)
    worker.now += HARD
    assert visitor.get("/").json["code"] == "refresh_refused"
    assert at(other, visitor).get("/").status == 401
    assert rows(worker) == ()


def test_a_grant_that_is_refused_ahead_of_time_ends_it_as_well(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.provider.instead["token"] = GONE
    worker.now += SOFT
    assert visitor.get("/").status in (
        200,
        401,
    )  # it does not wait, and the end may come before its own renewal
    settled(worker)
    assert visitor.get("/").status == 401
    assert rows(worker) == ()


def test_an_id_token_that_is_not_valid_is_no_answer_and_the_refresh_token_is_kept(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.provider.audience = "another client"
    worker.now += HARD
    assert token(visitor) == ""
    worker.provider.audience = worker.settings.client_id
    give(worker, "third")
    worker.now += 30
    assert token(visitor) == "third"
    assert worker.provider.refreshed == ["refresh first", "refresh second"]


# --- the provider does not answer ------------------------------------------------------------------------


def test_users_go_on_without_a_token_while_the_provider_is_down_and_it_is_asked_less_and_less(
    worker: Site,
) -> None:
    visitor = signed_in(worker)
    worker.provider.instead["token"] = DOWN
    worker.now += HARD
    began = worker.now
    asked = []
    while worker.now < began + 1_000:
        before = worker.provider.fetches.count("token")
        assert token(visitor) == ""
        settled(worker)
        if worker.provider.fetches.count("token") > before:
            asked.append(int(worker.now - began))
        worker.now += 10
    assert asked == [0, 30, 90, 210, 450, 750]
    del worker.provider.instead["token"]
    worker.now = began + 1_050
    assert token(visitor) == "second"
    worker.provider.instead["token"] = DOWN
    worker.now += HARD  # the next outage begins anew
    assert token(visitor) == ""
    worker.provider.instead.clear()
    give(worker, "third")
    worker.now += 30
    assert token(visitor) == "third"


def test_they_go_on_until_the_session_ends_and_no_longer(make_worker: MakeWorker) -> None:
    worker = make_worker(recheck_seconds=100, session_lifetime_seconds=1_000)
    visitor = signed_in(worker)
    worker.provider.instead["token"] = DOWN
    worker.now += 999
    assert token(visitor) == ""
    worker.now += 1
    assert visitor.get("/").status == 401


def test_where_a_refresh_is_required_they_sign_in_and_come_back_when_it_answers(
    make_worker: MakeWorker,
) -> None:
    worker = make_worker(refresh_required=True)
    visitor = signed_in(worker)
    worker.provider.instead["token"] = DOWN
    worker.now += SOFT
    assert token(visitor) == "first"  # it is not due yet
    settled(worker)
    worker.now += HARD - SOFT
    for _ in range(2):
        assert visitor.get("/").json["code"] == "refresh_required"
        assert visitor.ask("auth").status == 401
        assert visitor.get("/", NAVIGATION).status == 401
    worker.provider.instead.clear()
    worker.now += 300
    assert token(visitor) == "second"


@pytest.mark.parametrize(
    "refused", [answer({"error": "invalid_client"}, 401), answer({}, 500), answer({}, 302)]
)
def test_no_other_answer_signs_users_out(worker: Site, refused: Any) -> None:
    visitor = signed_in(worker)
    worker.provider.instead["token"] = refused
    worker.now += HARD
    assert token(visitor) == ""
    assert len(rows(worker)) == 1


@pytest.mark.parametrize("failure", [DOWN, answer({"sub": "alice"}, 503)])
def test_a_refresh_token_that_came_is_kept_if_userinfo_fails_then(worker: Site, failure: Any) -> None:
    visitor = signed_in(worker)
    worker.provider.person = {"sub": "alice"}  # so that userinfo is asked
    worker.provider.instead["userinfo"] = failure
    worker.now += HARD
    assert token(visitor) == ""
    worker.provider.instead.clear()
    give(worker, "third")
    worker.now += HARD
    assert token(visitor) == "third"
    assert worker.provider.refreshed == ["refresh first", "refresh second"]


def test_a_lost_answer_ends_in_one_sign_in(worker: Site) -> None:
    visitor = signed_in(worker)
    used: list[Any] = []

    def lose() -> Any:
        used.append(1)
        if len(used) == 1:
            raise DOWN  # the provider has replaced the token, and the answer is lost
        return GONE

    worker.provider.instead["token"] = lose
    worker.now += HARD
    assert token(visitor) == ""
    worker.now += 30
    assert visitor.get("/").json["code"] == "refresh_refused"
    for _ in range(5):
        assert visitor.get("/").status == 401
    assert len(used) == 2
    worker.provider.instead.clear()
    give(worker, "anew")
    assert visitor.sign_in().status == 302
    assert token(visitor) == "anew"


def test_the_store_fails_when_the_new_tokens_are_written(worker: Site) -> None:
    visitor = signed_in(worker)
    store = store_of(worker)
    real, failed = worker.provider.answer, []

    def answering(fetch: Any) -> Any:
        if fetch.url.endswith("/token"):
            store.failing = {"put"}
        return real(fetch)

    worker.world._outbound = answering
    worker.now += SOFT
    assert token(visitor) == "first"
    until = time.monotonic() + 60
    while not store.calls["put"] > 1:
        assert time.monotonic() < until
        time.sleep(0.005)
    failed.append(1)
    store.failing = set()
    settled(worker)
    assert token(visitor) == "second"
    assert worker.provider.refreshed == ["refresh first"]


# --- rechecks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh", [True, False])
def test_recheck_seconds(make_worker: MakeWorker, refresh: bool) -> None:
    worker = make_worker(refresh=refresh, recheck_seconds=100)
    visitor = signed_in(worker)
    endpoint = "token" if refresh else "userinfo"
    before = worker.provider.fetches.count(endpoint)
    for asked in range(1, 4):
        worker.now += 79
        token(visitor)
        settled(worker)
        assert worker.provider.fetches.count(endpoint) == before + asked - 1
        worker.now += 1
        token(visitor)
        settled(worker)
        assert worker.provider.fetches.count(endpoint) == before + asked
    assert worker.provider.refreshed == (["refresh first", *["refresh second"] * 2] if refresh else [])


def test_userinfo_says_that_a_user_is_in_no_group_any_more(make_worker: MakeWorker) -> None:
    worker = make_worker(refresh=False, recheck_seconds=100, allowed_groups=("staff",))
    visitor = signed_in(worker)
    worker.now += 100
    assert token(visitor) == "first"
    worker.provider.person = {"sub": "alice"}
    worker.now += 100
    assert visitor.get("/").json["code"] == "refresh_user_refused"
    assert rows(worker) == ()


def test_userinfo_refuses_the_token_of_a_user_who_was_disabled(make_worker: MakeWorker) -> None:
    worker = make_worker(refresh=False, recheck_seconds=100)
    visitor = signed_in(worker)
    worker.provider.instead["userinfo"] = answer({"error": "invalid_token"}, 401)
    worker.now += 100
    assert visitor.get("/").json["code"] == "refresh_refused"
    assert rows(worker) == ()


@pytest.mark.parametrize("failure", [DOWN, answer({}, 500), answer({}, 403), answer({}, 404)])
def test_userinfo_that_does_not_answer_signs_nobody_out(make_worker: MakeWorker, failure: Any) -> None:
    worker = make_worker(refresh=False, recheck_seconds=100)
    visitor = signed_in(worker)
    worker.provider.instead["userinfo"] = failure
    worker.now += 100
    assert token(visitor) == "first"
    assert len(rows(worker)) == 1


def test_userinfo_about_another_user_ends_the_session(make_worker: MakeWorker) -> None:
    worker = make_worker(refresh=False, recheck_seconds=100)
    visitor = signed_in(worker)
    worker.provider.person = {"sub": "mallory"}
    worker.now += 100
    assert visitor.get("/").json["code"] == "refresh_other_user"


def test_without_a_token_to_ask_with_the_session_ends_at_the_recheck(make_worker: MakeWorker) -> None:
    worker = make_worker(refresh=False, recheck_seconds=LASTS)
    visitor = signed_in(worker)
    worker.now += LASTS
    assert visitor.get("/").json["code"] == "refresh_impossible"
    assert rows(worker) == ()


# --- at once ---------------------------------------------------------------------------------------------


def test_many_requests_at_once_lead_to_one_exchange(make_worker: MakeWorker) -> None:
    """Each worker has a thread that waits, and so may others: what is asked of the provider is asked once."""
    workers = [make_worker() for _ in range(2)]
    visitor = signed_in(workers[0])
    for site in workers:
        site.provider = workers[0].provider
        site.world._outbound = slowly(workers[0])
        site.now += HARD
    seen: list[str] = []

    def ask(site: Site) -> None:
        browser = at(site, visitor)
        answered = browser.ask("auth", {"Accept": "*/*"})
        seen.append(f"{answered.status} {answered.header('x-auth-request-access-token')}")

    threads = [threading.Thread(target=ask, args=(site,)) for site in workers for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # Under WSGI a request may be refused while few threads are left. None is signed out.
    assert set(seen) <= {"202 second", "503 "}
    assert "202 second" in seen
    settled(*workers)
    assert workers[0].provider.refreshed == ["refresh first"]
    assert len(rows(workers[0])) == 1


def slowly(site: Site) -> Callable[[Any], Any]:
    def answering(fetch: Any) -> Any:
        if fetch.url.endswith("/token"):
            time.sleep(0.1)
        return site.provider.answer(fetch)

    return answering


def test_a_flight_is_finished_though_its_request_has_ended(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.world._outbound = slowly(worker)
    worker.now += SOFT
    assert token(visitor) == "first"  # the request is over, and the provider has not answered
    settled(worker)
    assert token(visitor) == "second"


@pytest.mark.slow
def test_a_process_that_was_killed_delays_the_others_by_its_lease_alone(make_worker: MakeWorker) -> None:
    worker, other = make_worker(), make_worker()
    visitor = signed_in(worker)
    (row,) = rows(worker)
    lease = store_of(other).store.lease(b"refresh\0" + row.key, 1.0)  # its holder is killed
    assert lease is not None
    worker.now += HARD
    assert token(visitor) == "second"
    assert worker.provider.refreshed == ["refresh first"]


def test_no_refresh_token_leaves_the_gate(
    make_worker: MakeWorker, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    worker = make_worker(pass_authorization=True, identity_headers=True)
    visitor = signed_in(worker)
    sent = []
    for answered in (None, GONE):
        worker.now += HARD
        worker.provider.instead = {} if answered is None else {"token": answered}
        sent += [visitor.get("/"), visitor.ask("auth"), visitor.ask("userinfo")]
    seen = f"{[each.headers for each in sent]} {[each.body for each in sent]} {worker.app.seen} {caplog.text}"
    assert "refresh first" not in seen
    assert "refresh second" not in seen
    assert "refresh second" not in visitor.cookies.values()


def test_a_provider_that_sends_no_refresh_token_is_named_once(
    worker: Site, caplog: pytest.LogCaptureFixture
) -> None:
    give(worker, "first", refresh_token="")
    for _ in range(3):
        assert worker.visitor().sign_in().status == 302
    assert caplog.text.count("refresh_token_missing") == 1


def test_a_refused_token_is_believed_only_if_no_other_process_has_replaced_it(
    make_worker: MakeWorker,
) -> None:
    """A holder of the lease that was paused for too long uses a token that another process has used."""
    worker, other = make_worker(), make_worker()
    visitor = signed_in(worker)
    real = worker.provider.answer
    other.now += HARD
    other.provider = worker.provider

    def paused(fetch: Any) -> Any:
        if not fetch.url.endswith("/token"):
            return real(fetch)
        store_of(worker).store.release(held[0])  # it expires
        other.world._outbound = real
        assert token(at(other, visitor)) == "second"
        return GONE

    held: list[Any] = []
    store = store_of(worker).store
    lease = store.lease

    def taking(name: bytes, ttl_seconds: float) -> Any:
        held.append(lease(name, ttl_seconds))
        return held[-1]

    worker.world._outbound = paused
    store.lease = taking  # type: ignore[method-assign]
    worker.now += HARD
    try:
        assert token(visitor) == "second"
    finally:
        store.lease = lease  # type: ignore[method-assign]
    assert len(rows(worker)) == 1


def without_id_token(site: Site) -> Callable[[Any], Any]:
    def answering(fetch: Any) -> Any:
        answered = site.provider.answer(fetch)
        if not fetch.url.endswith("/token"):
            return answered
        return answer(
            {name: value for name, value in json.loads(answered.body).items() if name != "id_token"}
        )

    return answering


def test_an_answer_without_an_id_token_leaves_the_user_to_userinfo(worker: Site) -> None:
    visitor = signed_in(worker)
    worker.provider.person = {"sub": "alice", "groups": ["others"]}
    worker.world._outbound = without_id_token(worker)
    worker.now += HARD
    assert token(visitor) == "second"
    identity = worker.app.identity
    assert identity is not None
    assert (identity.groups, identity.email) == (("others",), "")
    assert worker.provider.fetches[-1] == "userinfo"


def test_without_an_id_token_and_userinfo_the_identity_stays(worker: Site) -> None:
    del worker.provider.metadata["userinfo_endpoint"]
    visitor = signed_in(worker)
    worker.world._outbound = without_id_token(worker)
    worker.now += HARD
    assert token(visitor) == "second"
    assert worker.app.identity is not None
    assert worker.app.identity.groups == ("staff",)


@pytest.mark.parametrize(("first", "assumed"), [(LASTS, LASTS), (20, ASSUMED_TOKEN_SECONDS)])
def test_a_token_of_unknown_lifetime_lasts_as_long_as_the_one_before(
    worker: Site, first: int, assumed: int
) -> None:
    """Before, it counted as expired at once: no application received it, and it was refreshed every ten seconds."""
    give(worker, "first", expires_in=first)
    visitor = signed_in(worker)
    del worker.provider.tokens["expires_in"]
    worker.world._outbound = without_id_token(worker)
    worker.now += LASTS
    assert token(visitor) == "second"
    refreshed = worker.now
    give(worker, "third")
    del worker.provider.tokens["expires_in"]
    worker.now = refreshed + assumed - 91  # a second before it is refreshed ahead of its end
    assert token(visitor) == "second"
    settled(worker)
    assert worker.provider.refreshed == ["refresh first"]
    worker.now = refreshed + assumed - 30
    assert token(visitor) == "third"
    worker.now += assumed - 91
    assert token(visitor) == "third", "the assumption stays the same from one refresh to the next"
    settled(worker)
    assert worker.provider.refreshed == ["refresh first", "refresh second"]


@pytest.mark.parametrize("seconds", [HARD, SOFT])
def test_a_new_access_token_that_userinfo_refuses_ends_the_session(
    make_worker: MakeWorker, seconds: int
) -> None:
    """Its new refresh token is not written first: that would look like the refresh of another process."""
    worker, other = make_worker(), make_worker()
    visitor = signed_in(worker)
    worker.world._outbound = without_id_token(worker)
    worker.provider.instead["userinfo"] = answer({"error": "invalid_token"}, 401)
    other.now = worker.now = worker.now + seconds
    visitor.get("/")
    settled(worker)
    for site in (worker, other):
        assert at(site, visitor).get("/").status == 401
    assert worker.provider.refreshed == ["refresh first"]
    assert rows(worker) == ()


def test_how_the_user_signed_in_and_until_when_stays(worker: Site) -> None:
    worker.provider.person |= {
        "acr": "gold",
        "amr": ["otp"],
        "auth_time": int(worker.now) - 50,
        "sid": "op-sid",
    }
    visitor = signed_in(worker)
    token(visitor)
    before = worker.app.identity
    worker.provider.person |= {"acr": "none", "amr": ["pwd"], "auth_time": int(worker.now), "sid": "another"}
    worker.now += HARD
    assert token(visitor) == "second"
    assert worker.app.identity == before
    assert before is not None
    assert (before.acr, before.amr) == ("gold", ("otp",))


def test_a_refresh_token_that_is_not_to_be_used_is_not_kept(make_worker: MakeWorker) -> None:
    worker, other = make_worker(refresh=False, recheck_seconds=10_000), make_worker()
    visitor = signed_in(worker)
    other.now += HARD
    assert token(at(other, visitor)) == ""
    settled(other)
    assert other.provider.refreshed == []


# --- connections that stay open --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("end", ["refused", "required", "none"])
@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_an_open_connection_has_its_user_rechecked(
    kind: str, end: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.01)
    site = Site(
        Shell(kind, "", "/oauth2"),
        store=place.open(),
        session_store=place.url,
        refresh=True,
        recheck_seconds=100,
        refresh_required=end == "required",
    )
    give(site, "first")
    visitor = signed_in(site)
    components = site.gate._runtime.gate.components
    header = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    loaded = run_step(components.sessions.read(header), site.world, lambda limit: b"")
    ended = threading.Event()
    stream = site.gate._runtime.open_stream(loaded.session, loaded, ended.set)
    try:
        for number in range(1, 3):  # it goes on as long as the provider confirms it
            site.now += 90
            until = time.monotonic() + 60
            while len(site.provider.refreshed) < number and time.monotonic() < until:
                time.sleep(0.01)
            settled(site)
            assert len(site.provider.refreshed) == number
            time.sleep(0.1)  # the new times are seen
        assert not ended.is_set()
        site.provider.instead["token"] = GONE if end == "refused" else DOWN
        site.now += 90 if end == "refused" else 200
        assert ended.wait(0.5 if end == "none" else 60) is (end != "none")
    finally:
        stream.close()


def test_the_audit_log_has_refreshes_and_how_they_end(worker: Site, caplog: pytest.LogCaptureFixture) -> None:
    visitor = signed_in(worker)
    with caplog.at_level(logging.DEBUG, "oidc_gate.audit"):
        worker.now += HARD
        assert visitor.get("/").status == 200
        worker.provider.instead["token"] = answer({"error": "invalid_grant"}, 400)
        worker.now += HARD
        visitor.get("/")
    events = [vars(record)["oidc_gate"] for record in caplog.records if record.name == "oidc_gate.audit"]
    assert [(each["event"], each["code"]) for each in events] == [
        ("refresh", "refreshed"),
        ("refresh", "refresh_refused"),
    ]
    assert len({(each["subject"], each["session_id"]) for each in events}) == 1

"""Which requests need no decision and no cryptography: without these counts nothing would notice a lost short path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from oidc_gate.effects import Step
from oidc_gate.gate import Gate
from oidc_gate.model import Decision, Request
from oidc_gate.seal.ring import Sealer
from tests.shells.conftest import MakeSite
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site, Visitor

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count decisions of the gate, and sealed values that are opened."""
    counted: Counter[str] = Counter()
    decide, opened = Gate.decide, Sealer.open_bytes

    def counting_decide(gate: Gate[Any], request: Request) -> Step[Decision]:
        counted["decisions"] += 1
        return decide(gate, request)

    def counting_open(sealer: Sealer, *sealed: bytes) -> bytes:
        counted["openings"] += 1
        return opened(sealer, *sealed)

    monkeypatch.setattr(Gate, "decide", counting_decide)
    monkeypatch.setattr(Sealer, "open_bytes", counting_open)
    return counted


SHORT: dict[str, Callable[[Visitor], Any]] = {
    "a page": lambda who: who.get("/reports", NAVIGATION),
    "a script": lambda who: who.get("/reports?x=1", FETCH),
    "a program": lambda who: who.get("/"),
    "a form": lambda who: who.send("POST", "/reports", NAVIGATION | FORM, b"a=b"),
    "another method": lambda who: who.send("DELETE", "/reports/1"),
    "a public path": lambda who: who.get("/open/x"),
    "a path that two readers take differently": lambda who: who.get("/open/%2e%2e/x"),
    "identity headers to remove": lambda who: who.get(
        "/", {"X-Forwarded-User": "root", "Remote_User": "root"}
    ),
    "an Origin, of no handshake": lambda who: who.get("/", {"Origin": "https://elsewhere.example"}),
}


@pytest.mark.parametrize("kind", SHORT)
def test_a_signed_in_request_needs_no_decision_and_the_second_no_opening(
    site: Site, calls: Counter[str], kind: str
) -> None:
    visitor = site.person()
    for _ in range(3):
        assert SHORT[kind](visitor).status == 200
    assert calls == {"openings": 1}


@pytest.mark.parametrize("cookies", ["a=b; {}", "{}; a=b", "a=b; {}; c=d", "a={name}; {}", "{name}x=1; {}"])
def test_nor_does_one_with_other_cookies(site: Site, calls: Counter[str], cookies: str) -> None:
    own = f"{COOKIE}={site.person().cookies[COOKIE]}"
    for _ in range(3):
        header = cookies.format(own, name=COOKIE)
        assert site.visitor().get("/", {"Cookie": header}).status == 200
    assert calls == {"openings": 1}


def test_every_session_is_kept(site: Site, calls: Counter[str]) -> None:
    visitors = [site.person(f"user {number}") for number in range(5)]
    for visitor in visitors * 3:
        assert visitor.get("/").status == 200
    assert calls == {"openings": 5}


def renewed(site: Site, visitor: Visitor) -> Any:
    site.now += site.settings.session_idle_seconds / 2
    return visitor.get("/")


def signed_out(site: Site, visitor: Visitor) -> Any:
    kept = dict(visitor.cookies)
    visitor.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST")
    visitor.cookies = kept
    return visitor.get("/")


def over(site: Site, visitor: Visitor) -> Any:
    site.now += site.settings.session_lifetime_seconds
    return visitor.get("/")


LONG: dict[str, tuple[Callable[[Site, Visitor], Any], int, int]] = {
    "a session that is due": (renewed, 200, 1),
    "a session that was signed out": (signed_out, 401, 2),
    "a session that is over": (over, 401, 1),
    "an endpoint": (lambda site, who: who.ask("userinfo"), 200, 1),
    "a cookie with one character changed": (
        lambda site, who: who.get("/", {"Cookie": f"{COOKIE}={who.cookies[COOKIE][:-1]}"}),
        401,
        1,
    ),
}


@pytest.mark.parametrize("kind", LONG)
def test_the_rest_is_decided(site: Site, calls: Counter[str], kind: str) -> None:
    visitor = site.person()
    assert visitor.get("/").status == 200
    ask, status, decisions = LONG[kind]
    assert ask(site, visitor).status == status
    assert calls["decisions"] == decisions


def test_a_renewed_session_is_known_at_once(site: Site, calls: Counter[str]) -> None:
    visitor = site.person()
    assert renewed(site, visitor).all("set-cookie") != []
    calls.clear()
    for _ in range(3):
        assert visitor.get("/").status == 200
    assert calls == {"openings": 1}


def test_a_user_whom_the_rules_refuse_is_decided_about_each_time(
    make_site: MakeSite, calls: Counter[str]
) -> None:
    visitor = make_site(allowed_groups=("staff",)).person()
    for _ in range(3):
        assert visitor.get("/").status == 403
    assert calls["decisions"] == 3


def test_an_admission_counts_from_its_beginning_until_its_end(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.person()
    assert visitor.get("/").status == 200
    runtime = site.gate._runtime
    admission = runtime.gate.admissions.lookup(visitor.cookies[COOKIE])
    header = f"{COOKIE}={visitor.cookies[COOKIE]}"
    for now, counts in (
        (admission.since, True),
        (admission.until - 0.5, True),
        (admission.until, False),
        (admission.since - 0.5, False),
    ):
        site.now = now
        before = runtime.admitted()
        assert (runtime.find(header)[0] is admission) == counts, now
        assert runtime.admitted() - before == counts, now

"""authlib #376 and #285, mozilla-django-oidc #435, oauth2-proxy #817: many tabs, in any order, and few cookies."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from tests.security.conftest import SHELLS, MakeSite
from tests.security.test_flow import bring, has_session, is_refused, spent, start
from tests.shells.driving import Answer
from tests.shells.site import COOKIE, Site, Visitor

MAX_BYTES = 7_000
GROUPS = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(66)]


def check_size(visitor: Visitor) -> None:
    """All gate cookies together, as a server receives them."""
    assert len("; ".join(f"{name}={value}" for name, value in visitor.cookies.items())) < MAX_BYTES


def finish(visitor: Visitor, callback: str, target: str) -> bool:
    """Finish a tab; tell whether it landed. One that does not gets a button that leads to its own page."""
    had_session = has_session(visitor)
    answer = bring(visitor, callback)
    if answer.status == 302:
        assert answer.header("location") == target
        return True
    assert not had_session
    assert is_refused(answer, "flow_missing")
    assert visitor.site.rd(visitor.site.start_link(answer)) == target
    return False


def press(visitor: Visitor, answer: Answer) -> Answer:
    started = visitor.navigate(visitor.site.start_link(answer))
    return bring(visitor, visitor.site.provider.authorize(started.header("location")))


def open_tabs(visitor: Visitor, number: int, *, at_once: bool) -> dict[str, str]:
    """Begin sign-ins; at once, no tab sends a cookie that another was given. Callbacks, by target."""
    tabs = {}
    jar: dict[str, str] = {}
    for tab in range(number):
        visitor.cookies = {} if at_once else jar
        tabs[f"/page/{tab}"] = start(visitor, f"/page/{tab}")
        jar |= visitor.cookies
        visitor.site.now += 1
    visitor.cookies = jar
    check_size(visitor)
    return tabs


def try_tabs(site: Site, number: int, *, at_once: bool, seed: int) -> None:
    visitor = site.visitor()
    tabs = list(open_tabs(visitor, number, at_once=at_once).items())
    random.Random(seed).shuffle(tabs)
    landed = []
    for target, callback in tabs:
        landed.append(finish(visitor, callback, target))
        check_size(visitor)
    assert has_session(visitor)
    first = landed.index(True)
    assert all(landed[first:])
    assert number > 8 or at_once or first == 0
    assert spent(site) <= 8


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
@pytest.mark.parametrize("number", [2, 8, 9, 20, 50])
def test_tabs_in_any_order_land_on_their_own_pages(make_site: MakeSite, number: int, at_once: bool) -> None:
    for seed in range(3 if number < 20 else 1):
        try_tabs(make_site(), number, at_once=at_once, seed=seed)


@budget(max_examples=10)
@given(number=st.integers(2, 50), at_once=st.booleans(), seed=st.integers(0, 2**32))
def test_property_any_number_of_tabs_in_any_order(number: int, at_once: bool, seed: int) -> None:
    try_tabs(Site(SHELLS["wsgi"]), number, at_once=at_once, seed=seed)


def test_with_a_session_already_there_every_tab_lands(site: Site) -> None:
    visitor = site.person()
    session = dict(visitor.cookies)
    tabs = open_tabs(visitor, 50, at_once=False)
    visitor.cookies |= session
    for target, callback in tabs.items():
        assert finish(visitor, callback, target)


def test_the_button_of_an_overwritten_flow_works(site: Site) -> None:
    visitor = site.visitor()
    (first, callback), *_ = open_tabs(visitor, 9, at_once=False).items()
    answer = bring(visitor, callback)
    assert is_refused(answer, "flow_missing")
    landed = press(visitor, answer)
    assert (landed.status, landed.header("location")) == (302, first)


@pytest.mark.parametrize("groups", [GROUPS[:40], GROUPS], ids=["one cookie", "two cookies"])
def test_a_large_session_beside_eight_flows_stays_small_enough(site: Site, groups: list[str]) -> None:
    site.provider.person["groups"] = groups
    visitor = site.visitor()
    bring(visitor, start(visitor))
    session = dict(visitor.cookies)
    assert (f"{COOKIE}.body" in session) == (groups is GROUPS)
    open_tabs(visitor, 12, at_once=False)
    visitor.cookies |= session
    assert len([name for name in visitor.cookies if ".flow" in name]) == 8
    check_size(visitor)
    assert all(len(f"{name}={value}") <= 200 for name, value in visitor.cookies.items() if ".flow" in name)


def test_the_largest_session_that_is_ever_written_leaves_room_for_eight_flows(site: Site) -> None:
    sizes = []
    for number in range(32, 160, 8):
        visitor = site.visitor()
        site.provider.person["groups"] = [hashlib.sha256(b"g%d" % one).hexdigest() for one in range(number)]
        bring(visitor, start(visitor))
        if not has_session(visitor):
            break
        session = dict(visitor.cookies)
        open_tabs(visitor, 9, at_once=False)
        visitor.cookies |= session
        check_size(visitor)
        sizes.append(sum(map(len, session.values())))
    assert max(sizes) > 3_500

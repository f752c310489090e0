"""A rolling restart that replaces `cookie_secret`: at each step, workers with the lists before and after it serve."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.site import Shell, Site, Visitor
from tests.shells.stores import Place

OLD, NEW = "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc", "uHgJ8pRaT5iVnKcbq2oC4vYkq0tF1rD7zX3mN9sLwE6"
STEPS = {
    "add it at the end": ((OLD,), (OLD, NEW)),
    "move it to the front": ((OLD, NEW), (NEW, OLD)),
}


@pytest.fixture
def shell() -> Shell:
    return Shell("wsgi", "", "/oauth2")


@pytest.fixture(params=["cookie", "session_store", "revocation_store"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "cookie":
        return {}
    place = Place("memory", tmp_path)
    return {"store": place.open(), request.param: place.url}


def workers(make_site: MakeSite, home: dict[str, Any], lists: Any) -> tuple[Site, Site]:
    made = tuple(make_site(cookie_secret=given, **home) for given in lists)
    for number, site in enumerate(made):
        site.provider.code_prefix = f"code-of-{number}-"
    before, after = made
    after.provider = before.provider  # one provider, and one clock
    after.world._outbound = before.provider.answer
    after.world.clock = before.world.clock
    return before, after


def at(site: Site, visitor: Visitor) -> Visitor:
    found = site.visitor()
    found.cookies = visitor.cookies
    return found


@pytest.mark.parametrize("step", STEPS)
def test_nobody_is_signed_out_and_every_sign_in_is_completed(
    make_site: MakeSite, home: dict[str, Any], step: str
) -> None:
    both = workers(make_site, home, STEPS[step])
    for begins, completes in product(both, repeat=2):
        visitor = begins.visitor()
        started = visitor.navigate(begins.path("start") + "?rd=/x")
        callback = begins.provider.authorize(started.header("location"))
        answer = at(completes, visitor)
        landed = answer.navigate(callback.partition("app.example")[2])
        assert (landed.status, landed.header("location")) == (302, "/x")
        visitor.cookies = answer.cookies
        for _ in range(3):  # renewed by each of them, and read by the other
            both[0].now += 400
            for site in both:
                seen = at(site, visitor)
                assert seen.get("/").status == 200
                visitor.cookies = seen.cookies


def test_removing_it_signs_out_those_that_it_sealed(make_site: MakeSite, home: dict[str, Any]) -> None:
    with_old, without = workers(make_site, home, ((NEW, OLD), (NEW,)))
    (last,) = (make_site(cookie_secret=(OLD,), **home),)
    last.provider.code_prefix = "code-of-the-last-"
    of_old, of_new = last.visitor(), with_old.visitor()
    for visitor in (of_old, of_new):
        assert visitor.sign_in().status == 302
    assert at(with_old, of_old).get("/").status == 200
    assert at(without, of_new).get("/").status == 200
    assert at(without, of_old).get("/").json["code"] == "seal_foreign"

"""The clock goes back, by a correction or from one server to the next, and nothing that has ended begins again."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import MakeParty
from tests.conformance.conftest import make_party as make_party
from tests.security.conftest import MakeSite
from tests.shells.site import NAVIGATION, ORIGIN, Site, Visitor

SKEW = 60
LATER = (0, 1, 2, SKEW + 1)


def sign_out(visitor: Visitor) -> None:
    answer = visitor.ask("sign_out", NAVIGATION | {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}, "POST")
    assert "Max-Age=0" in answer.header("set-cookie")


def copy_of(visitor: Visitor, site: Site | None = None) -> Visitor:
    copy = (site or visitor.site).visitor()
    copy.cookies = dict(visitor.cookies)
    return copy


@pytest.mark.parametrize("seconds", [1, SKEW])
@pytest.mark.parametrize("is_seen", [True, False])
def test_oidc_gate_2026_11_the_clock_goes_back_before_a_sign_out(
    site: Site, seconds: int, is_seen: bool
) -> None:
    visitor = site.person()
    copy = copy_of(visitor)
    assert not is_seen or copy.get("/").status == 200
    site.now -= seconds
    sign_out(visitor)
    for later in LATER:
        site.now += later
        assert copy.get("/").status == 401, later


def test_oidc_gate_2026_11_the_clock_jumps_far_ahead_and_back_after_a_sign_out(site: Site) -> None:
    visitor, other = site.person(), site.person("bob")
    copy = copy_of(visitor)
    sign_out(visitor)
    right = site.now
    site.now += 10 * 365 * 86_400
    late = site.person("carol")
    assert copy.get("/").status == 401
    sign_out(late)  # which is when expired keys are removed
    site.now = right + 60
    assert copy.get("/").status == 401
    assert other.get("/").status == 200


def test_oidc_gate_2026_11_the_clock_of_the_server_that_signs_out_is_behind(make_site: MakeSite) -> None:
    ahead, behind = make_site(), make_site()
    behind.world.expiring_keys = ahead.world.expiring_keys  # a store that both share
    behind.now -= SKEW
    visitor = copy_of(ahead.person(), behind)
    copy = copy_of(visitor, ahead)
    sign_out(visitor)
    assert copy.get("/").status == 401


def test_oidc_gate_2026_11_the_clock_goes_back_before_a_logout_at_the_provider(make_party: MakeParty) -> None:
    party = make_party(insecure_single_process_revocation=True)
    by_token, by_frame = party.signs_in("alice"), party.signs_in("bob")
    party.ahead -= 30
    assert party.told(sub="alice").status == 200
    assert not by_token.is_on()
    assert by_frame.is_on()
    stranger = party.visitor()  # the browser sends no cookie in a frame
    query = f"?iss={party.op.issuer}&sid={party.op.sid_of('bob')}"
    assert stranger.open("GET", party.path("frontchannel_logout") + query).status == 200
    assert not by_frame.is_on()


def test_oidc_gate_2026_11_the_clock_goes_back_behind_the_start_of_a_session(site: Site) -> None:
    """Whatever refuses a cookie when it is opened refuses it while it is known as well."""
    known = site.person()
    assert known.get("/").status == 200
    site.now -= SKEW
    assert known.get("/").status == 200
    site.now -= 1
    assert copy_of(known).get("/").status == 401
    site.now += 1
    assert known.get("/").status == 200

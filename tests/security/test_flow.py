"""A sign-in belongs to the browser that began it, is finished once, and gives a session that nobody chose."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from oidc_gate.effects import Fetched
from oidc_gate.errors import ProviderUnavailable
from tests.core.provider.scripted import ISSUER
from tests.security.conftest import MakeSite
from tests.shells.driving import Answer
from tests.shells.site import COOKIE, NAVIGATION, ORIGIN, Site, Visitor

CALLBACK = "/oauth2/callback"
ANYWHERE: list[dict[str, Any]] = [
    {},
    {"session_cache_entries": 1},
    {"insecure_single_process_revocation": True},
    {"cookie_samesite": "Strict"},
    {"response_mode": "form_post"},
]


def start(visitor: Visitor, rd: str = "/wanted") -> str:
    """Begin a sign-in, and return the callback that the provider's answer is."""
    answer = visitor.navigate(f"/oauth2/start?rd={rd}")
    assert answer.status == 302, answer.text
    return visitor.site.provider.authorize(answer.header("location"))


def bring(visitor: Visitor, callback: str) -> Answer:
    """Open a callback, in the way that `response_mode` asks for."""
    headers = NAVIGATION | {"Sec-Fetch-Site": "cross-site"}
    if visitor.site.settings.response_mode == "query":
        return visitor.open("GET", callback, headers)
    form = headers | {"Content-Type": "application/x-www-form-urlencoded", "Origin": ISSUER}
    return visitor.open("POST", CALLBACK, form, callback.partition("?")[2].encode())


def bent(callback: str, **changes: str | None) -> str:
    query = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()} | changes
    return f"{ORIGIN}{CALLBACK}?{urlencode({k: v for k, v in query.items() if v is not None})}"


def spent(site: Site) -> int:
    """How many codes were sent."""
    return site.provider.fetches.count("token")


def has_session(visitor: Visitor) -> bool:
    return COOKIE in visitor.cookies


def is_refused(answer: Answer, code: str) -> bool:
    return (
        answer.status == 400
        and code in answer.text
        and not any(COOKIE + "=" in c for c in answer.all("set-cookie"))
    )


def refuses_a_callback_of_another_browser(make_site: MakeSite, settings: dict[str, Any]) -> None:
    site = make_site(**settings)
    attacker, victim, signed_in = site.visitor(), site.visitor(), site.person("victim")
    before = dict(signed_in.cookies)
    callback = start(attacker, "/planted")
    assert is_refused(bring(victim, callback), "flow_missing")
    for _ in range(8):  # whatever slot the attacker's flow took
        start(victim)
    assert is_refused(bring(victim, callback), "flow_missing")
    assert bring(signed_in, callback).header("location") in ("/planted", "")
    assert signed_in.cookies == before
    assert spent(site) == 0
    assert bring(attacker, callback).status in (200, 302, 303)  # in the browser where it began, it is good
    assert has_session(attacker)


@pytest.mark.parametrize("settings", ANYWHERE, ids=lambda one: next(iter(one), "default"))
def test_cve_2017_1000069_state_is_good_only_with_its_flow_cookie(
    make_site: MakeSite, settings: dict[str, Any]
) -> None:
    refuses_a_callback_of_another_browser(make_site, settings)


def test_cve_2025_68158_state_in_a_cache_that_all_browsers_share_is_not_enough(make_site: MakeSite) -> None:
    """Authlib kept the state in the application's cache, and so believed a callback that any browser began."""
    site = make_site(session_cache_entries=1_000_000)
    attacker = site.visitor()
    callback = start(attacker)
    bring(attacker, callback)
    for victim in (site.visitor(), site.visitor()):
        victim.cookies = {f"{COOKIE}.flow{slot}": "x" for slot in range(8)}
        assert is_refused(bring(victim, callback), "flow_missing")
    assert spent(site) == 1


def test_cve_2026_41425_a_flow_cookie_without_its_state_is_not_enough(site: Site) -> None:
    """The attacker's code, put into a sign-in that the victim began: state, nonce and verifier are the victim's."""
    attacker, victim = site.visitor(), site.visitor()
    stolen = parse_qs(urlsplit(start(attacker)).query)["code"][0]
    mine = start(victim)
    for callback, code in (
        (bent(mine, state=None), "state_missing"),
        (bent(mine, state=""), "state_missing"),
        (bent(mine, state="x"), "state_invalid"),
        (mine + "&state=x", "callback_malformed"),
    ):
        assert is_refused(bring(victim, callback), code)
    assert spent(site) == 0
    injected = bring(victim, bent(mine, code=stolen))
    assert (injected.status, has_session(victim)) == (502, False)
    assert "id_token_nonce" in injected.text


def test_oauth2_proxy_no_request_leaves_before_iss_and_state_hold(site: Site) -> None:
    """oauth2-proxy redeems the code, and then compares the state."""
    visitor, other = site.visitor(), site.visitor()
    callback = start(visitor)
    site.provider.fetches.clear()
    sealed = parse_qs(urlsplit(callback).query)["state"][0]
    other_state = parse_qs(urlsplit(start(other)).query)["state"][0]
    for changed in (
        {"state": sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BB")},
        {"state": sealed[:40]},
        {"state": other_state},
        {"state": "A" * 4_000},
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": ""},
        {"error": "access_denied"},
        {"code": None},
    ):
        answer = bring(visitor, bent(callback, **changed))
        assert answer.status in (400, 403, 502), changed
        assert site.provider.fetches == [], changed
        assert not has_session(visitor)
    site.now += 601
    assert is_refused(bring(visitor, callback), "flow_expired")
    assert site.provider.fetches == []
    site.now -= 1
    assert bring(visitor, callback).status == 302
    assert spent(site) == 1


def test_mix_up_an_answer_of_another_provider_is_not_taken(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    callback = start(visitor)
    answer = bring(visitor, bent(callback, iss="https://op2.example"))
    assert is_refused(answer, "callback_iss")
    assert bring(visitor, bent(callback, iss=ISSUER)).status == 302
    promising = make_site()
    promising.provider.metadata["authorization_response_iss_parameter_supported"] = True
    visitor = promising.visitor()
    callback = start(visitor)
    assert is_refused(bring(visitor, callback), "callback_iss_missing")
    assert spent(promising) == 0
    assert bring(visitor, bent(callback, iss=ISSUER)).status == 302


def test_mix_up_a_flow_of_one_provider_is_none_of_another(make_site: MakeSite) -> None:
    one, two = make_site(), make_site(issuer="https://op2.example")
    visitor = one.visitor()
    callback = start(visitor)
    visitor.site = two
    assert is_refused(bring(visitor, callback), "state_invalid")
    assert two.provider.fetches == []


def test_replay_the_second_time_leads_on_with_a_session_and_to_a_button_without(site: Site) -> None:
    visitor = site.visitor()
    callback = start(visitor, "/wanted?a=1")
    before = dict(visitor.cookies)
    first = bring(visitor, callback)
    assert first.header("location") == "/wanted?a=1"
    session = visitor.cookies[COOKIE]
    for flow_cookie in ({}, before):
        visitor.cookies |= flow_cookie
        again = bring(visitor, callback)
        assert (again.status, again.header("location")) == (302, "/wanted?a=1")
        assert visitor.cookies[COOKIE] == session
    for kept, code in (({}, "flow_missing"), (before, "flow_used")):
        nobody = site.visitor()
        nobody.cookies = dict(kept)
        page = bring(nobody, callback)
        assert is_refused(page, code)
        assert site.rd(site.start_link(page)) == "/wanted?a=1"
        assert nobody.navigate(site.start_link(page)).status == 302
    assert spent(site) == 1


def test_replay_twenty_at_once_send_a_code_once(site: Site) -> None:
    visitor = site.visitor()
    callback = start(visitor)
    barrier = threading.Barrier(20)
    really = site.provider._token

    def slow(fetch: Any) -> Fetched:
        time.sleep(0.05)
        return really(fetch)

    site.provider._token = slow  # type: ignore[method-assign]

    def one(number: int) -> Answer:
        tab = site.visitor()
        tab.cookies = dict(visitor.cookies)
        barrier.wait(20)
        return bring(tab, callback)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert spent(site) == 1
    assert sorted(answer.status for answer in answers) == [302] + [400] * 19
    assert all("flow_used" in answer.text for answer in answers if answer.status == 400)


@pytest.mark.parametrize(
    "failure", [Fetched(500, {}, b""), Fetched(400, {}, b"{}"), Fetched(200, {}, b"<p>")]
)
def test_replay_a_code_is_not_sent_again_after_a_failure(site: Site, failure: Fetched) -> None:
    visitor = site.visitor()
    callback = start(visitor)
    site.provider.instead["token"] = failure
    assert bring(visitor, callback).status in (502, 503)
    site.provider.instead.clear()
    assert is_refused(bring(visitor, callback), "flow_used")
    assert spent(site) == 1


def test_replay_one_flow_sends_one_code_however_many_are_made_up(site: Site) -> None:
    visitor = site.visitor()
    callback = start(visitor)
    site.provider.instead["token"] = ProviderUnavailable("provider_timeout", "slow")
    for number in range(5):
        bring(visitor, bent(callback, code=f"made-up-{number}"))
    assert spent(site) == 1


def test_replay_one_code_is_sent_once_under_however_many_flows(site: Site) -> None:
    visitor = site.visitor()
    first, second = start(visitor), start(visitor)
    stolen = parse_qs(urlsplit(first).query)["code"][0]
    assert bring(visitor, bent(second, code=stolen)).status >= 400  # its verifier is the other flow's
    assert is_refused(bring(visitor, first), "flow_used")
    assert spent(site) == 1


def test_login_as_somebody_else_ends_the_session_of_the_former_person(site: Site) -> None:
    visitor = site.person("former")
    kept = dict(visitor.cookies)
    assert visitor.get("/").status == 200
    bring(visitor, start(visitor))
    assert visitor.get("/").status == 200
    late = site.visitor()
    late.cookies |= kept  # an answer in another tab brings the old cookie back
    assert late.get("/").json["code"] == "session_revoked"


def test_login_as_the_same_person_lets_requests_under_way_end_well(site: Site) -> None:
    visitor = site.person()
    kept = dict(visitor.cookies)
    bring(visitor, start(visitor))
    late = site.visitor()
    late.cookies |= kept
    assert late.get("/").status == 200


def test_session_fixation_every_sign_in_makes_a_new_session(site: Site) -> None:
    visitor = site.visitor()
    planted = site.person("mallory").cookies[COOKIE]
    visitor.cookies[COOKIE] = planted
    ids = {"session of mallory"}
    values = {planted}
    for _ in range(3):
        bring(visitor, start(visitor))
        visitor.get("/")
        assert site.app.identity is not None
        assert site.app.identity.subject == "alice"
        assert site.app.identity.session_id not in ids
        assert visitor.cookies[COOKIE] not in values
        ids.add(site.app.identity.session_id)
        values.add(visitor.cookies[COOKIE])
    attacker = site.visitor()
    attacker.cookies[COOKIE] = planted
    answer = attacker.get("/")
    assert (answer.status, answer.json["code"]) == (401, "session_revoked")  # somebody else sits there now


def test_login_csrf_a_flow_cookie_under_another_name_finishes_nothing(site: Site) -> None:
    """A sibling domain can set any name but those with our prefix."""
    attacker, victim = site.visitor(), site.visitor()
    callback = start(attacker)
    for name, value in attacker.cookies.items():
        plain = name.removeprefix("__Host-")
        victim.cookies |= {plain: value, f"__Secure-{plain}": value, f" {name}": value, f"={name}": value}
    victim.cookies |= {f"{COOKIE}.flow{slot}": "x" for slot in range(8)}
    assert is_refused(bring(victim, callback), "flow_missing")
    assert spent(site) == 0

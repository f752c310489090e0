"""Crafted cookies: bounded work, never an exception, and nobody's session but one's own."""

from __future__ import annotations

import hashlib
import logging
import tracemalloc

import pytest

from oidc_gate.seal.ring import Sealer
from tests.security.conftest import MakeSite
from tests.shells.driving import Upload
from tests.shells.site import COOKIE, FETCH, NAVIGATION, Site, Visitor

GROUPS = tuple(hashlib.sha256(b"%d" % number).hexdigest() for number in range(66))
MIB = 1 << 20


def with_cookie(site: Site, header: str, path: str = "/reports") -> int:
    return site.visitor().get(path, {"Cookie": header}).status


def session_of(visitor: Visitor) -> str:
    return visitor.cookies[COOKIE]


@pytest.mark.parametrize(
    "header",
    [
        ";", ";;;;", "=", "==", "; =", "=;=;=", " ", "a", "a;", ";a", "=a", "\x80\xff", ",", "a,b",
        f"{COOKIE}", f"{COOKIE}=", f"{COOKIE}=;", f"{COOKIE}==", f"; {COOKIE}=; ;", f"{COOKIE}.body=",
        f"{COOKIE}.flow0=", f"{COOKIE}.flow9=x", f"{COOKIE}.rounds=9.9", f"{COOKIE}=\xff", f"{COOKIE}=%00",
        f'{COOKIE}="', f"{COOKIE}=AQ", f"{COOKIE}={'A' * 43}", f"{COOKIE}={'A' * 60_000}",
        f"{COOKIE}={'=' * 9_999}", ";" * 60_000, f"{COOKIE}=;" * 3_000, f"{COOKIE}.flow0=x; " * 3_000,
    ],
    ids=lambda header: header[:24],
)  # fmt: skip
def test_cve_2023_28625_no_cookie_header_raises(site: Site, header: str) -> None:
    """mod_auth_openidc died of a crafted header while it took its own cookies out."""
    assert with_cookie(site, header) == 401
    assert with_cookie(site, header, "/open/x") == 200
    assert with_cookie(site, header, "/oauth2/auth") == 401
    assert with_cookie(site, header, "/oauth2/start") in (302, 400)
    assert with_cookie(site, header, "/oauth2/callback?code=c&state=s") == 400
    assert (
        site.visitor().ask("sign_out", {"Sec-Fetch-Site": "same-origin", "Cookie": header}, "POST").status
        == 303
    )


@pytest.mark.parametrize(
    "header",
    [
        f"{COOKIE}_chunks=99999999; {COOKIE}=x",
        f"{COOKIE}.body={'9' * 4_000}; {COOKIE}=99999999",
        f"{COOKIE}_99999999=x; {COOKIE}_0=x; {COOKIE}.99999999=x",
        f"{COOKIE}.rounds={'9' * 4_000}.{'9' * 4_000}",
        f"{COOKIE}.rounds=99999999999999.1800000000",
        f"{COOKIE}.flow99999999=x; {COOKIE}.flow-1=x",
        "; ".join(f"{COOKIE}.body{number}=x" for number in range(4_000)),
    ],
    ids=lambda header: header[:40],
)
def test_cve_2024_24814_no_number_in_a_cookie_decides_about_work_or_memory(site: Site, header: str) -> None:
    """A chunk count of 99999999 kept mod_auth_openidc busy; vouch believed a chunk's index."""
    with_cookie(site, header)
    tracemalloc.start()
    for path in ("/reports", "/oauth2/auth", "/oauth2/start", "/oauth2/sign_out"):
        assert with_cookie(site, header, path) < 500
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB


@pytest.mark.parametrize("name", ["{}_1of2", "{}_0", "{}.body0", "{}_99999999", "{}.body.1"])
def test_vouch_chunk_index_no_name_but_ours_is_a_part(site: Site, name: str) -> None:
    """Parts have three fixed names: an index is nothing that a client could choose."""
    cookies = site.person(groups=GROUPS).cookies
    main, body = cookies[COOKIE], cookies[f"{COOKIE}.body"]
    indexed = name.format(COOKIE)
    assert with_cookie(site, f"{COOKIE}={main}; {indexed}={body}") == 401
    assert with_cookie(site, f"{indexed}={main}; {COOKIE}.body={body}") == 401
    assert with_cookie(site, f"{COOKIE}={main}; {indexed}=x; {COOKIE}.body={body}") == 200


def test_cve_2024_24814_of_cookies_with_one_name_only_a_few_are_opened(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    really = Sealer.open

    def counting(self: Sealer, text: str) -> bytes:
        opened.append(text)
        return really(self, text)

    monkeypatch.setattr(Sealer, "open", counting)
    assert with_cookie(site, "; ".join(f"{COOKIE}=x{number}" for number in range(3_000))) == 401
    assert 0 < len(opened) <= 16


@pytest.mark.parametrize("before", ["=", "==", "x=", "a==", "a=1; =", "a=1;=", "=; x=", " =", "\t=", "x"])
def test_cve_2023_23934_a_nameless_cookie_is_not_taken_for_ours(site: Site, before: str) -> None:
    session = session_of(site.person())
    assert with_cookie(site, f"a=1; {COOKIE}={session}") == 200
    site.gate._runtime.gate.components.cache.clear()
    for _ in range(2):
        assert with_cookie(site, f"{before}{COOKIE}={session}") == 401
        assert with_cookie(site, f"a=1; {COOKIE}={session}") == 200


def test_cookie_tossing_names_that_no_sibling_domain_can_set(make_site: MakeSite) -> None:
    for site in (make_site(), make_site(response_mode="form_post"), make_site(cookie_samesite="Strict")):
        person = site.person(groups=GROUPS)
        person.cookies[f"{COOKIE}.rounds"] = "3.1"
        answers = [
            site.visitor().navigate("/oauth2/start"),
            person.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST"),
        ]
        set_cookies = [cookie for answer in answers for cookie in answer.all("set-cookie")]
        assert len(set_cookies) == 4
        for cookie in set_cookies:
            attributes = cookie.split("; ")[1:]
            assert cookie.startswith("__Host-")
            assert {"Path=/", "Secure", "HttpOnly"} <= set(attributes)
            assert not [one for one in attributes if one.lower().startswith("domain")]


CHROME = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/149.0 Safari/537.36"}


@pytest.mark.parametrize("browser", [CHROME, FETCH, {"Sec-Fetch-Site": "none"}, CHROME | NAVIGATION])
@pytest.mark.parametrize("joint", [",", ", ", ",\t", " ", "\t"])
def test_cookie_tossing_a_cookie_of_another_name_never_holds_ours(
    site: Site, browser: dict[str, str], joint: str
) -> None:
    """A sibling domain can set ``x=1,__Host-oidc_gate=...``; ``__Host-`` stands in the value, and forbids nothing.

    If it were read, the attacker could sign the victim in, or end a sign-in of their own in the victim's browser.
    """
    mallory = session_of(site.person("mallory"))
    tossed = f"x=1{joint}{COOKIE}={mallory}"
    for cookie in (tossed, f"a=1; {tossed}", f"{tossed}; b=2"):
        assert site.visitor().get("/reports", browser | {"Cookie": cookie}).status == 401
        assert site.visitor().ask("auth", browser | {"Cookie": cookie}).status == 401
        assert site.visitor().ask("userinfo", browser | {"Cookie": cookie}).status == 401
        assert site.visitor().get("/open/x", browser | {"Cookie": cookie}).status == 200
        assert mallory not in "".join(site.app.header("cookie"))
    alice = session_of(site.person("alice"))
    for cookie in (f"{tossed}; {COOKIE}={alice}", f"{COOKIE}={alice}; {tossed}"):
        for _ in range(2):
            assert site.visitor().get("/reports", browser | {"Cookie": cookie}).status == 200
            assert site.app.identity is not None
            assert site.app.identity.subject == "alice"
            assert mallory not in "".join(site.app.header("cookie"))


def test_cookie_tossing_a_flow_cookie_in_a_cookie_of_another_name_ends_no_sign_in(site: Site) -> None:
    mallory = site.visitor()
    started = mallory.navigate("/oauth2/start")
    callback = site.provider.authorize(started.header("location"))
    ((name, value),) = ((name, value) for name, value in mallory.cookies.items() if ".flow" in name)
    victim = site.visitor()
    answer = victim.open("GET", callback, NAVIGATION | {"Cookie": f"x=1,{name}={value}"})
    assert (answer.status, victim.cookies) == (400, {})
    assert mallory.navigate(callback).status == 302


TWO_HEADERS = [
    (["a=1; b=2", "{ours}"], "a=1; b=2"),
    (["a=1", "{ours}", "b=2"], "a=1; b=2"),
    (["{ours}", "a=1; b=2"], "a=1; b=2"),
    (["a=1; {ours}", "b=2"], "a=1; b=2"),
    (['a={"x":1,"y":2}', "d=Thu, 01 Jan; {ours}"], 'a={"x":1,"y":2}; d=Thu, 01 Jan'),
]


@pytest.mark.parametrize("groups", [(), GROUPS], ids=["one", "two"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("headers", "left"), TWO_HEADERS)
def test_two_cookie_headers_are_read_as_two(
    site: Site, headers: list[str], left: str, groups: tuple[str, ...], together: bool
) -> None:
    """WSGI servers join them with a comma; `tests/real/test_two_cookie_headers.py` says which."""
    cookies = [f"{name}={value}" for name, value in site.person(groups=groups).cookies.items()]
    ours = "; ".join(cookies) if together else "\n".join(cookies)
    values = [value for header in headers for value in header.replace("{ours}", ours).split("\n")]
    pairs = [("Host", "app.example"), *(("Cookie", value) for value in values)]
    for path in ("/reports", "/open/x", "/reports", "/oauth2/auth"):
        answer = site.send("GET", path, pairs, Upload())
        assert answer.status == (202 if path.endswith("auth") else 200)
        assert site.app.identity is not None
        seen = "".join(site.app.header("cookie"))
        assert COOKIE not in seen
        assert left.replace("; ", "").replace(",", "") == seen.replace("; ", "").replace(",", "")


@pytest.mark.parametrize("joint", [",", ", ", ";", ";  ", ";\t", "; "])
def test_a_session_never_reaches_the_application_whatever_joins_the_cookies(site: Site, joint: str) -> None:
    session = session_of(site.person())
    for cookies in (["a=1", f"{COOKIE}={session}"], [f"{COOKIE}={session}", "a=1"],
                    ["a=1", f'{COOKIE}="{session}"', "b=2"], ["a=1", f"{COOKIE} = {session}"]):  # fmt: skip
        for browser in ({}, CHROME):
            site.visitor().get("/open/x", browser | {"Cookie": joint.join(cookies)})
            assert session not in "".join(site.app.header("cookie"))
            assert "a=1" in "".join(site.app.header("cookie"))


def test_cookie_tossing_a_planted_cookie_never_hides_ours(site: Site) -> None:
    alice = session_of(site.person("alice"))
    planted = ["x", "A" * 60, "", alice[:-2] + "AA", alice[:-2]]
    for bad in planted:
        assert with_cookie(site, f"{COOKIE}={bad}; {COOKIE}={alice}") == 200
        assert site.app.identity is not None
        assert site.app.identity.subject == "alice"


def test_cookie_tossing_a_planted_second_half_never_hides_ours(site: Site) -> None:
    alice, mallory = (site.person(name, groups=GROUPS).cookies for name in ("alice", "mallory"))
    main, body = alice[COOKIE], alice[f"{COOKIE}.body"]
    for bad in ("x", "", mallory[f"{COOKIE}.body"], main):
        site.gate._runtime.gate.components.cache.clear()
        assert with_cookie(site, f"{COOKIE}={main}; {COOKIE}.body={bad}; {COOKIE}.body={body}") == 200
        assert site.app.identity is not None
        assert site.app.identity.subject == "alice"
    site.gate._runtime.gate.components.cache.clear()
    assert with_cookie(site, f"{COOKIE}={main}; {COOKIE}.body={mallory[f'{COOKIE}.body']}") == 401


def test_cookie_tossing_the_first_of_two_valid_sessions_counts_in_every_request(site: Site) -> None:
    """Whoever can plant a valid cookie signs the victim in as himself; at least it is the same person each time."""
    alice, mallory = session_of(site.person("alice")), session_of(site.person("mallory"))
    for _ in range(3):
        assert with_cookie(site, f"{COOKIE}={mallory}; {COOKIE}={alice}") == 200
        assert site.app.identity is not None
        assert site.app.identity.subject == "mallory"


@pytest.mark.parametrize("name", [f"{COOKIE}.body", f"{COOKIE}.flow0", f"{COOKIE}2", "oidc_gate"])
def test_a_value_sealed_for_one_cookie_opens_nothing_as_another(site: Site, name: str) -> None:
    person = site.person(groups=GROUPS)
    started = site.visitor()
    started.navigate("/oauth2/start")
    values = [*person.cookies.values(), *started.cookies.values()]
    for value in values:
        assert with_cookie(site, f"{name}={value}") == 401
    for value in [*started.cookies.values(), person.cookies[f"{COOKIE}.body"]]:
        assert with_cookie(site, f"{COOKIE}={value}") == 401


def test_a_session_of_another_application_with_the_same_secret_opens_nothing(make_site: MakeSite) -> None:
    value = session_of(make_site().person())
    assert with_cookie(make_site(), f"{COOKIE}={value}") == 200
    assert with_cookie(make_site(client_id="another"), f"{COOKIE}={value}") == 401
    assert with_cookie(make_site(issuer="https://op2.example"), f"{COOKIE}={value}") == 401


def test_no_bit_of_a_session_can_be_changed(site: Site) -> None:
    value = session_of(site.person())
    for place in range(0, len(value), 7):
        other = "A" if value[place] != "A" else "B"
        assert with_cookie(site, f"{COOKIE}={value[:place]}{other}{value[place + 1 :]}") == 401
    assert with_cookie(site, f"{COOKIE}={value}") == 200


def test_cve_2026_34454_cleared_means_cleared_second_cookie_included(site: Site) -> None:
    person = site.person(groups=GROUPS)
    kept = dict(person.cookies)
    assert set(kept) == {COOKIE, f"{COOKIE}.body"}
    person.cookies |= {f"{COOKIE}.flow7": "x", f"{COOKIE}.rounds": "1.1"}
    answer = person.ask("sign_out", NAVIGATION | {"Sec-Fetch-Site": "same-origin"}, "POST")
    assert answer.status == 200
    for cookie in answer.all("set-cookie"):
        assert "=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax" in cookie
    assert person.cookies == {}
    person.cookies = kept  # whoever kept a copy
    answer = person.get("/reports", FETCH)
    assert (answer.status, answer.json["code"]) == (401, "session_revoked")


def test_cve_2026_34454_a_small_session_leaves_nothing_of_a_large_one_behind(site: Site) -> None:
    visitor = site.person(groups=GROUPS)
    visitor.sign_in()
    assert set(visitor.cookies) == {COOKIE, f"{COOKIE}.rounds"}


def test_cve_2026_34454_no_page_says_signed_out_to_somebody_who_is_not(site: Site) -> None:
    person = site.person()
    answer = person.navigate("/oauth2/signed_out", Sec_Fetch_Site="cross-site")
    assert "You are signed out" not in answer.text
    assert answer.all("set-cookie") == []
    assert person.get("/reports").status == 200
    assert "You are signed out" in site.visitor().navigate("/oauth2/signed_out").text


def test_memory_is_not_filled_by_what_nobody_proved(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of headers and hosts are remembered; whoever makes them up fills no memory."""

    def attack(number: int) -> None:
        visitor = site.visitor()
        visitor.get("/open/x", {f"x-{number}" + "y" * 30_000: "1"})
        visitor.get("/open/x", {"Host": f"{number}." + "h" * 30_000})

    attack(0)
    monkeypatch.setattr(logging.getLogger("oidc_gate"), "disabled", True)  # pytest keeps what is logged
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1, 120):
        attack(number)
    site.app.seen.clear()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert kept < 2 * MIB

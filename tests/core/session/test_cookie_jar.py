"""The gate's cookies: their names and attributes, and finding them in a header by hand."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oidc_gate.flow.record import Flow, seal_flow
from oidc_gate.flow.slots import recent_sign_ins
from oidc_gate.seal import KeyRing
from oidc_gate.session.cookie_jar import (
    FLOW_VALUE_CHARS,
    MAX_HEADER_BYTES,
    ROUNDS_VALUE_CHARS,
    Cookies,
)
from tests.core.request.making import settings

MAIN = "__Host-oidc_gate"


def cookies(**values: Any) -> Cookies:
    return Cookies(settings(**{"public_url": "https://app.example.com"} | values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "__Host-oidc_gate=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"cookie_name": "x"}, "__Host-x=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            {"cookie_domain": "example.com"},
            "__Secure-oidc_gate=v; Max-Age=60; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            {"cookie_samesite": "Strict"},
            "__Host-oidc_gate=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Strict",
        ),
        ({"public_url": "http://localhost:8000"}, "oidc_gate=v; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"),
    ],
)
def test_set(values: dict[str, Any], expected: str) -> None:
    jar = cookies(**values)
    assert jar.set(jar.main, "v", max_age=60) == expected


def test_clearing_says_what_setting_said_or_no_browser_obeys() -> None:
    jar = cookies(cookie_domain="example.com")
    was, cleared = jar.set(jar.main, "v", max_age=60), jar.clear(jar.main)
    assert cleared == was.replace("=v; Max-Age=60", "=; Max-Age=0")


@pytest.mark.parametrize(
    ("values", "own", "flow"),
    [
        ({}, "Lax", "Lax"),
        ({"cookie_samesite": "Strict"}, "Strict", "Lax"),
        ({"response_mode": "form_post"}, "Lax", "None"),
        ({"cookie_samesite": "Strict", "response_mode": "form_post"}, "Strict", "None"),
    ],
)
def test_each_cookie_is_cleared_with_the_attribute_it_was_set_with(
    values: dict[str, Any], own: str, flow: str
) -> None:
    jar = cookies(**values)
    assert jar.session_names == (MAIN, f"{MAIN}.body", f"{MAIN}.body2")
    assert jar.flows == tuple(f"{MAIN}.flow{number}" for number in range(8))
    assert jar.rounds == f"{MAIN}.rounds"
    for name in (*jar.session_names, jar.rounds, *jar.flows):
        samesite = own if name in jar.session_names else flow
        expected = f"{name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite={samesite}"
        assert jar.clear(name) == expected
    assert (jar.samesite, jar.flow_samesite) == (own, flow)
    assert jar.set("x", "v", max_age=None) == f"x=v; Path=/; Secure; HttpOnly; SameSite={own}"
    assert jar.set("x", "", max_age=0, samesite="None").endswith("; SameSite=None")


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("name", ["oidc_gate", "a-much-longer-name"])
def test_there_is_room_for_every_other_cookie_of_the_gate(parts: int, name: str) -> None:
    jar = cookies(cookie_name=name)
    others = [f"{flow}={'f' * FLOW_VALUE_CHARS}" for flow in jar.flows]
    others.append(f"{jar.rounds}={'r' * ROUNDS_VALUE_CHARS}")
    others += [f"{each}=" for each in jar.session_names[:parts]]
    room = MAX_HEADER_BYTES - len("; ".join(others) + "; ")
    chars = [room - (parts - 1) * 10, *[10] * (parts - 1)]
    assert jar.leave_room(*chars)
    assert not jar.leave_room(chars[0] + 1, *chars[1:])


def test_the_values_of_the_other_cookies_are_as_long_as_is_assumed() -> None:
    sealer = KeyRing(("n" * 43,), binding=("a", "b")).sealer("flow", "slot 0")
    assert len(seal_flow(sealer, Flow(1_800_000_000, bytes(32)), bytes(12))) == FLOW_VALUE_CHARS
    assert recent_sign_ins("9" * 10 + "." + "1" * (ROUNDS_VALUE_CHARS - 11), 111_111_111_111) == 9_999_999_999
    assert recent_sign_ins("9" * 11 + "." + "1" * (ROUNDS_VALUE_CHARS - 11), 111_111_111_111) == 0


@pytest.mark.parametrize(
    ("header", "key", "names"),
    [
        ("", "v", []),
        (f"{MAIN}=v; x=1", "v", [MAIN]),
        (f"{MAIN}.body=b; {MAIN}=v", "v;b", [MAIN, f"{MAIN}.body"]),
        (f"{MAIN}=v; {MAIN}.body2=c; {MAIN}.body=b", "v;b;c", [MAIN, f"{MAIN}.body", f"{MAIN}.body2"]),
        (f"{MAIN}.body=b; {MAIN}.body=d; {MAIN}.body2=c", "v;b;d;c", [f"{MAIN}.body", f"{MAIN}.body2"]),
        (f"{MAIN}.flow7=1; {MAIN}.rounds=2.3; {MAIN}.flow8=x", "v", [f"{MAIN}.rounds", f"{MAIN}.flow7"]),
        ("oidc_gate=v; __Host-other=x", "v", []),
    ],
)
def test_the_cookies_of_a_session_and_of_the_gate(header: str, key: str, names: list[str]) -> None:
    assert cookies().session_key("v", header) == key
    assert cookies().names_in(header) == names


def test_the_flow_cookie_comes_along_with_a_cross_site_post_only_for_form_post() -> None:
    assert cookies(response_mode="form_post").flow_samesite == "None"
    assert cookies(cookie_samesite="Strict").flow_samesite == "Lax"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        (f"{MAIN}=a", ["a"]),
        (f"x=1; {MAIN}=a; y=2", ["a"]),
        (f"x=1;{MAIN}=a;y=2", ["a"]),
        (f"{MAIN}=a; {MAIN}=b", ["a", "b"]),
        (f"={MAIN}=a", []),  # CVE-2023-23934
        (f"x={MAIN}=a", []),
        (f"x{MAIN}=a", []),
        (f"{MAIN}x=a", []),
        (f"{MAIN}.body=a", []),
        (f"x=; ={MAIN}=a; {MAIN}=b", ["b"]),
        ("; ".join(f"{MAIN}={n}" for n in range(9)), ["0", "1", "2", "3"]),
        (f"{MAIN}=a,x=1; {MAIN}=b, y=2", ["a", "b"]),
        (f"x=1,{MAIN}=a", []),  # a cookie of another name, which a sibling domain can set
        (f"{MAIN}=,{MAIN}=a", [""]),
        (f"; {MAIN}=a", ["a"]),
        (f" {MAIN}=a", []),
        (f";{MAIN}=a", ["a"]),
        (f"x=1;  {MAIN}=a", []),
        (f"x=1 {MAIN}=a; {MAIN}=b", ["b"]),
    ],
)
def test_find(header: str, found: list[str]) -> None:
    assert cookies().find(header, MAIN) == found


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        ("", ""),
        ("x=1", "x=1"),
        (f"{MAIN}=a", ""),
        (f"x=1; {MAIN}=a", "x=1"),
        (f"{MAIN}=a; x=1", "x=1"),
        (f"x=1; {MAIN}=a; y=2", "x=1; y=2"),
        (f"x=1; {MAIN}.body=a; {MAIN}=b; {MAIN}.flow3=c; {MAIN}.rounds=1.2; y=2", "x=1; y=2"),
        (f"{MAIN}.flow9=a; {MAIN}_admin=b", f"{MAIN}.flow9=a; {MAIN}_admin=b"),
        (f"{MAIN}=a; {MAIN}=b; z=3", "z=3"),
        (f"x=1; {MAIN}=a;  {MAIN}=b", "x=1"),
        (f"{MAIN}=a;  {MAIN}=b;\t{MAIN}=c", ""),
        # two headers, as WSGI servers join them
        (f"a=1,{MAIN}=s", "a=1"),
        (f"a=1, {MAIN}=s", "a=1"),
        (f"a=1;{MAIN}=s;b=2", "a=1;b=2"),
        (f"{MAIN}=s,b=2", "b=2"),
        (f"{MAIN}=s, b=2", "b=2"),
        (f"{MAIN}=s,b=2; c=3", "b=2; c=3"),
        (f"a=1; {MAIN}=s,b=2", "a=1; b=2"),
        (f"a=1,{MAIN}=s,b=2", "a=1; b=2"),
        (f"a=1; {MAIN}=s,{MAIN}.body=t, {MAIN}.flow1=u,b=2", "a=1; b=2"),
        (f"a=1,{MAIN}=s; b=2", "a=1; b=2"),
        (f"{MAIN}=s,{MAIN}=t", ""),
        # what other cookies hold
        (f'a={{"x":1,"y":2}}; {MAIN}=s; d=Thu, 01 Jan', 'a={"x":1,"y":2}; d=Thu, 01 Jan'),
        (f"a=1,; {MAIN}=s; b=,2,", "a=1,; b=,2,"),
        (f"{MAIN}=s,d=Thu, 01 Jan", "d=Thu, 01 Jan"),
        (f"x=y,{MAIN}=z", "x=y"),
        (f"x=y,{MAIN}2=z,{MAIN}.flow9=z", f"x=y,{MAIN}2=z,{MAIN}.flow9=z"),
        (f"x={MAIN}=a; __host-oidc_gate=b", f"x={MAIN}=a; __host-oidc_gate=b"),
        # what careless parsers take for ours
        (f'a=1; {MAIN}="s"; b=2', "a=1; b=2"),
        (f"a=1; {MAIN} =s; b=2", "a=1; b=2"),
        (f"a=1;\t {MAIN}\t=\ts; b=2", "a=1; b=2"),
        (f"a=1;\xa0{MAIN}=s", "a=1"),
        (f"a=1; \u2003{MAIN}\u3000=s".encode().decode("latin-1"), "a=1; \xe2\x80\x83"),
        (f"  {MAIN}=s", ""),
        (f"a=1 {MAIN}=s; b=2", "a=1 ; b=2"),
    ],
)
def test_what_the_application_is_left_with(header: str, rest: str) -> None:
    jar = cookies()
    assert jar.without_gate_cookies(header) == rest
    value, others = jar.split(header)
    if value and "," not in value:  # with a comma it opens nothing, and the long path is taken
        assert others == rest
        assert [value] == jar.find(header, MAIN)[:1]


@pytest.mark.parametrize(
    ("header", "value", "others"),
    [
        ("", "", ""),
        ("x=1", "", "x=1"),
        (f"{MAIN}=a", "a", ""),
        (f"{MAIN}=a; x=1", "a", "x=1"),
        (f"{MAIN}=a;x=1", "a", "x=1"),
        (f"x=1; {MAIN}=a", "a", "x=1"),
        (f"x=1; {MAIN}=a; y=2", "a", "x=1; y=2"),
        (f"{MAIN}=a; {MAIN}=b; x=1", "a", "x=1"),
        (f"x=1; {MAIN}=a; {MAIN}.flow1=f; y=2; {MAIN}.rounds=1.2", "a", "x=1; y=2"),
        (f"{MAIN}.flow1=f; {MAIN}=a; y=2", "a", "y=2"),
        (f"x={MAIN}=b; {MAIN}=a", "a", f"x={MAIN}=b"),
        (f"{MAIN}=,; {MAIN}=a", "", ""),
        (f"x=1;{MAIN}=a", "", f"x=1;{MAIN}=a"),  # not as browsers write it: the long path reads it
        (f"x=1;{MAIN}=b; {MAIN}=a", "b", "x=1"),
    ],
)
def test_the_first_session_cookie_and_the_rest_of_the_header(header: str, value: str, others: str) -> None:
    assert cookies().split(header) == (value, others)


@pytest.mark.parametrize(
    ("header", "separated"),
    [
        (f"a=1,{MAIN}=s", f"a=1; {MAIN}=s"),
        (f"a=1, {MAIN}.body=s,{MAIN}=t,b=2", f"a=1; {MAIN}.body=s; {MAIN}=t,b=2"),
        (f"a=1,{MAIN}2=s", f"a=1,{MAIN}2=s"),
        (f"a=1,x{MAIN}=s", f"a=1,x{MAIN}=s"),
        ("a=1,b=2", "a=1,b=2"),
    ],
)
def test_where_a_comma_joined_two_headers(header: str, separated: str) -> None:
    assert cookies().separated(header) == separated


def parsers() -> dict[str, Any]:
    """How applications read a header: by name, everything that came under it."""
    from http.cookies import CookieError, SimpleCookie

    from django.http.cookie import parse_cookie as django
    from starlette.requests import cookie_parser as starlette
    from werkzeug.http import parse_cookie as werkzeug

    def simple(header: str) -> dict[str, list[str]]:
        try:
            return {name: [morsel.value] for name, morsel in SimpleCookie(header).items()}
        except CookieError:
            return {}

    def split(header: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for piece in re.split(r"[;,\s]+", header):
            name, _, value = piece.partition("=")
            found.setdefault(name.strip(), []).append(value.strip())
        return found

    return {
        "django": lambda header: {name: [value] for name, value in django(header).items()},
        "starlette": lambda header: {name: [value] for name, value in starlette(header).items()},
        "werkzeug": lambda header: werkzeug(header).to_dict(flat=False),
        "simple": simple,
        "split": split,
    }


PARSERS = parsers()
OURS = [MAIN, f"{MAIN}.body", f"{MAIN}.rounds", f"{MAIN}.flow0", f"{MAIN}.flow7"]
BLANKS = [blank.encode().decode("latin-1") for blank in ("\xa0", "\x85", "\u2003", "\u3000", "é")]
NOISE = [
    *OURS,
    "=",
    ";",
    "; ",
    ",",
    ", ",
    " ",
    "\t",
    *BLANKS,
    "x",
    "a=1",
    '"',
    "SEALED",
    f"{MAIN}=SEALED",
    "\x00",
]


@given(st.lists(st.sampled_from(NOISE), max_size=40))
@example([MAIN, ";", f"{MAIN}=SEALED"])  # the name alone is a nameless cookie, and none of ours
def test_no_parser_finds_a_sealed_value_of_ours_in_what_is_left(parts: list[str]) -> None:
    jar, header = cookies(), "".join(parts)
    left = jar.without_gate_cookies(header)
    assert jar.without_gate_cookies(left) == left
    value, others = jar.split(header)
    for seen in (left, others) if value and "," not in value else (left,):
        assert jar.names_in(seen) == jar.names_in(jar.separated(seen)) == []
        for name, parse in PARSERS.items():
            assert not [one for one in OURS if any("SEALED" in text for text in parse(seen).get(one, []))], (
                name
            )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b2", "sid", f"{MAIN}x", f"x{MAIN}", f"{MAIN}.flow9"]),
            st.text('{}":,| AZ09=+/é', max_size=8).map(str.strip),
        )
        | st.tuples(st.sampled_from(OURS), st.text("AZaz09_-", max_size=8)),
        max_size=8,
    ),
    st.lists(st.sampled_from(["; ", ";"]), min_size=8, max_size=8),
)
def test_every_other_cookie_survives(pairs: list[tuple[str, str]], joints: list[str]) -> None:
    """Values hold commas (JSON, dates), and are left alone where no name of ours follows one."""
    written = [f"{name}={value}" for name, value in pairs]
    header = "".join(cookie + joint for cookie, joint in zip(written, joints, strict=False)).rstrip("; ")
    kept = [cookie for cookie, (name, _) in zip(written, pairs, strict=True) if name not in OURS]
    left = cookies().without_gate_cookies(header)
    assert [one.strip() for one in left.split(";") if one.strip()] == kept


@given(st.lists(st.tuples(st.sampled_from(["a", "b", *OURS]), st.text("AZ09_-", max_size=6)), max_size=8))
def test_every_other_cookie_survives_whatever_joins_them(pairs: list[tuple[str, str]]) -> None:
    kept = [f"{name}={value}" for name, value in pairs if name not in OURS]
    for joint in (",", ", ", ";", "; "):
        left = cookies().without_gate_cookies(joint.join(f"{name}={value}" for name, value in pairs))
        assert [one.strip() for one in re.split("[;,]", left) if one.strip()] == kept


@given(
    st.lists(
        st.sampled_from([MAIN, "=", ";", "; ", " ", ".body", ".flow1", "x", '"', "é", "\x00"]), max_size=40
    )
)
def test_split_never_finds_what_find_does_not(parts: list[str]) -> None:
    jar, header = cookies(), "".join(parts)
    value, others = jar.split(header)
    if value and "," not in value:
        assert [value] == jar.find(header, MAIN)[:1]
        assert not jar.find(others, MAIN)
    assert not jar.find(jar.without_gate_cookies(header), MAIN)


def test_a_hostile_header_costs_no_time() -> None:
    jar = cookies()
    for header in (f"={MAIN}=" * 3_600, f"{MAIN}=a; " * 3_200, "; " * 32_000, f"x={MAIN}" * 3_600,
                   MAIN + " " * 64_000, f"{MAIN} " * 3_600, f"{MAIN}=," * 3_600, f",{MAIN}" + ", " * 30_000,
                   f" {MAIN}=" * 3_600, f"{MAIN}=" + ", " * 32_000 + MAIN):  # fmt: skip
        began = time.process_time()
        jar.find(header, MAIN)
        jar.split(header)
        jar.without_gate_cookies(header)
        jar.names_in(header)
        jar.separated(header)
        assert time.process_time() - began < 0.5  # quadratic would be many seconds

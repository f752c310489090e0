"""What holds for every page, whatever it is given."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_gate import pages
from oidc_gate.pages import Page

from .markup import Document, attribute, header, hrefs, read
from .samples import BUILDERS, PLAIN, START, STATIC

EVERY = pytest.mark.parametrize("name", BUILDERS)
# The others lead to no address but the one that they are shown at.
ADDRESSED = pytest.mark.parametrize("name", [name for name in BUILDERS if not name.startswith("waiting")])
HOSTILE_TEXT = {
    "tag": '"><script>alert(1)</script>',
    "attribute": '" onclick="alert(1)" style="x',
    "single quote": "' onfocus='alert(1)' autofocus='",
    "comment": "<!-- --><!--",
    "title end": "</title></h1></main></body><img src=x>",
    "entity": "&lt;script&gt;&#x3c;",
    "javascript": "javascript:alert(1)",
    "header": "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "format": "{0.__class__} {title} %s",
    "surrogate": "a\ud800b\udfffc",
    "bidi": "user\u202e\u2066moc.live@\u200f\u061cx",
    "invisible": "a\u200b\ufeff\u2060\U000e0041b\x00\x1b[31m",
    "noncharacter": "\ufffe\uffff\ufdd0\U0010ffff",
    "long": "x" * 100_000,
    "long markup": "<b>" * 40_000,
    "empty": "",
    "blank": " \t\n ",
}
HOSTILE_URLS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example",
    "/\t/evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "http:/evil.example",
    "oauth2/start",
    "?rd=/",
    "",
    "/ok\r\nSet-Cookie: a=b",
    "/ok\nX: y",
    "/a b",
    "/a\x7f",
    "/a\x00",
    "/" + "x" * 65_536,
]


def assert_sound(page: Page) -> Document:
    document = read(page)
    assert document.declaration == "doctype html"
    assert document.all[0].tag == "html"
    assert document.the("html").attributes["lang"] == "en"
    for tag in ("title", "h1", "main", "header"):
        assert document.the(tag)
    assert document.the("title").words.strip()
    assert document.the("h1").words.strip()
    assert document.find("meta", name="viewport", content="width=device-width, initial-scale=1")
    for element in document.all:
        for name in element.attributes:
            assert not name.startswith("on"), name
            assert name not in {"style", "autofocus", "tabindex", "srcdoc", "accesskey"}, name
    for script in document.find("script"):
        assert not script.words
        assert attribute(script, "src").startswith("/")
    for image in document.find("img"):
        assert "alt" in image.attributes
    return document


def assert_harmless(document: Document) -> None:
    words = document.the("html").words
    for character in words.replace("\n", ""):
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cs", "Zl", "Zp"}, hex(ord(character))
        assert ord(character) & 0xFFFE != 0xFFFE, hex(ord(character))
        assert not 0xFDD0 <= ord(character) <= 0xFDEF, hex(ord(character))
        assert category != "Cf" or character in "\u200c\u200d", hex(ord(character))


@EVERY
@pytest.mark.parametrize("text", HOSTILE_TEXT.values(), ids=HOSTILE_TEXT)
def test_hostile_text_stays_text(name: str, text: str) -> None:
    page = BUILDERS[name](text, START)
    document = assert_sound(page)
    assert_harmless(document)
    assert len(page.body) < 65_536
    harmless = read(BUILDERS[name]("harmless", START))
    # No element but the ones the page always has: a bounded list or a cut row may only leave some out.
    assert {element.tag for element in document.all} <= {element.tag for element in harmless.all} | {"wbr"}
    assert page.headers == BUILDERS[name]("harmless", START).headers


@ADDRESSED
@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_address_is_refused(name: str, url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        BUILDERS[name]("x", url)


@ADDRESSED
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/a?x=1&y=2#z", "/a?x=1&y=2#z"),
        ('/a"onclick="x', "/a%22onclick=%22x"),
        ("/a'b;c=<d>", "/a'b;c=%3Cd%3E"),
        ("/\u00e4\u202e\ud800", "/%C3%A4%E2%80%AE%EF%BF%BD"),
        ("/%2Fa%zz", "/%2Fa%zz"),
        ("https://app.example.com/a", "https://app.example.com/a"),
        ("http://app.example.com:8000", "http://app.example.com:8000"),
    ],
)
def test_address_is_shown_in_ascii(name: str, url: str, shown: str) -> None:
    page = BUILDERS[name]("x", url)
    document = assert_sound(page)
    addresses = [value or "" for element in document.all for value in element.attributes.values()]
    assert any(address.startswith(shown) for address in addresses)
    for key, value in page.headers:
        assert f"{key}{value}".isascii()
        assert f"{key}{value}".isprintable()


@EVERY
def test_loads_nothing_from_elsewhere(name: str) -> None:
    document = read(BUILDERS[name]("x", START))
    loaded = [*document.find("link"), *document.find("img"), *document.find("script")]
    for element in loaded:
        address = element.attributes.get("src") or attribute(element, "href")
        assert address.startswith("/base/oauth2/")
    assert not any(
        "://" in (value or "") for element in document.all for value in element.attributes.values()
    )


@EVERY
def test_reads_well_without_the_optional_parts(name: str) -> None:
    document = assert_sound(PLAIN[name]())
    assert document.the("title").words == document.the("h1").words
    assert not [element for element in document.find("p") if not element.words.strip()]
    assert "None" not in document.the("html").words


@EVERY
def test_the_title_names_the_application(name: str) -> None:
    assert "Quarterly Reports" in read(BUILDERS[name]("Quarterly Reports", START)).the("title").words


@EVERY
def test_first_stop_of_the_keyboard_is_the_first_action(name: str) -> None:
    document = read(BUILDERS[name]("x", START))
    stops = [element for element in document.all if element.tag in {"a", "button"}]
    assert stops[0].attributes["class"] == "button"
    assert all(stop.attributes["class"] == "button second" for stop in stops[1:])
    assert all(stop.words.strip() for stop in stops)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(BUILDERS)), text=st.text(), url=st.text() | st.from_regex(r"/[^/]*"))
def test_any_text_gives_a_page_or_a_refusal(name: str, text: str, url: str) -> None:
    try:
        page = BUILDERS[name](text, url)
    except ValueError:
        return
    assert_harmless(assert_sound(page))
    assert not any(found.lower().startswith("javascript:") for found in hrefs(read(page)))


SCRIPTED = {"sign_in", "sign_in_by_itself", "known", "denied", "waiting", "waiting_form"}
FORMS = {"sign_out", "waiting_form"}
COMMON = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)
LAST = (
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("X-Robots-Tag", "noindex"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
OWN = {
    "sign_in_by_itself": (("Refresh", f"0; url={START}"),),
    "continue": (("Refresh", f"0; url={START}"),),
    "leaving": (("Refresh", f"0; url={START}"),),
    "unavailable": (("Retry-After", "30"),),
    "waiting": (("Retry-After", "2"), ("Refresh", "3")),
    "waiting_form": (("Retry-After", "2"),),
}


@EVERY
def test_headers_are_exactly_these(name: str) -> None:
    script = "script-src 'self'; " if name in SCRIPTED else ""
    form = "'self'" if name in FORMS else "'none'"
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; {script}base-uri 'none'; "
        f"form-action {form}; frame-ancestors 'none'"
    )
    referrer = "same-origin" if name in FORMS else "no-referrer"
    assert BUILDERS[name]("x", START).headers == (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        *COMMON,
        ("Referrer-Policy", referrer),
        *LAST,
        *OWN.get(name, ()),
    )


@EVERY
def test_script_is_loaded_exactly_where_the_policy_lets_it_run(name: str) -> None:
    page = BUILDERS[name]("x", START)
    has_script = bool(read(page).find("script"))
    assert has_script is (name in SCRIPTED)
    assert has_script is ("script-src" in (header(page, "Content-Security-Policy") or ""))


def test_frontchannel_page_alone_may_be_framed() -> None:
    page = pages.frontchannel_page()
    assert page.headers == (
        ("Content-Type", "text/html; charset=utf-8"),
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'",
        ),
        *COMMON,
        ("Referrer-Policy", "no-referrer"),
        *LAST[:2],
    )
    assert {element.tag for element in read(page).all} == {"html", "head", "meta", "title"}
    assert read(page).the("html").attributes["lang"] == "en"


def test_import_is_cheap() -> None:
    heavy = ["werkzeug", "requests", "authlib", "joserfc", "cryptography", "importlib.resources"]
    script = f"import sys, oidc_gate.pages; print([name for name in {heavy!r} if name in sys.modules])"
    # The room alone: the face of the package is stood in for, since it may load what the gate needs.
    face = (
        "import sys, types, importlib.util as u; m = types.ModuleType('oidc_gate'); "
        "m.__path__ = list(u.find_spec('oidc_gate').submodule_search_locations); "
        "sys.modules['oidc_gate'] = m; "
    )
    run = subprocess.run([sys.executable, "-c", face + script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_static_address_is_held_to_the_same_rule() -> None:
    with pytest.raises(ValueError, match="address"):
        pages.posted_page(static_url="javascript:x", start_url=START)
    trailing = read(pages.posted_page(static_url=STATIC + "/", start_url=START))
    assert attribute(trailing.the("img"), "src").startswith(STATIC + "/icon-")

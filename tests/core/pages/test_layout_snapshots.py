"""Every page as a whole, with its headers, and the limits of what a page shows.

``OIDC_GATE_WRITE_SNAPSHOTS=1`` writes the files in ``snapshots`` again. Read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from oidc_gate import pages
from oidc_gate.pages import Page
from oidc_gate.pages.headers import MAX_REFRESH_LENGTH
from oidc_gate.pages.layout import (
    IN_A_NEW_TAB,
    Branding,
    build_page,
    bullets,
    link,
    paragraph,
    person,
    reference,
    resend,
)
from oidc_gate.pages.safe import clean, href

from .samples import BUILDERS, PLAIN, START, STATIC

FOLDER = Path(__file__).with_name("snapshots")
_DIGEST = re.compile(r"\b(gate|icon)-[0-9a-f]{12}\.")
_TEXT = "Sign-in <of> ada@example.com"
# The value "0; url=" and the URL have this length together.
_LONGEST_REFRESH = "/" + "x" * (MAX_REFRESH_LENGTH - len("0; url=/"))


def _continue(target: str) -> Page:
    return pages.continue_page(static_url=STATIC, target=target)


def _framed(build: Callable[[], Page]) -> Callable[[], Page]:
    return lambda: build().for_own_frames()


def _unavailable(seconds: int) -> Page:
    return pages.unavailable_page(static_url=STATIC, request_id="r1", retry_after_seconds=seconds)


def _waiting(seconds: float) -> Page:
    return pages.waiting_page(
        static_url=STATIC, title="", message="m", code="c", request_id="r1", wait_seconds=seconds
    )


PAGES: dict[str, Callable[[], Page]] = {
    **{f"full-{name}": partial(build, _TEXT, START) for name, build in BUILDERS.items()},
    **{f"long-{name}": partial(BUILDERS[name], "x" * 700, START) for name in ("error", "denied", "sign_in")},
    **{f"plain-{name}": build for name, build in PLAIN.items()},
    **{f"framed-{name}": _framed(PLAIN[name]) for name in ("denied", "sign_out")},
    "frontchannel": pages.frontchannel_page,
    "refresh-longest": lambda: _continue(_LONGEST_REFRESH),
    "refresh-too-long": lambda: _continue(_LONGEST_REFRESH + "x"),
    "error-untitled": lambda: pages.error_page(
        static_url=STATIC,
        status=500,
        code="c",
        title="",
        message="",
        what_to_do="",
        request_id="",
        action_url="/",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_it_was(name: str) -> None:
    page = PAGES[name]()
    lines = [f"{key}: {value}" for key, value in page.headers]
    text = _DIGEST.sub(r"\1-DIGEST.", "\n".join(lines) + "\n\n" + page.body.decode())
    file = FOLDER / f"{name}.txt"
    if os.environ.get("OIDC_GATE_WRITE_SNAPSHOTS") == "1":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{file} differs; OIDC_GATE_WRITE_SNAPSHOTS=1 writes it again"


def test_every_snapshot_has_its_page() -> None:
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(PAGES)


@pytest.mark.parametrize(
    ("seconds", "delay", "sent"),
    [
        (0, "in a few seconds", "1"),
        (1, "in a few seconds", "1"),
        (10, "in a few seconds", "10"),
        (11, "in less than a minute", "11"),
        (59, "in less than a minute", "59"),
        (60, "in a minute", "60"),
        (61, "in 2 minutes", "61"),
        (120, "in 2 minutes", "120"),
        (121, "in 3 minutes", "121"),
        (86_400, "in 1440 minutes", "86400"),
        (86_401, "in 1440 minutes", "86400"),
    ],
)
def test_the_page_says_when_to_try_again(seconds: int, delay: str, sent: str) -> None:
    page = _unavailable(seconds)
    assert f'<p class="quiet">Please try again {delay}.</p>'.encode() in page.body
    assert dict(page.headers)["Retry-After"] == sent


@pytest.mark.parametrize(
    ("seconds", "retry_after", "refresh", "again"),
    [
        (0.0, "1", "2", "0"),
        (0.1, "1", "2", "100"),
        (1.0, "1", "2", "1000"),
        (1.2, "2", "3", "1200"),
        (86_400.0, "86400", "86401", "86400000"),
        (86_401.0, "86400", "86401", "86401000"),
    ],
)
def test_the_page_that_waits_says_how_long(
    seconds: float, retry_after: str, refresh: str, again: str
) -> None:
    page = _waiting(seconds)
    headers = dict(page.headers)
    assert (headers["Retry-After"], headers["Refresh"]) == (retry_after, refresh)
    assert f'data-again="{again}"'.encode() in page.body
    assert b"<h1>Please wait a moment</h1>" in page.body


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "abcd…"),
        ("abc def", 5, "abc…"),
        (" a  b\tc\n", 9, "a b c"),
        ("a" + " " * 14 + "b", 4, "a b"),
        ("a" + " " * 15 + "b", 4, "a"),  # only four times the limit is read
        ("a\x00b\x7fc", 9, "a b c"),
        ("a\u2028b\u2029c\u00a0d", 9, "a b c d"),
        ("a\u202eb\ufeffc", 9, "abc"),
        ("a\u200cb\u200dc", 9, "a\u200cb\u200dc"),
        ("a\ud800b", 9, "a\ufffdb"),
        ("\ufdcf\ufdd0\ufdef\ufdf0", 9, "\ufdcf\ufffd\ufffd\ufdf0"),
        ("\ufffd\ufffe\uffff\U0001fffe\U0010ffff", 9, "\ufffd\ufffd\ufffd\ufffd\ufffd"),
        ("é", 9, "é"),
    ],
)
def test_text_is_one_line_of_limited_length(text: str, limit: int, expected: str) -> None:
    assert clean(text, limit) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/", "/"),
        ("/a?b=c&d='%41'#é", "/a?b=c&d='%41'#%C3%A9"),
        ("https://a.example", "https://a.example"),
        ("HTTP://a.example/\ud800", "HTTP://a.example/%EF%BF%BD"),
        ('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"),
        ("/" + "x" * 65_535, "/" + "x" * 65_535),
    ],
)
def test_a_url_is_kept_and_written_in_ascii(url: str, expected: str) -> None:
    assert href(url) == expected


@pytest.mark.parametrize(
    "url", ["", "a", "//a", "https:///a", "ftp://a", "/ a", "/\x7f", "/\\a", "/\x1f", "/" + "x" * 65_536]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        href(url)


@pytest.mark.parametrize(
    ("label", "initial", "shown"),
    [
        ("ada@example.com", "A", "<bdi>ada@<wbr>example.com</bdi>"),
        ("-é", "É", "<bdi>-é</bdi>"),
        ("ß", "S", "<bdi>ß</bdi>"),
        ("--", "?", "<bdi>--</bdi>"),
        ("", "?", "<bdi></bdi>"),
    ],
)
def test_a_user_is_shown_with_an_initial(label: str, initial: str, shown: str) -> None:
    assert person(label) == (
        f'<p class="person"><span class="initial" aria-hidden="true">{initial}</span><span>{shown}</span></p>\n'
    )


def test_rows_without_a_value_are_left_out() -> None:
    assert reference([("a", ""), ("b", "")]) == ""
    assert reference([("a", "1"), ("b", "")]) == (
        "<footer>\n<dl>\n<div><dt>a</dt><dd><code>1</code></dd></div>\n</dl>\n</footer>\n"
    )


def test_a_page_continues_at_once_or_not_by_itself() -> None:
    with pytest.raises(ValueError, match="refresh_seconds must be None or 0"):
        pages.sign_in_page(static_url=STATIC, start_url=START, refresh_seconds=1)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Your form", "Your form"),
        ("Sign-in", '<span class="whole">Sign-in</span>'),
        (
            "Sign-in, sign-in <&> sign-in: SIGN-IN",
            '<span class="whole">Sign-in</span>, <span class="whole">sign-in</span> &lt;&amp;&gt; '
            '<span class="whole">sign-in</span>: SIGN-IN',
        ),
    ],
)
def test_each_sign_in_of_a_heading_is_kept_whole(heading: str, expected: str) -> None:
    page = build_page(Branding(STATIC), heading, ())
    assert f"<h1>{expected}</h1>\n".encode() in page.body


@pytest.mark.parametrize(
    ("name", "heading", "title"),
    [
        ("", "Sign out?", "Sign out?"),
        ("Wiki", "Sign out?", "Sign out? · Wiki"),
        ("Wiki", "Sign in to Wiki", "Sign in to Wiki"),
        ("<Wiki>", Markup("Sign in to <bdi>&lt;Wiki&gt;</bdi>"), "Sign in to &lt;Wiki&gt;"),
        ("Wiki", Markup("Sign in to <bdi>wiki</bdi>"), "Sign in to wiki · Wiki"),
    ],
)
def test_the_title_names_the_application_once(name: str, heading: str | Markup, title: str) -> None:
    page = build_page(Branding(STATIC, name), heading, ())
    assert f"<title>{title}</title>\n".encode() in page.body


@pytest.mark.parametrize("count", [0, 1, 12, 13])
def test_lists_have_twelve_rows_at_most(count: int) -> None:
    names = [f"r{number}." for number in range(count)]
    items = "".join(f"<li>{name}</li>\n" for name in names[:12])
    assert bullets(names) == (f'<ul class="quiet">\n{items}</ul>\n' if count else "")
    rows = [each for name in names for each in (("empty", ""), (name, "v"))]
    shown = "".join(f"<div><dt>{name}</dt><dd><code>v</code></dd></div>\n" for name in names[:12])
    assert reference(rows) == (f"<footer>\n<dl>\n{shown}</dl>\n</footer>\n" if count else "")


def test_a_form_that_is_sent_again() -> None:
    fields = [("a<", '"1"'), ("b\ud800", "\udfff")]
    assert resend(fields, "Try <now>", Markup(" data-x")) == (
        '<form method="post" data-x>\n'
        '<input type="hidden" name="a&lt;" value="&#34;1&#34;">\n'
        '<input type="hidden" name="b?" value="?">\n'
        '<button class="button">Try &lt;now&gt;</button>\n</form>\n'
    )


@pytest.mark.parametrize(
    ("url", "keywords", "expected"),
    [
        ("/a?b=1&c", {}, '<a class="button" href="/a?b=1&amp;c">L &amp; M</a>\n'),
        (None, {"second": True}, '<a class="button second" href="">L &amp; M</a>\n'),
        (
            "/é",
            {"mark": IN_A_NEW_TAB},
            '<a class="button" href="/%C3%A9" target="_blank" rel="noopener">L &amp; M</a>\n',
        ),
    ],
)
def test_a_link(url: str | None, keywords: dict[str, Any], expected: str) -> None:
    assert link(url, "L & M", **keywords) == expected


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("", "quiet", ""),
        (Markup(""), "quiet", ""),
        (" \n", "quiet", ""),
        ("a <b>", "quiet", '<p class="quiet">a &lt;b&gt;</p>\n'),
        (Markup("a <b>"), "notice", '<p class="notice">a <b></p>\n'),
    ],
)
def test_a_paragraph(text: str | Markup, kind: str, expected: str) -> None:
    assert paragraph(text, kind) == expected

"""The CSS, the script and the icon."""

import hashlib
import re
from xml.etree import ElementTree

import pytest

from oidc_gate.pages import static_file

from .markup import attribute, read
from .samples import PLAIN, STATIC

NAMES = ["gate.css", "gate.js", "icon.svg"]


def text(name: str) -> str:
    found = static_file(name)
    assert found is not None
    return found.body.decode("utf-8")


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("gate.css", "text/css; charset=utf-8"),
        ("gate.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_plain_name_is_checked_again_each_time(name: str, content_type: str) -> None:
    found = static_file(name)
    assert found is not None
    digest = hashlib.sha256(found.body).hexdigest()[:12]
    assert found.headers == (
        ("Content-Type", content_type),
        ("Cache-Control", "public, no-cache"),
        ("ETag", f'"{digest}"'),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )


def test_what_a_page_loads_is_found_and_kept() -> None:
    document = read(PLAIN["sign_in"]())
    addresses = {attribute(document.the("link", rel="stylesheet"), "href")}
    addresses |= {attribute(document.the("link", rel="icon"), "href"), attribute(document.the("img"), "src")}
    addresses |= {attribute(document.the("script"), "src")}
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith(STATIC + "/")
        found = static_file(address.removeprefix(STATIC + "/"))
        assert found is not None
        assert found.cache_control == "public, max-age=31536000, immutable"


def test_another_hash_is_served_but_not_kept() -> None:
    found = static_file("gate-000000000000.css")
    assert found is not None
    assert found.cache_control == "public, no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../layout.py", "assets/gate.css", "gate.css/", "gate.CSS", "gate.svg", "icon.css",
        "icon-000000000000.css", "gate-00000000000.css", "gate-000000000000.css\n", "gate.css\x00", "\ud800",
    ],
)  # fmt: skip
def test_no_other_name(name: str) -> None:
    assert static_file(name) is None


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "url(" not in text("gate.css")
    assert "@import" not in text("gate.css")
    assert "@font-face" not in text("gate.css")
    assert re.findall(r"https?://[^\"]+", text("icon.svg")) == ["http://www.w3.org/2000/svg"]


def test_icon_is_plain_drawing() -> None:
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text("icon.svg")).iter()}
    assert tags <= {"svg", "rect", "path", "circle"}


@pytest.mark.parametrize(
    "query",
    ["prefers-color-scheme: dark", "prefers-reduced-motion", "forced-colors", "prefers-contrast", "print"],
)
def test_css_minds_the_reader(query: str) -> None:
    assert f"@media ({query}" in text("gate.css") or f"@media {query}" in text("gate.css")
    assert "outline: none" not in text("gate.css")


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("text", "card", 7.0),
        ("text", "ground", 7.0),
        ("text", "wash", 7.0),
        ("quiet", "card", 4.5),
        ("quiet", "ground", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-strong", 4.5),
        ("accent", "card", 3.0),
        ("outline", "card", 3.0),
    ],
)
def test_contrast(theme: int, front: str, back: str, least: float) -> None:
    """WCAG 2.2 §1.4.3 (text) and §1.4.11 (outlines)."""
    blocks = re.findall(r":root \{(.*?)\}", text("gate.css"), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[theme]))
    assert contrast(colours[front], colours[back]) >= least

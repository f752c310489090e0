"""What is found in each variant, whole: the causes, the line that each is found at, and the facts of its texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oidc_gate.check.nginx.locations import servers
from oidc_gate.check.nginx.reading import read_dump
from oidc_gate.check.nginx.rules import check_server
from oidc_gate.check.nginx.site import Site
from tests.core.check.nginx.breaks import GOOD, apply
from tests.core.check.nginx.test_site import ALL
from tests.core.check.nginx.variants import APPLICATIONS, BASE, GATE, VERDICTS, Change
from tests.core.check.nginx.variants_of_pages import HEADERS, PAGES
from tests.snapshot_files import compare

pytest.importorskip("crossplane")
FOLDER = Path(__file__).with_name("snapshots")


def found(text: str, *, has_public_url: bool, cookie: str = "") -> list[str]:
    """Return what is found, one line each, with the line of the text instead of its number."""
    directives = read_dump(text)
    lines = text.splitlines()
    result = []
    for server in servers(directives):
        site = Site(server, "/oauth2", has_public_url, not has_public_url, cookie, directives)
        for each in check_server(site):
            at = lines[int(each.where.rpartition(":")[2]) - 1].strip()
            result.append(f"    {each.cause} at `{at}`: {dict(each.facts)}")
    return result


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variants"),
    [
        ("applications", APPLICATIONS),
        ("gate", GATE),
        ("verdicts", VERDICTS),
        ("pages", PAGES),
        ("headers", HEADERS),
    ],
)
def test_variants(name: str, variants: dict[str, Change]) -> None:
    lines = ["a proxy that has no mistake", *found(BASE, has_public_url=False)]
    for title, changes in variants.items():
        text = re.sub(r"#\w+#", "", apply(BASE, changes))
        lines.append(title)
        known = found(text, has_public_url=True)
        more = [each for each in found(text, has_public_url=False) if each not in known]
        lines += [*known, *(f"  without public_url:{each}" for each in more)]
    compare(FOLDER / f"{name}.txt", "\n".join(lines) + "\n")


@pytest.mark.slow
def test_the_recommended_file_with_each_mistake() -> None:
    lines = []
    for name, changes in ALL.items():
        lines += [name, *found(apply(GOOD, changes), has_public_url=False, cookie="__Host-oidc_gate")]
    compare(FOLDER / "mistakes.txt", "\n".join(lines) + "\n")

"""`explain`: every name that a log, a page or the check shows has an explanation, with the command that says more."""

from __future__ import annotations

import re
import shlex

import pytest

from oidc_gate.check import pages
from oidc_gate.check.catalogue import CAUSES
from oidc_gate.check.explanations import UnknownNameError, explain
from oidc_gate.observe.events import AUDIT, EVENTS
from oidc_gate.settings.schema import SCHEMA
from tests.docs.error_codes import error_codes, token_claims

NAMES = sorted({*CAUSES, *error_codes(), *EVENTS, *AUDIT, *SCHEMA})


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_explained(name: str) -> None:
    text = explain(name)
    assert text.endswith("\n")
    if name in CAUSES:
        assert text.startswith(f"{CAUSES[name].severity.upper()} {name}: ")
        assert "    fix: " in text
    else:
        assert text.startswith(f"{name}: ")
    assert "](" not in text.partition("\n\n## ")[0]


def test_the_claims_of_tokens_are_explained() -> None:
    for start in ("id_token_", "logout_token_", "userinfo_"):
        for claim in token_claims():
            text = explain(start + claim)
            assert f"{start}{claim}: Error codes, " in text
            assert "    expected: " in text or start + claim in error_codes()
    assert explain("exp").count("exp: ") == 1, "it is not the claim of each kind of token"


@pytest.mark.parametrize(
    "name", ["nginx_error_page_missing", "flow_missing", "no_cookie", "public_url", "url_scheme"]
)
def test_what_it_says_to_run_can_be_run(name: str) -> None:
    commands = re.findall(r"oidc-gate explain\s+([^\s)]+)", explain(name))
    assert commands or name == "nginx_error_page_missing"
    for asked in commands:
        assert explain(shlex.split(asked)[0])


def test_a_name_in_two_tables_is_explained_twice() -> None:
    text = explain("no_cookie")
    assert "no_cookie: Error codes, No session (401)\n" in text
    assert "no_cookie: Events in the log, Codes\n" in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("no_cookie", "(oidc-gate explain troubleshooting.md#the-cookie-is-dropped)"),
        ("/oauth2/metrics", "(oidc-gate explain metrics.md)"),
        ("public_paths", "(#which-paths-a-rule-matches)"),
    ],
)
def test_a_link_in_a_table_is_shown_with_its_text_and_as_a_command(name: str, shown: str) -> None:
    text = " ".join(explain(name).split())
    before, found, _ = text.partition(shown)
    assert found
    assert re.search(r"\w $", before), "the text of the link stands in front"


def test_a_cause_comes_with_the_section_that_belongs_to_it() -> None:
    text = explain("nginx_error_page_missing")
    assert "\n\n## A bare 401 and no sign-in\n" in text
    assert text.count("\n## ") == 1
    assert "    after:      nginx_gate_not_proxied, nginx_gate_protected\n" in explain(
        "nginx_error_page_protected"
    )


@pytest.mark.parametrize("asked", ["nginx.md", "docs/nginx.md", " nginx.md\n"])
def test_a_page(asked: str) -> None:
    assert explain(asked) == pages.page("nginx.md")


def test_a_section_and_a_file() -> None:
    assert explain("nginx.md#notes").startswith("## Notes\n")
    assert explain("haproxy/oidc_gate.lua").startswith("-- Asks oidc_gate")
    assert explain("decisions/refresh.md").startswith("# ")


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("flow_mising", "did you mean flow_missing"),
        ("nginx.md#nots", "did you mean nginx.md#notes"),
        ("ngnix.md", "did you mean nginx.md"),
        ("zzzzzz", "run oidc-gate explain for a list of the pages"),
        ("", "run oidc-gate explain"),
        ("../README.md", "did you mean decisions/README.md"),
        ("/etc/passwd", "run oidc-gate explain"),
        ("decisions/../../pyproject.toml", ""),
        ("#.md", ""),
    ],
)
def test_an_unknown_name(asked: str, advice: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        explain(asked)
    assert str(caught.value).startswith(f"nothing is called {asked!r}: ")
    assert advice in str(caught.value)

"""What is said about stores, files, other gates and processes, whole: cause, setting and facts."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.check.questionable import (
    CheckContext,
    Questionable,
    check_other_gate,
    check_store,
    find_questionable,
)
from oidc_gate.check.settings import check_settings, read_settings
from oidc_gate.errors import ProviderUnavailable
from oidc_gate.testing import settings_for_tests
from tests.core.check.test_questionable import GOOD, GivenStore
from tests.core.check.test_settings import ENVIRON

SECRET, OTHER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
SINGLE = "insecure_single_process_revocation"


def whole(found: Questionable) -> tuple[str, str, dict[str, str]]:
    return found.cause, found.setting, dict(found.facts)


@pytest.mark.parametrize("setting", ["session_store", "revocation_store"])
@pytest.mark.parametrize(
    ("store", "cause", "received"),
    [
        (GivenStore("it evicts keys"), "store_misconfigured", ["it evicts keys"]),
        (GivenStore("one", "two"), "store_misconfigured", ["one", "two"]),
        (GivenStore(error=ProviderUnavailable("a_code", "", detail="why")), "store_unreachable", ["why"]),
        (GivenStore(error=ProviderUnavailable("a_code", "")), "store_unreachable", ["a_code"]),
    ],
    ids=["one", "two", "detail", "code"],
)
def test_what_is_wrong_with_a_store(
    setting: str,
    store: GivenStore,
    cause: str,
    received: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("oidc_gate.check.questionable.store_of", lambda settings: store)
    known: dict[str, Any] = GOOD | {setting: f"sqlite:///{tmp_path}/sessions.db"}
    found = [whole(each) for each in check_store(settings_for_tests(**known))]
    assert found == [(cause, setting, {"received": text}) for text in received]


@pytest.mark.parametrize(
    ("mode", "content", "is_found"),
    [
        (0o604, SECRET, True),
        (0o602, SECRET, True),
        (0o601, SECRET, False),
        (0o660, SECRET, False),
        (0o604, OTHER, True),
        (0o604, "c" * 43, False),
    ],
    ids=range(6),
)
def test_which_files_others_must_not_read(mode: int, content: str, is_found: bool, tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(f'secret = "{content}"')
    file.chmod(mode)
    settings = settings_for_tests(**GOOD, client_secret=SECRET, cookie_secret=OTHER)
    found = [whole(each) for each in find_questionable(settings, CheckContext(config=str(file)))]
    assert found == ([("config_readable", "config", {"path": str(file)})] if is_found else [])


def test_a_settings_file_that_is_gone_is_not_reported(tmp_path: Path) -> None:
    assert find_questionable(settings_for_tests(**GOOD), CheckContext(config=str(tmp_path / "none"))) == []


PARENT = {"cookie_domain": "example.com", "allowed_redirect_hosts": ["*.example.com"]}


@pytest.mark.parametrize(
    ("own", "other", "is_found"),
    [
        ({}, {"cookie_secret": OTHER}, True),
        ({}, {"issuer": "https://other.example.com"}, True),
        ({}, {}, False),
        ({}, {"cookie_secret": [OTHER, SECRET]}, False),
        ({}, {"cookie_secret": OTHER, "cookie_name": "second"}, False),
        ({}, {"cookie_secret": OTHER, "public_url": "https://b.example.com"}, False),
        (PARENT, PARENT | {"cookie_secret": OTHER, "public_url": "https://b.example.com"}, True),
        (PARENT, {"cookie_secret": OTHER, "public_url": "https://b.example.com"}, False),
        (PARENT, {"cookie_secret": OTHER}, False),
    ],
    ids=range(9),
)
def test_two_gates_that_share_a_cookie(own: dict[str, Any], other: dict[str, Any], is_found: bool) -> None:
    known = GOOD | {"cookie_secret": SECRET}
    first, second = settings_for_tests(**(known | own)), settings_for_tests(**(known | other))
    expected = {"name": "oidc_gate", "path": "b.toml", "host": "app.example.com"}
    found = [whole(each) for each in check_other_gate(first, second, "b.toml")]
    assert found == ([("cookie_name_shared", "cookie_name", expected)] if is_found else [])


def test_another_gate_is_reported_with_its_file() -> None:
    known = GOOD | {"cookie_secret": SECRET}
    first, second = settings_for_tests(**known), settings_for_tests(**(known | {"cookie_secret": OTHER}))
    (found,) = check_settings(first, CheckContext(), {}, {"same.toml": first, "b.toml": second})
    assert (found.cause.name, found.part, found.where, found.facts["path"]) == (
        "cookie_name_shared",
        "settings",
        "cookie_name (OIDC_GATE_COOKIE_NAME)",
        "b.toml",
    )


@pytest.mark.parametrize(
    ("keywords", "workers", "expected"),
    [
        ({}, 1, []),
        ({}, 2, [("several_processes", "revocation_store", {"workers": "2"})]),
        (
            {SINGLE: True},
            2,
            [
                ("several_processes", "revocation_store", {"workers": "2"}),
                ("single_process_revocation", SINGLE, {"workers": "2"}),
            ],
        ),
        ({SINGLE: True}, 1, [("single_process_revocation", SINGLE, {"workers": "1"})]),
        ({"store": True}, 2, []),
        ({"store": True, "session_lifetime_seconds": 2_592_000}, 1, []),
        ({"store": True, SINGLE: True}, 2, [("single_process_needless", SINGLE, {"workers": "2"})]),
    ],
    ids=range(7),
)
def test_processes_and_stores(
    keywords: dict[str, Any], workers: int, expected: list[tuple[str, str, dict[str, str]]], tmp_path: Path
) -> None:
    given = {name: value for name, value in keywords.items() if name != "store"}
    if "store" in keywords:
        given["session_store"] = f"sqlite:///{tmp_path}/sessions.db"
    settings = settings_for_tests(**(GOOD | given))
    assert [whole(each) for each in find_questionable(settings, CheckContext(workers=workers))] == expected


@pytest.mark.parametrize(
    ("config", "environ", "where"),
    [
        ("", {}, "cookie_samesite (OIDC_GATE_COOKIE_SAMESITE)"),
        ("gate.toml", {}, "cookie_samesite (gate.toml)"),
        ("gate.toml", {"OIDC_GATE_COOKIE_SAMESITE": "Strict"}, "cookie_samesite (OIDC_GATE_COOKIE_SAMESITE)"),
        ("", {"OIDC_GATE_COOKIE_SAMESITE_FILE": "/x"}, "cookie_samesite (OIDC_GATE_COOKIE_SAMESITE_FILE)"),
    ],
    ids=["default", "file", "variable", "variable of a file"],
)
def test_where_a_value_comes_from(config: str, environ: dict[str, str], where: str) -> None:
    settings = settings_for_tests(**GOOD, cookie_samesite="Strict")
    (found,) = check_settings(settings, CheckContext(config=config), environ)
    assert (found.cause.name, found.where) == ("samesite_strict", where)


def test_a_file_is_where_its_own_finding_is(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(f'client_secret = "{SECRET}"')
    file.chmod(0o644)
    settings = settings_for_tests(**GOOD, client_secret=SECRET)
    (found,) = check_settings(settings, CheckContext(config=str(file)), {})
    assert (found.cause.name, found.where) == ("config_readable", str(file))


def test_a_problem_of_the_settings_is_a_whole_finding() -> None:
    (found,) = read_settings(None, ENVIRON | {"OIDC_GATE_COOKIE_SAMESITE": "Loose"}).findings
    assert (found.cause.name, found.part, found.where) == (
        "settings_invalid",
        "settings",
        "cookie_samesite (OIDC_GATE_COOKIE_SAMESITE)",
    )
    assert found.facts["what"].startswith("cookie_samesite: ")
    assert found.facts["what"].endswith("]")
    assert found.facts["fix"]

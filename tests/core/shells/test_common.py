"""What both shells share: which responses may renew a session, and how settings are loaded."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings.problems import describe_problem
from oidc_gate.shells import common
from oidc_gate.store.memory import MemoryStore
from tests.core.request.making import settings

BROKEN = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("values", "is_own"),
    [
        ((), False),
        (("Bearer",), False),
        (('Basic realm="x"',), True),
        ((" DIGEST realm",), True),
        (("Negotiate",), True),
        (("ntlm",), True),
        (("Bearer", "Basic"), True),
        (("Bearer, Basic",), False),
        (("",), False),
    ],
)
def test_a_challenge_that_only_the_application_can_answer(values: tuple[str, ...], *, is_own: bool) -> None:
    assert common.is_own_challenge(values) is is_own


@pytest.mark.parametrize(
    ("values", "may"),
    [
        ((), True),
        (("",), True),
        (("no-cache",), True),
        (("must-revalidate",), True),
        (("private",), True),
        (("Private, max-age=60",), True),
        (('private="x-y", max-age=60',), True),
        (("no-store, public",), True),
        (("public", "no-store"), True),
        (("public",), False),
        (("PUBLIC , max-age=0",), False),
        (("s-maxage=0",), False),
        (("s-maxage=60, max-age=0",), False),
        (("immutable",), False),
        (("max-age=60",), False),
        (("max-age=0",), True),
        (("max-age=00",), False),
        (("max-age",), False),
        (("no-cache, max-age=60",), False),
    ],
)
def test_a_response_that_a_shared_cache_may_store_carries_no_cookie(
    values: tuple[str, ...], *, may: bool
) -> None:
    assert common.may_carry_cookie(values) is may


def test_an_id_names_the_process_and_counts() -> None:
    pattern = re.compile(rf"([0-9a-f]{{8}})-{os.getpid():x}-([0-9a-f]+)")
    first, second = (pattern.fullmatch(common.new_request_id()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first[1], int(first[2], 16) < int(second[2], 16)) == (second[1], True)


def test_settings_are_given_in_one_way() -> None:
    given = settings()
    assert common.load_settings(given, {}) is given
    with pytest.raises(TypeError, match="give settings, or client_id, prefix by keyword, not both"):
        common.load_settings(given, {"prefix": "/x", "client_id": "y"})


def test_a_problem_of_the_settings_is_logged_once_at_critical(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigurationError) as caught:
        common.load_settings(None, {"prefix": "x"})
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.CRITICAL, str(caught.value))
    ]
    assert caught.value.is_logged is True


def test_a_problem_that_nobody_saw_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL + 1, "oidc_gate"), pytest.raises(ConfigurationError) as caught:
        common.load_settings(None, {"prefix": "x"})
    assert (caplog.records, caught.value.is_logged) == ([], False)


def test_both_keys_are_read_and_their_problems_reported_together() -> None:
    keys: dict[str, Any] = {
        "client_auth": "private_key_jwt",
        "client_secret": None,
        "client_private_key": BROKEN,
        "id_token_decryption_key": BROKEN,
    }
    with pytest.raises(ConfigurationError) as caught:
        common.load_settings(settings(**keys), {})
    assert [(problem.setting, problem.code, problem.source) for problem in caught.value.problems] == [
        ("client_private_key", "key_unusable", "settings"),
        ("id_token_decryption_key", "key_unusable", "settings"),
    ]


@pytest.mark.parametrize(("alg", "is_usable"), [(None, True), ("ES256", True), ("RS256", False)])
def test_a_key_has_to_be_of_the_kind_of_its_algorithm(alg: str | None, is_usable: bool) -> None:
    given = settings(
        client_auth="private_key_jwt",
        client_secret=None,
        client_private_key=ECKey.generate_key("P-256").as_pem(private=True).decode(),
        client_private_key_alg=alg,
    )
    if is_usable:
        assert common.load_settings(given, {}) is given
        return
    with pytest.raises(ConfigurationError) as caught:
        common.load_settings(given, {})
    assert [(problem.setting, problem.code) for problem in caught.value.problems] == [
        ("client_private_key", "key_unusable")
    ]


def test_a_directory_for_metrics_that_others_can_write_is_a_problem_of_the_settings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o777)
    given = settings(metrics_directory=str(tmp_path), metrics_token="J8pRaT5iVnKcbq2oC4vYkq0t")
    with pytest.raises(ConfigurationError) as caught:
        common.make_world(given)
    reason = "other users can write into it"
    assert caught.value.problems == (
        describe_problem(
            "metrics_directory",
            "metrics_directory_unsafe",
            "settings",
            value=str(tmp_path),
            reason=reason,
        ),
    )
    assert reason in caught.value.problems[0].what
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


def test_a_runtime_begins_with_nothing_done() -> None:
    runtime: common.Runtime[str] = common.Runtime.of(settings(), lambda components, loaded: ("", 0))
    assert (runtime.warmed_up_pid, runtime.answered()) == (0, 0)  # no process has the ID 0


def test_where_sessions_are() -> None:
    store = MemoryStore()
    assert common._where_sessions_are(settings(), None).startswith("sessions are in cookies, and a sign-out ")
    assert common._where_sessions_are(settings(), store) == (
        f"sessions are in cookies, and their ends in {store.describe()}"
    )
    stored = settings(session_store="redis://store.example/0")
    assert common._where_sessions_are(stored, store) == f"sessions are in {store.describe()}"


def test_a_body_that_takes_too_long() -> None:
    error = common.body_timeout()
    assert (error.code, error.public_message, error.status) == (
        "body_timeout",
        "The request did not arrive in time.",
        408,
    )

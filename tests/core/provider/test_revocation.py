"""The revocation of tokens: what is sent, what counts as success, and how many wait at a time."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oidc_gate.effects import Background, Effect, Fetched
from oidc_gate.errors import GateError, ProviderError, ProviderUnavailable
from oidc_gate.model import Identity, Session
from oidc_gate.observe import current
from oidc_gate.provider.client import Provider
from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.revocation import (
    MAX_WAITING,
    Token,
    TokenRevocations,
    build_revocation_request,
    process_revocation,
    tokens_of,
)

from . import scripted as op
from .scripted import ISSUER, METADATA, Scripted, answer, world

DOCUMENT = dict(METADATA) | {"revocation_endpoint": ISSUER + "/revoke"}
TOKEN = Token("at-1", "access_token")


def session(access_token: str = "", refresh_token: str = "") -> Session:
    return Session(Identity(ISSUER, "sub-1"), 1, 1, access_token=access_token, refresh_token=refresh_token)


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        (session(), ()),
        (session("at"), (Token("at", "access_token"),)),
        (session("", "rt"), (Token("rt", "refresh_token"),)),
        (session("at", "rt"), (Token("rt", "refresh_token"), Token("at", "access_token"))),
    ],
)
def test_the_tokens_of_a_session(given: Session, tokens: tuple[Token, ...]) -> None:
    assert tokens_of(given) == tokens
    assert repr(TOKEN) == "Token(access_token)"


def test_a_client_with_a_certificate_asks_at_the_alias() -> None:
    alias = "https://mtls.op.example/revoke"
    document = DOCUMENT | {"mtls_endpoint_aliases": {"revocation_endpoint": alias}}
    settings = op.settings(client_secret=None, client_certificate=__file__)
    step = build_revocation_request(process_discovery(answer(document), ISSUER), settings, TOKEN)
    assert Scripted().drive(step).url == alias


@pytest.mark.parametrize("status", [200, 204])
def test_what_counts_as_revoked(status: int) -> None:
    process_revocation(answer(b"", status), TOKEN)


@pytest.mark.parametrize(
    ("given", "kind", "detail"),
    [
        (answer({}, 201), ProviderError, "status 201, error ''"),
        (answer({}, 205), ProviderError, "status 205, error ''"),
        (
            answer({"error": "no at-1 " + "x" * 99}, 400, content_type="text/plain"),
            ProviderError,
            f"status 400, error 'no (hidden) {'x' * 48}'",
        ),
        (answer(b"", 503), ProviderUnavailable, "status 503"),
        (answer(b"", 302), ProviderError, "status 302; redirects are not followed"),
        (answer(b"<html>", 404), ProviderError, "status 404, 6 bytes that are not JSON (JSONDecodeError)"),
    ],
)
def test_what_does_not(given: Fetched, kind: type[GateError], detail: str) -> None:
    with pytest.raises(kind) as caught:
        process_revocation(given, TOKEN)
    assert caught.value.detail == f"revocation endpoint: {detail}"


class Threads(Scripted):
    """Keeps the steps that are to run in the background."""

    def __init__(self, scripted: Scripted) -> None:
        super().__init__(scripted.answers, scripted.now, scripted.fetches)
        self.started: list[Background] = []

    def perform(self, effect: Effect) -> Any:
        if isinstance(effect, Background):
            self.started.append(effect)
            return None
        return super().perform(effect)

    def run(self) -> None:
        while self.started:
            self.drive(self.started.pop(0).start())


def posted(threads: Threads) -> list[str]:
    return [(fetch.body or b"").decode() for fetch in threads.fetches if fetch.url.endswith("/revoke")]


def revoking(given: Any = None) -> tuple[Threads, TokenRevocations]:
    threads = Threads(world(DOCUMENT, revoke=given or answer(b"")))
    return threads, TokenRevocations(Provider(op.settings()))


def test_two_threads_revoke_what_waits() -> None:
    threads, revocations = revoking()
    threads.drive(revocations.begin(session()))
    assert threads.started == []
    for number in range(3):
        threads.drive(revocations.begin(session(f"at-{number}", f"rt-{number}")))
    assert len(threads.started) == 2
    threads.run()
    expected = [
        f"token={kind}-{number}&token_type_hint={hint}"
        for number in range(3)
        for kind, hint in (("rt", "refresh_token"), ("at", "access_token"))
    ]
    assert posted(threads) == expected
    for _ in range(3):
        threads.drive(revocations.begin(session("at-9")))
    assert len(threads.started) == 2, "both threads have ended, and two may start again"


def test_only_so_many_tokens_wait(caplog: pytest.LogCaptureFixture) -> None:
    threads, revocations = revoking()
    for number in range(MAX_WAITING - 1):
        threads.drive(revocations.begin(session(f"at-{number}")))
    threads.drive(revocations.begin(session("at-x", "rt-x")))
    line = "revocation_failed: 1000 tokens wait already; they expire by themselves"
    assert (MAX_WAITING, caplog.messages) == (1000, [line])
    threads.drive(revocations.begin(session("at-last")))
    assert caplog.messages == [line]
    threads.drive(revocations.begin(session("at-y")))
    assert caplog.messages == [line] * 2
    threads.run()
    assert len(posted(threads)) == 1000
    assert posted(threads)[-1].startswith("token=at-last&")


def test_the_lines_of_a_revocation_have_the_id_of_the_request_that_ended_the_session() -> None:
    seen: list[str] = []

    def note(_: object) -> Fetched:
        seen.append(current.request_id())
        return answer(b"")

    threads, revocations = revoking(note)
    for request_id in ("r-1", "r-2"):
        with current.deciding():
            current.set_request_id(request_id)
            threads.drive(revocations.begin(session("at", "rt")))
    threads.run()
    assert seen == ["r-1", "r-1", "r-2", "r-2"]
    assert current.request_id() == ""


def test_a_failure_is_logged_and_the_others_are_revoked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "oidc_gate.provider")
    threads, revocations = revoking([answer({"error": "x"}, 400), ZeroDivisionError("bug"), answer(b"")])
    threads.drive(Provider(op.settings()).metadata())
    caplog.clear()
    threads.drive(revocations.begin(session("at-1", "rt-1")))
    threads.drive(revocations.begin(session("at-2")))
    threads.run()
    found = [
        (record.levelname, record.getMessage()) for record in caplog.records if "discovery" not in record.msg
    ]
    assert {record.name for record in caplog.records} == {"oidc_gate.provider"}
    assert found == [
        (
            "WARNING",
            "revocation_failed: the refresh_token was not revoked: provider_answer: revocation endpoint: status 400, "
            "error 'x'",
        ),
        ("ERROR", "revocation_failed: an error in oidc_gate"),
        ("DEBUG", "tokens_revoked: the access_token of a session was revoked"),
    ]


def test_an_endpoint_that_does_not_answer_is_remembered() -> None:
    threads, revocations = revoking(ProviderUnavailable("provider_timeout", "Away."))
    provider = revocations._provider
    threads.drive(revocations.begin(session("at-1")))
    threads.run()
    with pytest.raises(ProviderUnavailable):
        provider._outages.check("revocation", threads.now)

"""What follows from each answer of the provider about the user of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from oidc_gate.effects import Effect, Step
from oidc_gate.errors import (
    CallbackError,
    GateError,
    IDTokenError,
    ProviderError,
    ProviderUnavailable,
    SessionError,
)
from oidc_gate.model import Identity, Session
from oidc_gate.observe import audit
from oidc_gate.provider.refresh import NewTokens
from oidc_gate.provider.token import TokenResponse
from oidc_gate.provider.userinfo import AccessTokenRefused
from oidc_gate.refresh.flights import Outcome
from oidc_gate.refresh.refresher import Refresher
from oidc_gate.session.sessions import LoadedSession
from tests.core.refresh.making import Driver, loaded
from tests.core.request.making import settings
from tests.core.session.test_record import NOW, SESSION, WHO

CLAIMS = {"sub": WHO.subject, "email": "new@example.com", "email_verified": True, "groups": ["new"]}
NEW = NewTokens(TokenResponse("", "new access", "Bearer", None, "new refresh"), NOW + 900)
OTHER_USER = IDTokenError("sub", expected="ada", got="bob")
BAD_TOKEN = IDTokenError("exp", expected="later", got="earlier")
REFUSED = AccessTokenRefused("userinfo_refused", "", detail="the user is disabled")
GRANT_GONE = CallbackError("token_refused", "", detail="invalid_grant")
NO_JSON = ProviderError("userinfo_malformed", "", detail="no JSON")
DOWN = ProviderUnavailable("provider_unreachable", "", detail="no route")
WITH_TOKEN = {"refresh_token": "old refresh"}
ASKED_AT = NOW + 100


class Home(Driver):
    """A refresher, with the answers of the provider and of the rules, that notes what it writes and ends."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, Any], rule: str = "", **changes: Any
    ) -> None:
        super().__init__(ASKED_AT)
        given = settings(
            session_store="redis://localhost",
            public_url="https://a.example",
            refresh=True,
            recheck_seconds=100,
            allowed_groups=("new",),
            **changes,
        )
        self.refresher = Refresher(given, None, "op", None, self, None)  # type: ignore[arg-type]
        self.rule, self.asked, self.done, self.audited = rule, list[Any](), list[Any](), list[Any]()
        for name in ("exchange_refresh_token", "identify", "ask_userinfo"):
            answering = self.answering(name, answers.get(name))
            monkeypatch.setattr(f"oidc_gate.refresh.refresher.{name}", answering)
        monkeypatch.setattr(self.refresher, "_put", self.put)
        monkeypatch.setattr(self.refresher, "_end", self.end)
        monkeypatch.setattr(audit, "refreshed", lambda *given: self.audited.append(given))

    def _perform(self, effect: Effect) -> Any:
        found = super()._perform(effect)
        self.now += 1  # the time of the question counts, not the time of the answer
        return found

    def answering(self, name: str, answer: Any) -> Any:
        def ask(provider: None, *values: Any) -> Step[Any]:
            yield from ()
            self.asked.append((name, *values))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    def refuses(self, identity: Identity) -> str | None:
        return self.rule or None

    def put(self, current: LoadedSession, fresh: Session) -> Step[Outcome]:
        yield from ()
        self.done.append(("put", fresh))
        return Outcome(loaded("fresh"))

    def end(self, current: LoadedSession, why: SessionError, detail: str) -> Step[Outcome]:
        yield from ()
        self.done.append(("end", why.code, detail))
        return Outcome(error=why)

    def ask(self, **session: Any) -> Outcome:
        return self.drive(self.refresher._ask_provider(loaded(**session)))


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (GRANT_GONE, ("refresh_refused", "invalid_grant")),
        (REFUSED, ("refresh_refused", "the user is disabled")),
        (OTHER_USER, ("refresh_other_user", OTHER_USER.detail)),
        (BAD_TOKEN, None),
        (NO_JSON, None),
        (DOWN, None),
    ],
    ids=["grant", "access token", "other user", "token", "no JSON", "down"],
)
@pytest.mark.parametrize("where", ["exchange_refresh_token", "identify", "ask_userinfo"])
def test_which_errors_end_the_session_and_which_are_failures(
    monkeypatch: pytest.MonkeyPatch, where: str, error: GateError, ends: tuple[str, str] | None
) -> None:
    home = Home(monkeypatch, {"exchange_refresh_token": NEW, where: error})
    outcome = home.ask(**{} if where == "ask_userinfo" else WITH_TOKEN)
    if ends:
        assert outcome.error is not None
        assert (outcome.error.code, home.done[-1]) == (ends[0], ("end", *ends))
    else:
        assert outcome == Outcome(failure=str(error))
    # The provider may not accept the old refresh token any more.
    is_kept = where == "identify" and error not in (REFUSED, OTHER_USER, GRANT_GONE)
    kept = loaded(refresh_token="new refresh").session
    assert home.done[: None if ends is None else -1] == ([("put", kept)] if is_kept else [])
    assert home.audited == []


def test_a_session_without_a_token_to_ask_with_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(monkeypatch, {})
    home.ask(access_token="")
    assert home.done == [("end", "refresh_impossible", "there is no token to ask the provider with")]
    assert home.asked == []


IDENTITY = Identity(
    issuer=WHO.issuer,
    subject=WHO.subject,
    email="new@example.com",
    email_verified=True,
    groups=("new",),
    provider="op",
    session_id="sid",
    authenticated_at=WHO.authenticated_at,
    expires_at=WHO.expires_at,
    acr=WHO.acr,
    amr=WHO.amr,
)
TOKENS = {
    "access_token": "new access",
    "access_token_expires_at": NOW + 900,
    "refresh_token": "new refresh",
}


@pytest.mark.parametrize(
    ("given", "answers", "asked", "changes"),
    [
        (
            {},
            {"ask_userinfo": CLAIMS},
            [("ask_userinfo", "the access token", WHO.subject)],
            {"identity": IDENTITY},
        ),
        (
            WITH_TOKEN,
            {"exchange_refresh_token": NEW, "identify": (CLAIMS, NOW + 900)},
            [("exchange_refresh_token", "old refresh"), ("identify", NEW, WHO.subject)],
            TOKENS | {"identity": IDENTITY},
        ),
        (
            WITH_TOKEN,
            {"exchange_refresh_token": NEW, "identify": (None, NOW + 900)},
            [("exchange_refresh_token", "old refresh"), ("identify", NEW, WHO.subject)],
            TOKENS,
        ),
    ],
    ids=["userinfo", "claims", "no claims"],
)
@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("rule", ["", "allowed_groups"])
def test_what_is_written_of_an_answer_unless_the_rules_refuse_the_user(
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    keeps: bool,
    given: Any,
    answers: Any,
    asked: Any,
    changes: Any,
) -> None:
    home = Home(monkeypatch, answers, rule, keep_id_token=keeps)
    outcome = home.ask(**given)
    assert home.asked == asked
    fresh = SESSION._replace(**(given | changes), checked_at=ASKED_AT)
    if given and not keeps:
        fresh = fresh._replace(id_token="")
    if rule:
        assert home.done == [("end", "refresh_user_refused", "allowed_groups")]
        assert home.audited == []
        return
    ((_, written),) = home.done
    claims = written.identity.claims
    assert written == fresh._replace(identity=replace(fresh.identity, claims=claims))
    assert outcome == Outcome(loaded("fresh"))
    assert home.audited == [("refreshed", written.identity)]

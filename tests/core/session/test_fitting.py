"""A session that does not fit is shortened in a fixed order, and no further than it must be."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from oidc_gate.errors import GateError
from oidc_gate.model import Session
from oidc_gate.session.fitting import fit
from oidc_gate.settings import Settings
from tests.core.request.making import settings
from tests.core.session.test_record import SESSION, WHO

CLAIMS = MappingProxyType(
    {"much": MappingProxyType({"name": "ada"}), "much.name": "a", "mu": 1, "other": "x"}
)
WHOLE = SESSION._replace(identity=replace(WHO, groups=("staff", "it-ops", "guests"), claims=CLAIMS))
FEW_GROUPS = replace(WHOLE.identity, groups=("staff", "it-ops"), groups_complete=False)
NEEDED = MappingProxyType({"much": MappingProxyType({"name": "ada"}), "much.name": "a"})


def given(**changes: object) -> Settings:
    values: dict[str, object] = {
        "public_url": "https://app.example.com",
        "allowed_groups": ("staff",),
        "groups_kept": ("it-*",),
        "user_claim": "much.name",
    }
    return settings(**(values | changes))


def forms(session: Session, told: Settings) -> list[Session]:
    """Return the forms that are tried if none fits."""
    tried: list[Session] = []

    def encode(shorter: Session) -> None:
        tried.append(shorter)
        raise GateError("session_too_large", "", detail=f"form {len(tried)}")

    with pytest.raises(GateError) as caught:
        fit(session, told, encode)
    assert (caught.value.code, caught.value.detail) == ("session_too_large", f"form {len(tried)}")
    return tried


def test_the_id_token_goes_first_then_the_groups_then_the_claims_then_both() -> None:
    shorter = WHOLE._replace(id_token="")
    assert forms(WHOLE, given()) == [
        WHOLE,
        shorter,
        shorter._replace(identity=FEW_GROUPS),
        shorter._replace(identity=replace(WHOLE.identity, claims=NEEDED)),
        shorter._replace(identity=replace(FEW_GROUPS, claims=NEEDED)),
    ]


def test_a_session_without_an_id_token_is_not_tried_twice_at_first() -> None:
    shorter = WHOLE._replace(id_token="")
    assert forms(shorter, given())[:2] == [shorter, shorter._replace(identity=FEW_GROUPS)]


def test_a_user_whose_groups_are_all_named_keeps_them_and_they_stay_complete() -> None:
    session = WHOLE._replace(id_token="", identity=replace(WHOLE.identity, groups=("staff",)))
    groups_only = forms(session, given())[1]
    assert groups_only.identity is session.identity
    assert groups_only.identity.groups_complete


def test_claims_that_are_all_needed_stay_as_they_are() -> None:
    session = WHOLE._replace(id_token="", identity=replace(WHOLE.identity, claims=NEEDED))
    assert forms(session, given())[2].identity is session.identity
    assert forms(session, given(user_claim="email"))[2].identity.claims == {}


@pytest.mark.parametrize("number", range(5))
def test_the_first_form_that_fits_is_taken(number: int) -> None:
    tried = forms(WHOLE, given())
    left = iter(range(5))

    def encode(shorter: Session) -> str:
        if next(left) < number:
            raise GateError("session_too_large", "")
        return f"record of {tried.index(shorter)}"

    assert fit(WHOLE, given(), encode) == (tried[number], f"record of {number}")

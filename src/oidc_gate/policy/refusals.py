"""Explains to the operator why a rule refuses a user, and records which refusals the log has explained already."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from ..model import Identity, Request
from ..settings import Settings
from .access import RuleSet
from .claims import describe_shape, lookup

MAX_REMEMBERED = 4096
MAX_LISTED = 10
MAX_WORD_LENGTH = 80
_FIELDS = ("email", "name", "preferred_username", "acr", "amr")


def explain_refusal(rule: str, identity: Identity, rules: RuleSet, settings: Settings) -> str:
    """Describe what the user has, what `rules` require, and whether the claim is absent or has another type.

    Args:
        rule: The result of `RuleSet.refuses`.

    Returns:
        One line of ASCII. It contains the user's e-mail address or groups, and names of claims, but no other values.
    """
    if rule == "allowed_groups":
        return _explain_groups(identity, rules, settings)
    if rule == "email_verified":
        return _explain_unverified(identity, settings)
    return _explain_email(identity, rules, settings)


def list_words(words: Iterable[str], limit: int = MAX_LISTED) -> str:
    """Return `words` as one line of ASCII, limited in number and length."""
    every = list(words)
    shown = ", ".join(ascii(word[:MAX_WORD_LENGTH])[1:-1] for word in every[:limit])
    return f"{shown} and {len(every) - limit} more" if len(every) > limit else shown


def _explain_groups(identity: Identity, rules: RuleSet, settings: Settings) -> str:
    expected = f"looked for: {list_words(sorted(rules.groups))}"
    if not identity.groups_complete:
        expected += (
            "; the session does not contain all groups of the user, see the lines at the sign-in. Fix: if they did not "
            "fit, name in groups_kept those that are looked for"
        )
    if not identity.groups:
        scopes = f"Fix: does a scope bring the groups (scopes: {list_words(settings.scopes)})"
        return (
            f"groups: none; {_state_of(settings.groups_claim, identity)}; {expected}. {scopes}, "
            "and is groups_claim the right name?"
        )
    close = {_simplified(name) for name in rules.groups}
    almost = [group for group in identity.groups if _simplified(group) in close]
    hint = f"; {list_words(almost)} differs only in case or slashes" if almost else ""
    return f"groups: {list_words(identity.groups)}; {expected}{hint}"


def _simplified(group: str) -> str:
    return group.strip("/ ").casefold()


def _explain_email(identity: Identity, rules: RuleSet, settings: Settings) -> str:
    expected = [
        *(f"{email.local}@{email.domain}" for email in sorted(rules.emails)),
        *sorted(rules.domains),
        *(f"*.{name}" for name in sorted(rules.below)),
    ]
    looked_for = f"looked for: {list_words(expected)}"
    if identity.email:
        return f"email: {list_words([identity.email])}; {looked_for}"
    return (
        f"email: none; {_state_of(settings.email_claim, identity)}; {looked_for}. "
        f"Fix: is email among scopes ({list_words(settings.scopes)}), and is email_claim the right name?"
    )


def _explain_unverified(identity: Identity, settings: Settings) -> str:
    email = f"email: {list_words([identity.email])}"
    if settings.email_claim != "email" and identity.claims.get("email_verified") in (True, "true"):
        return f'{email}, from the claim "{settings.email_claim}"; "email_verified" is about the claim "email" only'
    state = _state_of("email_verified", identity)
    return f"{email}; {state}; looked for: true. Fix: have the provider verify the address"


def _state_of(path: str, identity: Identity) -> str:
    """Return whether the claim at `path` is absent, or what kind of value it has instead of the expected one."""
    name = list_words([path])
    names = identity.claims.get("_claim_names")
    if isinstance(names, Mapping) and path in names:
        return f'claim "{name}" was not sent, only a reference to it in "_claim_names"'
    value: Any = lookup(identity.claims, path)
    if value is None and path not in identity.claims:
        return f'claim "{name}" absent; claims received: {list_words(_received(identity), 20)}'
    return f'claim "{name}" is {describe_shape(value)}'


def _received(identity: Identity) -> list[str]:
    """Return the names of the claims that the session has."""
    fields = [name for name in _FIELDS if getattr(identity, name)]
    names = ["sub", *fields, *(name for name in sorted(identity.claims) if name not in fields)]
    return names if identity.claims else [*names, "(others, if there were any, are not in the session)"]


class ExplainedRefusals:
    """The refusals that the log of this process explains, with the IDs of the requests. It is safe under threads.

    At most `MAX_REMEMBERED` are kept. The one that was used least recently is removed first, and is explained again
    when it next occurs.
    """

    def __init__(self) -> None:
        self._first: OrderedDict[tuple[str, str, int | None], tuple[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def request_id(self, session_id: str, rule: str, requirement: int | None, request: Request) -> str:
        """Return the ID of the request whose log line explains a refusal: an earlier request, or `request`.

        Args:
            requirement: The requirement that refuses; see `oidc_gate.policy.requirements`.
        """
        return self._explained_by(session_id, rule, requirement, request)[1]

    def is_first(self, session_id: str, rule: str, requirement: int | None, request: Request) -> bool:
        """Return whether the log line of `request` is the one that explains a refusal.

        The gate's own number of the request decides: a client may send all its requests with the same ID.
        """
        return self._explained_by(session_id, rule, requirement, request)[0] == request.number

    def _explained_by(
        self, session_id: str, rule: str, requirement: int | None, request: Request
    ) -> tuple[str, str]:
        key = (session_id, rule, requirement)
        with self._lock:
            first = self._first.setdefault(key, (request.number, request.request_id))
            self._first.move_to_end(key)
            if len(self._first) > MAX_REMEMBERED:
                self._first.popitem(last=False)
        return first

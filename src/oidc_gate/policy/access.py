"""The rules for who may enter, which are checked on every request of a signed-in user."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from ..model import Identity
from ..settings import Settings
from ..syntax.forms import MAX_FORM_LENGTH
from ..syntax.hosts import normal_domain

_MAX_EMAIL_LENGTH = 320  # 64 + @ + 255, RFC 5321 §4.5.3.1
# Whitespace, control characters, and characters that compatibility normalization turns into `@`.
_NOT_LOCAL = re.compile(r"[\s\x00-\x20\x7f-\x9f\uff20\ufe6b\ud800-\udfff]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RULE_LIKE = re.compile(r"al+o+w", re.IGNORECASE)  # `a+` would take quadratic time
_PARAMETERS = frozenset({"allowed_emails", "allowed_email_domains", "allowed_groups"})


class Email(NamedTuple):
    """An e-mail address in its normal form, in which two addresses are compared.

    ASCII letters of the local part are in lower case. Other characters stay as they are: ``K`` (Kelvin) is not ``k``.
    """

    local: str
    domain: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A set of rules that a user must satisfy: one of the e-mail rules, and one of the groups.

    Attributes:
        has_email_rules: Whether e-mail addresses or domains were given, even if none of them is well-formed.
        below: The domains of rules such as ``*.corp.com``, without the ``*.``.
        unverified: Whether the e-mail rules also apply to addresses that the provider has not verified.
    """

    has_email_rules: bool
    emails: frozenset[Email]
    domains: frozenset[str]
    below: frozenset[str]
    groups: frozenset[str]
    unverified: bool

    def refuses(self, identity: Identity) -> str | None:
        """Return the name of the rule that refuses `identity`, or None."""
        if self.has_email_rules:
            if not self._matches(normal_email(identity.email)):
                return (
                    "allowed_emails"
                    if self.emails and not self.domains | self.below
                    else "allowed_email_domains"
                )
            if not (identity.email_verified or self.unverified):
                return "email_verified"
        if self.groups and self.groups.isdisjoint(identity.groups):
            return "allowed_groups"
        return None

    def _matches(self, email: Email | None) -> bool:
        if email is None:
            return False
        return email in self.emails or email.domain in self.domains or self._is_below(email.domain)

    def _is_below(self, domain: str) -> bool:
        # The boundary is a dot: badcorp.com is not below corp.com (CVE-2021-21291).
        while domain:
            domain = domain.partition(".")[2]
            if domain in self.below:
                return True
        return False


class AccessRules:
    """The rules of the settings. A user must satisfy one of the e-mail rules, and one of the groups in addition.

    Args:
        settings: If no rule is set, every user of the provider may enter.

    Attributes:
        rule_set: The rules.
    """

    def __init__(self, settings: Settings) -> None:
        self._unverified = settings.insecure_allow_unverified_email
        self.rule_set = _rule_set(
            settings.allowed_emails, settings.allowed_email_domains, settings.allowed_groups, self._unverified
        )

    def refuses(self, identity: Identity) -> str | None:
        """Return the name of the rule that refuses `identity`, for the log, or None if the user may enter.

        Returns:
            ``allowed_emails``, ``allowed_email_domains``, ``email_verified`` or ``allowed_groups``.
        """
        return self.rule_set.refuses(identity)

    def narrowed(self, query: str) -> NarrowedRules:
        """Return these rules together with those in the query string of ``/oauth2/auth``."""
        return NarrowedRules(self, QueryRules.parse(query, unverified=self._unverified))


@dataclass(frozen=True, slots=True)
class QueryRules:
    """The rules in the query string of ``/oauth2/auth``. They can only restrict access.

    Attributes:
        rule_set: None if a parameter is unknown, repeated, empty or cannot be decoded. Then every user is refused,
            because a rule that is not understood must not be ignored (CVE-2021-21411).
    """

    rule_set: RuleSet | None

    @classmethod
    def parse(cls, query: str, *, unverified: bool = False) -> QueryRules:
        """Read ``allowed_groups``, ``allowed_emails`` and ``allowed_email_domains`` from `query`, each at most once.

        Values are separated by commas, before or after decoding. A group whose name contains a comma cannot be given.

        Args:
            unverified: The setting ``insecure_allow_unverified_email``.
        """
        return _parse(query, unverified) if len(query) <= 2048 else cls(None)

    def refuses(self, identity: Identity) -> str | None:
        """Return the name of the rule that refuses `identity`, or None."""
        return self.rule_set.refuses(identity) if self.rule_set else "unknown_parameter"


class NarrowedRules(NamedTuple):
    """Two sets of rules, both of which must admit the user."""

    rules: AccessRules
    query: QueryRules

    def refuses(self, identity: Identity) -> str | None:
        """Return the name of the rule that refuses; ``unknown_parameter``, a mistake of the operator, comes first."""
        if self.query.rule_set is None:
            return "unknown_parameter"
        return self.rules.refuses(identity) or self.query.refuses(identity)


def names_a_rule(query: str) -> bool:
    """Return whether a parameter of a query string is a rule, or looks like one that was misspelt.

    A query that is too long to be read counts as one that names a rule.
    """
    if len(query) > MAX_FORM_LENGTH:
        return True
    names = (pair.partition("=")[0] for pair in query.split("&"))
    return any(_RULE_LIKE.search(unquote(name)) for name in names)


@lru_cache(maxsize=4096)
def normal_email(email: str) -> Email | None:
    """Return the normal form of `email`, in which two addresses are compared, or None if it is malformed.

    It must have exactly one ``@``, with text on both sides (CVE-2026-40574: ``a@evil.com@corp.com`` is in no domain).

    Spec: RFC 5321 §4.1.2, without quoted strings that contain an ``@`` or a space; UTS #46 for the domain.
    """
    local, _, domain = email.partition("@")
    if len(email) > _MAX_EMAIL_LENGTH or not local or _NOT_LOCAL.search(email):
        return None
    domain = normal_domain(domain)  # empty if there was no `@`, or a second one
    return Email(_ascii_lower(local), domain) if domain else None


def _rule_set(
    emails: Iterable[str], domains: Iterable[str], groups: Iterable[str], unverified: bool
) -> RuleSet:
    emails, domains = tuple(emails), tuple(domains)
    return RuleSet(
        has_email_rules=bool(emails or domains),
        emails=frozenset(email for text in emails if (email := normal_email(text))),
        domains=frozenset(name for text in domains if (name := normal_domain(text))),
        below=frozenset(
            name for text in domains if text.startswith("*.") and (name := normal_domain(text[2:]))
        ),
        groups=frozenset(groups),
        unverified=unverified,
    )


@lru_cache(maxsize=256)  # queries come from the configuration of a proxy, so there are few of them
def _parse(query: str, unverified: bool) -> QueryRules:
    values: dict[str, tuple[str, ...]] = {}
    for pair in query.split("&") if query else ():
        name, _, text = pair.partition("=")
        items = _items(text)
        if name not in _PARAMETERS or name in values or items is None:
            return QueryRules(None)
        values[name] = items
    emails, domains = values.get("allowed_emails", ()), values.get("allowed_email_domains", ())
    well_formed = all(normal_email(text) for text in emails) and all(
        normal_domain(text.removeprefix("*.")) for text in domains
    )
    if not well_formed:
        return QueryRules(None)
    return QueryRules(_rule_set(emails, domains, values.get("allowed_groups", ()), unverified))


def _items(text: str) -> tuple[str, ...] | None:
    """Return the comma-separated values of a form-encoded value, or None if one is empty or cannot be decoded."""
    if _BAD_ESCAPE.search(text) or not text.isascii():
        return None
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return None
    items = tuple(item.strip() for item in decoded.split(","))
    return items if all(items) else None


def _ascii_lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)

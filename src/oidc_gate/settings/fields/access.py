"""Who may use the application, and which paths are open to all."""

from dataclasses import dataclass
from typing import Annotated

from ..constraints import Trait


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class AccessFields:
    """Who may use the application, and which paths are open to all."""

    public_paths: tuple[str, ...] = ()
    """Paths that need no sign-in: `/exact`, or `/below/*` for everything below `/below/`. `/below/*` includes neither
    `/below` nor `/below/`, and `/*` does not include `/`: each needs a rule of its own. A method may stand in front,
    as in `OPTIONS /*`; `GET` includes `HEAD`. Rules are relative to the mount path and case-sensitive, and must match
    the path both as it was sent and decoded once: see [which paths a rule matches](#which-paths-a-rule-matches)."""
    allowed_emails: Annotated[tuple[str, ...], Trait.NOT_EMPTY] = ()
    """E-mail addresses of users who may enter. A user who matches `allowed_email_domains` may enter too."""
    allowed_email_domains: Annotated[tuple[str, ...], Trait.NOT_EMPTY] = ()
    """Domains of e-mail addresses whose users may enter: `corp.com` for that domain alone, `*.corp.com` for every
    domain below it."""
    allowed_groups: Annotated[tuple[str, ...], Trait.NOT_EMPTY] = ()
    """Users must be in at least one of these groups, in addition to any e-mail rule. A group whose name contains a
    comma can be given by keyword or in TOML only."""
    allow_everyone: bool = False
    """Admit every user who can sign in at the provider, even if that is anyone in the world. It cannot be combined
    with `allowed_emails`, `allowed_email_domains` or `allowed_groups`."""
    insecure_allow_unverified_email: bool = False
    """Apply the e-mail rules to addresses that the provider has not verified.

    Danger: if users can enter any address at the provider, an attacker signs in as any user.
    """

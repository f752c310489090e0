"""Every setting, stated once: name, type, choices or range, default, traits, documentation.

A setting is a field of one of the dataclasses here. Its annotation gives the type, the choices (`typing.Literal`)
and, in `typing.Annotated`, the range and the traits of `oidc_gate.settings.constraints`; the text below it is its
documentation. Everything else follows from that: the name of the environment variable, the checks of types, ranges
and choices with their error messages, ``docs/settings.md``, and the typed keywords of `OIDCGate`. To add a setting,
add a field and run ``make settings``.

These modules have no ``from __future__ import annotations``: the annotations are read as objects, not as text.
"""

from dataclasses import dataclass, fields
from typing import get_args

from ..constraints import Trait
from .access import AccessFields
from .identity import IdentityFields
from .observing import ObservingFields
from .pages import PageFields
from .provider import ProtocolFields, RegistrationFields
from .session import SessionFields
from .urls import URLFields


# A dataclass collects the fields of its bases from the last to the first. The bases have no methods of their own,
# since each generated one takes time at import.
@dataclass(frozen=True, kw_only=True, repr=False)
class Fields(
    ObservingFields,
    PageFields,
    SessionFields,
    IdentityFields,
    AccessFields,
    URLFields,
    ProtocolFields,
    RegistrationFields,
):
    """The values of all settings, and what follows from them. Nothing is checked here; `Settings` does that."""

    @property
    def is_secure(self) -> bool:
        """Whether cookies have ``Secure``: always, except with `insecure_cookies` and with http on loopback."""
        # An http `public_url` has been checked: it is on loopback, or `insecure_cookies` is set.
        return not self.insecure_cookies and not (self.public_url or "").startswith("http:")

    @property
    def cookie_prefix(self) -> str:
        """The prefix of all cookie names: ``__Host-``, ``__Secure-`` or nothing (RFC 6265bis §4.1.3)."""
        if not self.is_secure:
            return ""
        return "__Secure-" if self.cookie_domain else "__Host-"

    @property
    def store_url(self) -> str | None:
        """URL of the store of sessions, or of revocations; None if there is neither."""
        return self.revocation_store if self.session_store == "cookie" else self.session_store

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of `public_url` as browsers write them, or an empty string."""
        return "/".join((self.public_url or "").split("/", 3)[:3])

    @property
    def public_path(self) -> str:
        """Path of `public_url`, where the application is mounted: no trailing slash, empty at the root."""
        _, _, path = (self.public_url or "").partition("://")[2].partition("/")
        return f"/{path}" if path else ""

    def __repr__(self) -> str:
        """Return every value except the secrets."""
        public = (field.name for field in fields(self) if Trait.SECRET not in get_args(field.type))
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in public)
        return f"{type(self).__name__}({shown})"

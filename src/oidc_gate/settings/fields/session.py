"""How long a session lasts, where it is kept, and its cookie."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..constraints import Range


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class SessionFields:
    """How long a session lasts, where it is kept, and its cookie."""

    session_store: str = "cookie"
    """Where sessions are kept. This version supports `cookie` only."""
    session_lifetime_seconds: Annotated[int, Range(60, 2_592_000)] = 28_800
    """Time after sign-in at which a session ends."""
    session_idle_seconds: Annotated[int, Range(1, 2_592_000)] = 3600
    """Time without a request after which a session ends; at most `session_lifetime_seconds`. If this is not set and
    the lifetime is shorter than the default, it is the lifetime."""
    clock_skew_seconds: Annotated[int, Range(0, 300)] = 60
    """How much the clocks of the provider and of this machine may differ.

    Spec: OpenID Connect Core §3.1.3.7.
    """
    session_cache_entries: Annotated[int, Range(1, 10_000_000)] = 200_000
    """Maximum number of opened session cookies that a process remembers."""
    session_cache_bytes: Annotated[int, Range(64 * 1024, 64 * 1024**3)] = 128 * 1024 * 1024
    """Maximum memory of the remembered sessions, 64 KiB to 64 GiB. The default is enough for 100,000 users behind
    `oidc-gate serve`, and for a quarter of that in a wrapped application, which receives more about each user."""
    cookie_name: str = "oidc_gate"
    """Name of the session cookie: 1 to 40 of the characters `A-Z a-z 0-9 _ . -`. The gate puts `__Host-` in front.
    Two gates on one host need two names.

    Spec: RFC 6265bis §4.1.3.
    """
    cookie_domain: str | None = None
    """Domain whose hosts share the session, such as `example.com`. The cookie name then begins with `__Secure-` instead
    of `__Host-`. An IP address or a single label is an error. Browsers also refuse cookies for a public suffix such as
    `co.uk`; the gate has no list of these.

    Spec: RFC 6265bis §4.1.2.3.
    """
    cookie_samesite: Literal["Lax", "Strict", "None"] = "Lax"
    """`SameSite` attribute of the session cookie. `None` needs https.

    Spec: RFC 6265bis §4.1.2.7.
    """
    insecure_cookies: bool = False
    """Set cookies without `Secure` and without a name prefix, for plain http. On loopback, where `public_url` is
    `http://localhost`, the gate does so by itself.

    Danger: an attacker on the network can read the session cookie and use the session, and can plant a cookie of
    their own.
    """
    insecure_single_process_revocation: bool = False
    """Accept back-channel and front-channel logout requests from the provider although only this process remembers
    them.

    Danger: in other processes, and after a restart, a user who signed out at the provider stays signed in here
    until the session ends.
    """

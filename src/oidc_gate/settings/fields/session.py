"""How long a session lasts, where it is kept, and its cookie."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..constraints import Range, Trait


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class SessionFields:
    """How long a session lasts, where it is kept, and its cookie."""

    session_store: Annotated[str, Trait.SECRET] = "cookie"
    """Where sessions are kept: `cookie`, or the URL of a store: `sqlite:///var/lib/app/sessions.db` for the processes
    of one machine; `redis://user:password@host:6379/0`, `rediss://`, `unix:///run/redis.sock`,
    `redis+sentinel://host1,host2,host3/service` or `redis+cluster://host1,host2` for any number of machines. With a
    store, the end of a session applies in every process. See `docs/stores.md`. The value is never shown, because it may
    contain a password."""
    revocation_store: Annotated[str | None, Trait.SECRET] = None
    """URL of a store that records which sessions have ended, if the sessions themselves are in cookies. It takes the
    same URLs as `session_store`. Sign-out, back-channel and front-channel logout then apply in every process. When it
    is set for the first time, or has lost its data, every user has to sign in again."""
    revocation_lag_seconds: Annotated[float, Range(0.2, 60)] = 1.0
    """With Redis, the longest time until the end of a session applies in every process, even if Redis or the network
    hangs. While Redis does not answer, a process serves cached sessions for this long. SQLite has no such lag."""
    session_lifetime_seconds: Annotated[int, Range(60, 2_592_000)] = 28_800
    """Time after sign-in at which a session ends."""
    session_idle_seconds: Annotated[int, Range(1, 2_592_000)] = 3600
    """Time without a request after which a session ends; at most `session_lifetime_seconds`. If this is not set and
    the lifetime is shorter than the default, it is the lifetime."""
    session_expires_at_browser_close: bool = False
    """Set the session cookie without `Max-Age`, so that browsers remove it when they are closed. The limits above still
    apply, because browsers that restore their tabs keep such cookies, and other clients may keep any cookie."""
    access_token_min_seconds: Annotated[int, Range(0, 3600)] = 30
    """Time for which an access token must still be valid to be sent to the application or in the answers of
    `/oauth2/auth`. If less time is left, no token is sent."""
    refresh: bool = False
    """Keep the provider's refresh token, and get a new access token and the user's current claims before the access
    token expires. Needs a `session_store`. See `docs/sessions.md`.

    Spec: OpenID Connect Core §12; RFC 6749 §6.
    """
    recheck_seconds: Annotated[int, Range(0, 86_400)] = 0
    """Ask the provider about a user again after this time: with the refresh token if `refresh` is set and the provider
    sends one, and otherwise at userinfo while the access token is valid. A user who was disabled there, or no longer
    satisfies the rules, is signed out within this time. 0 asks only when the access token expires and `refresh` is set.
    Needs a `session_store`."""
    refresh_required: bool = False
    """Refuse users whom the provider cannot confirm in time because it does not answer. Without this setting they stay
    signed in until `session_lifetime_seconds`."""
    clock_skew_seconds: Annotated[int, Range(0, 300)] = 60
    """How much the clocks of the provider and of this machine may differ.

    Spec: OpenID Connect Core §3.1.3.7.
    """
    session_cache_entries: Annotated[int, Range(1, 10_000_000)] = 200_000
    """Maximum number of opened session cookies that a process caches."""
    session_cache_bytes: Annotated[int, Range(64 * 1024, 64 * 1024**3)] = 128 * 1024 * 1024
    """Maximum memory of the cached sessions, 64 KiB to 64 GiB. The default is enough for 100,000 users behind
    `oidc-gate serve`, and for a quarter of that in a wrapped application, which receives more about each user."""
    revoke_tokens: bool | None = None
    """Revoke the tokens of a session at the provider when its user signs out, if discovery names a
    `revocation_endpoint` and the session has tokens. By default it is on, except with Google, where it would revoke the
    tokens of all other sessions of the user as well.

    Spec: RFC 7009.
    """
    end_streams: bool = True
    """Close WebSockets (code 1008), and end responses of the type `text/event-stream`, within five seconds after their
    session has ended, in a wrapped application. An event stream is recognized by a request with
    `Accept: text/event-stream`, as browsers send it."""
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
    accept_logout_tokens_without_exp: bool = False
    """Accept logout tokens that have no `exp`, as Ory Hydra and LemonLDAP::NG send them. Such a token is accepted until
    ten minutes after its `iat`.

    Spec: OpenID Connect Back-Channel Logout §2.4.
    """
    insecure_single_process_revocation: bool = False
    """Accept back-channel and front-channel logout requests from the provider although they apply in this process only.
    It is not needed with a `session_store` or a `revocation_store`.

    Danger: in other processes, and after a restart, a user who signed out at the provider stays signed in here
    until the session ends.
    """

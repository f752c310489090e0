"""What the application receives about the user."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class IdentityFields:
    """What the application learns about the user."""

    user_claim: str = "sub"
    """Claim that becomes the name of the user (`REMOTE_USER`). Nested claims are written with dots; a claim whose
    own name contains the dots takes precedence."""
    email_claim: str = "email"
    """Claim that holds the e-mail address. Nested claims are written with dots."""
    groups_claim: str = "groups"
    """Claim that holds the groups. Nested claims are written with dots, as in `realm_access.roles`."""
    groups_kept: tuple[str, ...] = ()
    """Groups that the application uses, in addition to those in `allowed_groups`: names, or patterns in which `*`
    stands for any characters, as in `app-*`. They matter only for users with very many groups. If all of a user's
    groups fit neither into the session nor into a header, only the groups that are named here or in `allowed_groups`
    remain, see [sessions that are too large](sessions.md#sessions-that-are-too-large)."""
    identity_headers: bool = False
    """Send `X-Forwarded-User`, `X-Forwarded-Email`, `X-Forwarded-Groups` and `X-Forwarded-Preferred-Username` to the
    wrapped application."""
    pass_access_token: bool = False
    """Send the access token as `X-Forwarded-Access-Token`, and as `X-Auth-Request-Access-Token` in the answers of
    `/oauth2/auth`. The token is then kept in the session."""
    pass_authorization: bool = False
    """Send the access token as `Authorization: Bearer`. The token is then kept in the session.

    Spec: RFC 6750 §2.1.
    """
    keep_id_token: bool | None = None
    """Keep the ID token in the session, so that sign-out can send it to the provider as `id_token_hint`, which some
    providers require. If this is not set, it is kept if `session_store` is a store, and not if it is `cookie`.

    Spec: OpenID Connect RP-Initiated Logout §2.
    """

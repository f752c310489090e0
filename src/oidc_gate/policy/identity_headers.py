"""The headers in which the application receives the identity, and the names that no client may send."""

from __future__ import annotations

import re

from ..model import HeaderList, Identity, Session
from ..settings import Settings
from ..syntax.name_patterns import NamePatterns
from .claims import claim_text, lookup

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FAMILIES = ("X-Forwarded", "X-Auth-Request")
_SUFFIXES = ("User", "Email", "Groups", "Groups-Incomplete", "Preferred-Username", "Access-Token")
# gunicorn and Apache refuse a header line of more than 8,190 bytes. 200 GUIDs take 7,399.
MAX_GROUPS_BYTES = 8_000
# All identity headers together, without the access token, so that they fit into the 16 KiB of `proxy_buffer_size` that
# `oidc-gate nginx` prints, beside a renewed cookie of 3,700 bytes. Node's HTTP server takes 16 KiB in all.
MAX_IDENTITY_BYTES = 12_000
# The access token, which is never left out. With two of this size, what is printed for Nginx (32 KiB) is full.
MAX_TOKEN_BYTES = 8_000


def remote_user(identity: Identity, settings: Settings) -> str:
    """Return the name of the user for the application (``REMOTE_USER``): the claim `user_claim`, or an empty string.

    It is never replaced by the subject, because the subject of one user may be the user name of another.
    """
    match settings.user_claim:
        case "sub":
            user = identity.subject
        case settings.email_claim:
            user = identity.email
        case "name":
            user = identity.name
        case "preferred_username":
            user = identity.preferred_username
        case other:
            user = claim_text(lookup(identity.claims, other))
    return _if_transmissible(user)


def identity_headers(
    identity: Identity, settings: Settings, family: str, access_token: str | None = None
) -> HeaderList:
    """Return all identity headers of one family. The header of an empty claim is empty.

    A claim that a header cannot carry unchanged gives an empty header too: without the NUL in it, "ad" NUL "min" would
    become "admin".

    Args:
        family: ``X-Forwarded`` for the application, ``X-Auth-Request`` for the answer of ``/oauth2/auth``.
        access_token: None leaves ``-Access-Token`` out; an empty string does not.

    Returns:
        The headers. Values are UTF-8, one character for each byte (PEP 3333), without control characters. Groups are
        separated by commas, without `untransmissible_groups`. If these are more than `MAX_GROUPS_BYTES`, or more than
        the other headers leave of `MAX_IDENTITY_BYTES`, only those that `allowed_groups` and `groups_kept` name are
        sent, or none. ``-Groups-Incomplete`` is sent, and is ``true``, only if some are missing.
    """
    user, email, name = _user_values(identity, settings)
    groups, is_complete = _encode(_join_groups(identity.groups)), identity.groups_complete
    if len(groups) > (room := _room_for_groups(user, email, name)):
        named = NamePatterns(settings.allowed_groups, settings.groups_kept)
        groups = _encode(_join_groups(tuple(group for group in identity.groups if group in named)))
        groups, is_complete = groups if len(groups) <= room else "", False
    headers = [
        (f"{family}-User", user),
        (f"{family}-Email", email),
        (f"{family}-Groups", groups),
        (f"{family}-Preferred-Username", name),
    ]
    if access_token is not None:
        headers.append((f"{family}-Access-Token", _encode(_if_transmissible(access_token))))
    if not is_complete:
        headers.append((f"{family}-Groups-Incomplete", "true"))
    return tuple(headers)


def fits_header(identity: Identity, settings: Settings) -> bool:
    """Return whether the headers can carry all groups of `identity`, except for `untransmissible_groups`."""
    room = _room_for_groups(*_user_values(identity, settings))
    return len(_encode(_join_groups(identity.groups))) <= room


def is_token_too_long(session: Session, settings: Settings) -> bool:
    """Return whether the access token is passed on, and takes more than `MAX_TOKEN_BYTES`."""
    is_passed = settings.pass_access_token or settings.pass_authorization
    return is_passed and len(session.access_token) > MAX_TOKEN_BYTES


def _user_values(identity: Identity, settings: Settings) -> tuple[str, str, str]:
    """Return the encoded values of ``-User``, ``-Email`` and ``-Preferred-Username``."""
    user, email = remote_user(identity, settings), _if_transmissible(identity.email)
    return _encode(user), _encode(email), _encode(_if_transmissible(identity.preferred_username))


def _room_for_groups(user: str, email: str, name: str) -> int:
    """Return how many bytes the groups may take beside the other headers, whose names and line ends take 200."""
    return min(MAX_GROUPS_BYTES, max(0, MAX_IDENTITY_BYTES - 200 - len(user) - len(email) - len(name)))


def untransmissible_groups(identity: Identity) -> tuple[str, ...]:
    """Return the groups that a header cannot carry, for the log.

    A comma would split a group into two. A control character, or a space at an end, would be removed on the way and
    change the group.
    """
    return tuple(group for group in identity.groups if _is_untransmissible(group))


def stripped_names(settings: Settings) -> frozenset[str]:
    """Return the names of headers that no client may send, in lower case with dashes.

    They are computed once. The caller compares every received name with ``_`` replaced by ``-`` (CVE-2025-64484).
    """
    names = {f"{family}-{suffix}".lower() for family in _FAMILIES for suffix in _SUFFIXES}
    return frozenset(names | {"remote-user"} | ({"authorization"} if settings.pass_authorization else set()))


def _join_groups(groups: tuple[str, ...]) -> str:
    """Return the groups as one header value. The groups of most users are checked in one step, others one by one."""
    joined = ",".join(groups)
    is_whole = joined.count(",") == len(groups) - 1 and not joined[:1].isspace() and not joined[-1:].isspace()
    if is_whole and _is_plain(joined) and ", " not in joined and " ," not in joined:
        return joined
    return ",".join(group for group in groups if not _is_untransmissible(group))


def _is_untransmissible(group: str) -> bool:
    if "," in group or group != group.strip():
        return True
    return not _is_plain(group) and _CONTROLS.search(group) is not None


def _is_plain(value: str) -> bool:
    """Return whether `value` certainly has no control character, in a tenth of the time that the pattern takes."""
    return value.isascii() and value.isprintable()


def _if_transmissible(value: str) -> str:
    """Return `value` if a header carries it unchanged, and an empty string otherwise."""
    return "" if value != value.strip() or (not _is_plain(value) and _CONTROLS.search(value)) else value


def _encode(value: str) -> str:
    return value if _is_plain(value) else value.encode("utf-8", "replace").decode("latin-1")


ANONYMOUS = Identity("", "")


def application_headers(settings: Settings, session: Session | None) -> HeaderList:
    """Return the headers for the wrapped application. Headers that are configured are always sent, even if empty."""
    token = session.access_token if session else ""
    identity = session.identity if session else ANONYMOUS
    headers: HeaderList = ()
    if settings.identity_headers:
        headers = identity_headers(
            identity, settings, "X-Forwarded", token if settings.pass_access_token else None
        )
    elif settings.pass_access_token:
        headers = (("X-Forwarded-Access-Token", token),)
    if settings.pass_authorization and token:
        headers += (("Authorization", f"Bearer {token}"),)
    return headers


def auth_headers(settings: Settings, session: Session | None) -> HeaderList:
    """Return all identity headers of the 202 of ``/oauth2/auth``. For an anonymous user they are empty."""
    token = session.access_token if session else ""
    identity = session.identity if session else ANONYMOUS
    passed = token if settings.pass_access_token else None
    headers = identity_headers(identity, settings, "X-Auth-Request", passed)
    if settings.pass_authorization:
        headers += (("Authorization", f"Bearer {token}" if token else ""),)
    return headers

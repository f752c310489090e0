"""The provider as this process knows it: its metadata and its keys, each fetched once and cached."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from .. import effects
from ..effects import Fetch, Fetched, Lane, Step
from ..errors import GateError, IDTokenError
from ..settings import Settings
from .discovery import Metadata, build_discovery_request, process_discovery
from .jose.recipient import Recipient
from .outages import Outages
from .refreshing_cache import RETRY_SECONDS, RefreshingCache, RenewalBudget, is_within
from .responses import json_object, printable, raise_for_status, refuse

if TYPE_CHECKING:
    from .jose.keys import KeySet
    from .jose.private_keys import DecryptionKey

T = TypeVar("T")
log = logging.getLogger("oidc_gate.provider")

MAX_KEYS_BYTES = 512 * 1024  # 100 keys with their certificate chains


@dataclass(frozen=True, slots=True)
class ProviderState:
    """The state of discovery, for ``/oauth2/ready`` and for logs. It contains no secrets.

    Attributes:
        is_known: Whether there is metadata to use, fresh or stale.
        succeeded_at: When discovery last succeeded, in epoch seconds; None if it never did.
        failed_at: When discovery or the key set last failed, in epoch seconds, if they have not succeeded since.
        error: The code and the detail of that failure; empty if there is none.
    """

    issuer: str
    is_known: bool
    succeeded_at: int | None
    failed_at: int | None
    error: str


class Provider:
    """The OpenID Provider that the settings name. It can be shared between threads and tasks.

    Its state consists of two `RefreshingCache` objects (the metadata and the key set), of two `RenewalBudget` objects
    for the key set, of `Outages`, and of two values.

    Attributes:
        id_token_algorithms: The signature algorithms that an ID token may use.
        latest_id_token_alg: The algorithm of the latest ID token that this process accepted; None before the first.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        registered = settings.id_token_signed_response_alg
        self.id_token_algorithms = _spellings(registered) if registered else settings.id_token_algorithms
        self.latest_id_token_alg: str | None = None
        self._metadata: RefreshingCache[Metadata] = RefreshingCache(
            f"discovery of {settings.issuer}",
            self._discovery_request,
            lambda fetched, _: process_discovery(fetched, settings.issuer, self.id_token_algorithms),
            on_success=self._log_metadata,
            on_failure=lambda error, has_old: self._log_failure("discovery", error, has_old),
        )
        self._keys: RefreshingCache[KeySet] = RefreshingCache(
            f"key set of {settings.issuer}",
            self._keys_request,
            self._process_keys,
            on_success=self._log_keys,
            on_failure=lambda error, has_old: self._log_failure("key set", error, has_old),
        )
        self._sign_in_budget, self._logout_budget = RenewalBudget(), RenewalBudget()
        self._outages = Outages()
        self._asked_at: int | None = None

    @property
    def logout_token_algorithms(self) -> tuple[str, ...]:
        """Return the signature algorithms that a logout token may use.

        They are those of the client's registration, which the latest ID token shows. If the registration changes, they
        change with the next sign-in.

        Spec: OpenID Connect Back-Channel Logout §2.6 item 3; Core §3.1.3.7 item 7.
        """
        return _spellings(self.latest_id_token_alg) if self.latest_id_token_alg else self.id_token_algorithms

    def metadata(self) -> Step[Metadata]:
        """Return the provider's metadata: cached, fetched again, or stale while the provider is down.

        Raises:
            ProviderUnavailable: The metadata has never been fetched, and the provider does not answer.
            ProviderError: The metadata has never been fetched, and the answer is not acceptable.
        """
        return self._metadata.get()

    def keys(self) -> Step[KeySet]:
        """Return the provider's keys, which are cached in the same way as the metadata."""
        return self._keys.get()

    def verify(
        self, check: Callable[[Recipient], T], algorithms: tuple[str, ...], *, is_logout_token: bool = False
    ) -> Step[T]:
        """Return the result of `check` for the gate as the recipient of a token, with the provider's keys.

        If the signature does not verify, `check` is called once more with newer keys. This covers a new key, and a new
        key that has the ``kid`` of an old one. Such requests for newer keys are limited, see `RenewalBudget`.

        Args:
            check: Validates the token. What it imports is loaded when it is called.
            algorithms: The signature algorithms that the token may use.
            is_logout_token: Whether any client may have sent the token. Such tokens have a budget of their own, so
                that forged ones cannot use up what sign-ins need when the provider replaces its keys.

        Raises:
            IDTokenError: `check` raised it.
            ProviderUnavailable: The metadata or the keys are not available.
            ProviderError: The answer with them is not acceptable.

        Spec: OpenID Connect Core §10.1.1.
        """
        metadata = yield from self.metadata()
        now = yield from effects.now()
        keys = yield from self.keys()
        recipient = Recipient(
            keys=keys,
            issuer=metadata.issuer,
            client_id=self.settings.client_id,
            algorithms=algorithms,
            now=now,
            clock_skew_seconds=self.settings.clock_skew_seconds,
            client_secret=self.settings.client_secret,
            decryption_key=_decryption_key(self.settings),
        )
        try:
            return check(recipient)
        except IDTokenError as error:
            from .jose.keys import may_have_rotated

            if not may_have_rotated(error):
                raise
            budget = self._logout_budget if is_logout_token else self._sign_in_budget
            newer = yield from self._keys.get_newer(keys, budget)
            if newer is keys:
                raise
        return check(replace(recipient, keys=newer))

    def fetch(self, endpoint: str, request: Fetch) -> Step[Fetched]:
        """Return the answer of an endpoint. If the endpoint does not answer, requests to it fail at once for a while.

        Args:
            endpoint: ``token`` or ``userinfo``.

        Raises:
            ProviderUnavailable, ProviderError, QueueFull: See `effects.fetch`.
        """
        return (yield from self._outages.fetch(endpoint, request))

    def push(self, request: Fetch) -> Step[Fetched]:
        """Return the answer of the endpoint for pushed authorization requests, unless it recently did not answer.

        Raises:
            ProviderUnavailable, ProviderError, QueueFull: See `effects.fetch`.
        """
        yield from effects.enter(request.lane)
        self._outages.check("pushed", (yield from effects.now()))
        return (yield from self._outages.fetch("pushed", request))

    def wait_for_turn(self) -> Step[None]:
        """Wait for a place among the requests to the provider, before an authorization code is used.

        Raises:
            QueueFull: There is no place.
            ProviderUnavailable, ProviderError: An endpoint or the key set, which a sign-in needs, recently failed.
        """
        yield from effects.enter(Lane.PROVIDER)
        now = yield from effects.now()
        for endpoint in ("token", "userinfo"):
            self._outages.check(endpoint, now)
        self._keys.check(now)

    def warm_up(self) -> Step[None]:
        """Fetch the metadata and the keys before the first sign-in. Failures are logged, and `state` reports them."""
        try:
            yield from self.metadata()
            yield from self.keys()
        except GateError:
            return  # it was logged where it happened

    def ask_in_background(self) -> Step[None]:
        """Start to fetch the metadata and the keys, unless they are known or were recently requested."""
        now = yield from effects.now()
        if self._metadata.held is None and not is_within(self._asked_at, now, RETRY_SECONDS):
            self._asked_at = now
            yield from effects.in_background(self.warm_up)

    def state(self) -> ProviderState:
        """Return the state of discovery."""
        held = self._metadata.held
        failure = self._metadata.failure or self._keys.failure
        return ProviderState(
            issuer=self.settings.issuer,
            is_known=held is not None,
            succeeded_at=held.since if held else None,
            failed_at=failure.at if failure else None,
            error=str(failure.error) if failure else "",
        )

    def _discovery_request(self) -> Step[Fetch]:
        yield from ()
        return build_discovery_request(self.settings.issuer)

    def _keys_request(self) -> Step[Fetch]:
        metadata = yield from self.metadata()
        return Fetch(
            "GET",
            metadata.jwks_uri,
            (("Accept", "application/jwk-set+json, application/json"),),
            max_bytes=MAX_KEYS_BYTES,
        )

    def _process_keys(self, fetched: Fetched, before: KeySet | None) -> KeySet:
        from .jose.keys import KeySet

        raise_for_status(fetched, "key set")
        if fetched.status != 200:
            refuse("key set", f"status {fetched.status}")
        keys = KeySet.from_jwks(json_object(fetched, "key set", strict_type=False))
        algorithms = self.id_token_algorithms
        if before and before.has_key_for(algorithms) and not keys.has_key_for(algorithms):
            # A key set with nothing to verify with is a failure of the provider, and not a rotation.
            refuse("key set", f"no key for {', '.join(algorithms)}", "jwks_without_key")
        return keys

    def _log_metadata(self, before: Metadata | None, after: Metadata) -> None:
        if before is None:
            log.info(
                "discovery of %s: authorization %s, token %s, userinfo %s, keys %s, sign-out %s",
                after.issuer,
                after.authorization_endpoint,
                after.token_endpoint,
                after.userinfo_endpoint or "none",
                after.jwks_uri,
                after.end_session_endpoint or "none",
            )
            self._warn_of_missing_scope(after)
            return
        names = (field.name for field in fields(Metadata))
        changed = [name for name in names if getattr(before, name) != getattr(after, name)]
        log.info("discovery of %s: changed: %s", after.issuer, ", ".join(changed))

    def _warn_of_missing_scope(self, metadata: Metadata) -> None:
        """Log a warning if `allowed_groups` is set and a scope that brings groups is offered, and not asked for."""
        settings = self.settings
        bring_groups = {*_GROUP_SCOPES, settings.groups_claim, settings.groups_claim.partition(".")[0]}
        offered = [scope for scope in metadata.scopes_supported or () if scope in bring_groups]
        if settings.allowed_groups and offered and bring_groups.isdisjoint(settings.scopes):
            log.warning(
                "allowed_groups is set, and discovery of %s offers the scope %s, which scopes does not contain (%s). "
                "Fix: add it to scopes, unless the provider sends the groups without it",
                metadata.issuer,
                " or ".join(printable(scope, 60) for scope in offered),
                " ".join(settings.scopes),
            )

    def _log_keys(self, before: KeySet | None, after: KeySet) -> None:
        kids = ", ".join(printable(key.kid, 60) for key in after.keys[:20])
        log.info("keys of %s: %d: %s", self.settings.issuer, len(after.keys), kids)
        for skipped in after.skipped:
            log.log(
                logging.DEBUG if skipped.is_for_encryption else logging.WARNING,
                "keys of %s: number %d (kid %s) is ignored: %s",
                self.settings.issuer,
                skipped.position,
                printable(skipped.kid, 60),
                printable(skipped.reason),
            )

    def _log_failure(self, what: str, error: GateError, has_old: bool) -> None:
        log.warning(
            "%s of %s failed: %s; %s%s",
            what,
            self.settings.issuer,
            error,
            "the earlier answer stays in use" if has_old else "no user can sign in until it succeeds",
            _FIXES.get(error.code, ""),
        )


def _spellings(alg: str) -> tuple[str, ...]:
    """Return `alg` and its other name. RFC 9864 calls Ed25519 what was called EdDSA."""
    return ("EdDSA", "Ed25519") if alg in ("EdDSA", "Ed25519") else (alg,)


_GROUP_SCOPES = ("groups", "group", "roles")
_FIXES = {
    "provider_name": ". Fix: does this host resolve the name (DNS)? Is a proxy needed (HTTPS_PROXY)?",
    "provider_tls": ". Fix: name the certificate authority of the provider in ca_file",
    "provider_unreachable": ". Fix: can this host reach the address (firewall, proxy)?",
    "provider_timeout": ". Fix: can this host reach the address? If it can, raise provider_timeout_seconds",
    "issuer_mismatch": ". Fix: write issuer exactly as the provider does",
    "provider_answer": ". Fix: open the issuer's /.well-known/openid-configuration and compare",
}


def _decryption_key(settings: Settings) -> DecryptionKey | None:
    """Return the key that decrypts tokens, if there is one."""
    from .jose.private_keys import load_decryption_key

    return load_decryption_key(settings.id_token_decryption_key) if settings.id_token_decryption_key else None

"""Checks discovery and the key set: whether they are available, and whether the gate can work with the provider."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from time import time

from ...effects import Fetch
from ...errors import GateError
from ...provider.authorization import must_push
from ...provider.client import MAX_KEYS_BYTES, Provider
from ...provider.client_auth import choose_method
from ...provider.discovery import Metadata, build_discovery_request, process_discovery
from ...provider.jose.keys import KeySet
from ...provider.responses import json_object, raise_for_status
from ...settings import Settings
from ..answers import Answer, right, unknown, wrong
from .exchanges import Exchange, Exchanges

DRIFT_SECONDS = 5
"""The difference of the clocks that is reported although it does no harm yet. An answer takes up to a few seconds."""
_CAUSES = {
    "provider_name": "provider_name",
    "provider_tls": "provider_tls",
    "provider_timeout": "provider_timeout",
    "provider_unreachable": "provider_unreachable",
    "provider_failing": "provider_failing",
    "provider_busy": "provider_failing",
    "issuer_mismatch": "provider_issuer",
    "discovery_unusable": "provider_nothing_in_common",
}
GROUP_SCOPES = ("groups", "group", "roles")
"""The scopes for which common providers send groups."""


def check_discovery(exchanges: Exchanges) -> tuple[list[Answer], Metadata | None]:
    """Fetch the discovery document, and compare it with the settings.

    Returns:
        The answers, and the metadata if a sign-in can work with it.
    """
    question = "Does discovery work, and is it that of the issuer?"
    settings = exchanges.settings
    algorithms = Provider(settings).id_token_algorithms
    exchange = exchanges.send(build_discovery_request(settings.issuer))
    try:
        if exchange.fetched is None:
            assert exchange.error is not None
            raise exchange.error
        metadata = process_discovery(exchange.fetched, settings.issuer, algorithms)
    except GateError as error:
        cause = _CAUSES.get(error.code, "provider_discovery")
        detail = "" if error is exchange.error else error.detail
        return [wrong(question, cause, exchange, detail)], None
    return [right(question, exchange), *compare(metadata, settings), clock(exchange, settings)], metadata


def check_keys(exchanges: Exchanges, metadata: Metadata) -> Answer:
    """Fetch the key set, and look for a key that can verify an ID token."""
    question = "Does the key set have a key for ID tokens?"
    accept = (("Accept", "application/jwk-set+json, application/json"),)
    exchange = exchanges.send(Fetch("GET", metadata.jwks_uri, accept, max_bytes=MAX_KEYS_BYTES))
    if exchange.fetched is None:
        return wrong(question, "provider_keys", exchange)
    try:
        raise_for_status(exchange.fetched, "key set")
        keys = KeySet.from_jwks(json_object(exchange.fetched, "key set", strict_type=False))
    except GateError as error:
        return wrong(question, "provider_keys", exchange, error.detail)
    algorithms = Provider(exchanges.settings).id_token_algorithms
    if not keys.has_key_for(algorithms) and "HS256" not in algorithms:
        return wrong(question, "provider_keys", exchange, f"no key for {', '.join(algorithms)}")
    return right(question, exchange, f"{len(keys.keys)} keys")


def compare(metadata: Metadata, settings: Settings) -> Iterator[Answer]:
    """Compare the settings with what discovery offers."""
    yield _algorithm(metadata, settings)
    yield _pkce(metadata)
    yield _pushed(metadata, settings)
    yield _method(metadata, settings)
    yield from _scopes(metadata, settings)
    offered = metadata.response_modes_supported
    if settings.response_mode == "form_post" and offered is not None:
        question = "Does the provider offer response_mode form_post?"
        is_offered = "form_post" in offered
        yield (
            right(question)
            if is_offered
            else wrong(question, "provider_response_mode", received=f"it offers {', '.join(offered)}")
        )


def _algorithm(metadata: Metadata, settings: Settings) -> Answer:
    question = "Does the provider sign ID tokens with an accepted algorithm?"
    offered = metadata.id_token_signing_alg_values_supported
    if offered is None:
        return unknown(question, received="discovery does not list its algorithms")
    common = [alg for alg in offered if alg in Provider(settings).id_token_algorithms]
    return right(
        question, received=", ".join(common)
    )  # `process_discovery` has refused an empty intersection


def _pkce(metadata: Metadata) -> Answer:
    question = "Does the provider support PKCE with S256?"
    if metadata.code_challenge_methods_supported is None:
        return unknown(
            question, received="discovery does not say; the gate always sends it, and others ignore it"
        )
    return right(question, received=", ".join(metadata.code_challenge_methods_supported))


def _pushed(metadata: Metadata, settings: Settings) -> Answer:
    question = "Do the settings fit what discovery says about pushed authorization requests?"
    endpoint = metadata.pushed_authorization_request_endpoint
    if must_push(metadata, settings) and not endpoint:
        return wrong(question, "provider_par_missing", received="discovery names no endpoint for them")
    return right(question, received="offered" if endpoint else "not offered")


def _method(metadata: Metadata, settings: Settings) -> Answer:
    question = "Does the provider offer the method of client authentication?"
    offered = metadata.token_endpoint_auth_methods_supported
    try:
        method = choose_method(metadata, settings)
    except GateError as error:
        return wrong(question, "provider_client_method", received=error.detail, use="")
    if offered is None or method in offered:
        return right(question, received=method)
    others = ", ".join(offered)
    return wrong(
        question, "provider_client_method", received=f"{method} is used, discovery offers {others}", use=""
    )


def _scopes(metadata: Metadata, settings: Settings) -> Iterator[Answer]:
    offered = metadata.scopes_supported
    if offered is None:
        return
    question = "Does the provider know the scopes?"
    if missing := [scope for scope in settings.scopes if scope not in offered]:
        yield wrong(
            question,
            "provider_scope",
            received=f"discovery does not list {' '.join(missing)}",
            scopes=" ".join(missing),
        )
    else:
        yield right(question, received=" ".join(settings.scopes))
    claims = {*GROUP_SCOPES, settings.groups_claim, settings.groups_claim.partition(".")[0]}
    brings = [scope for scope in offered if scope in claims]
    if settings.allowed_groups and brings and claims.isdisjoint(settings.scopes):
        scopes = " ".join((*settings.scopes, brings[0]))
        question = "Do the scopes bring the groups that allowed_groups needs?"
        yield wrong(question, "groups_without_scope", received=f"discovery offers {brings[0]}", scopes=scopes)


def clock(exchange: Exchange, settings: Settings, now: float | None = None) -> Answer:
    """Compare the clock of the provider, as its ``Date`` header shows it, with that of this host.

    Args:
        now: This host's time in epoch seconds.

    Spec: RFC 9110 §6.6.1.
    """
    question = "Do the clocks of the provider and of this host agree?"
    date = exchange.fetched.headers.get("date", "") if exchange.fetched else ""
    try:
        there = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return unknown(question, received="the provider sends no Date header")
    seconds = there - (time() if now is None else now)
    if abs(seconds) <= DRIFT_SECONDS:
        return right(question, received=f"they differ by less than {DRIFT_SECONDS + 1} seconds")
    received = f"the provider's clock is {abs(seconds):.0f} seconds {'ahead' if seconds > 0 else 'behind'}"
    cause = "provider_clock" if abs(seconds) > settings.clock_skew_seconds else "provider_clock_drift"
    return wrong(question, cause, received=received)

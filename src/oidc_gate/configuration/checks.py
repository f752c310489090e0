"""Every check, in the order in which they build on one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from ..faults import Fault
from . import fapi2, general, people, place, provider, session, values
from .report import Report

if TYPE_CHECKING:
    from ..settings import Settings

CHECKS: tuple[Callable[[Report], None], ...] = (
    general.check_texts,  # these three drop what is unusable, so that the others need not look again
    general.check_ranges,
    general.check_choices,
    general.check_files,
    provider.check_issuer,
    provider.check_client_auth,
    provider.check_keys,
    provider.check_request,
    provider.check_algorithms,
    place.check_public_url,
    place.check_prefix,
    place.check_trusted_proxies,
    place.check_original_headers,
    place.check_redirect_hosts,
    place.check_origins,
    people.check_public_paths,
    people.check_people,
    people.check_entry,
    people.check_claims,
    session.check_cookie_secret,
    session.check_session,
    session.check_cookie,  # after public_url, which decides whether cookies can be Secure
    fapi2.check_fapi2,  # last: it changes values
)


def examine(
    settings: Settings, sources: Mapping[str, str], known: Mapping[str, Fault] | None = None
) -> list[Fault]:
    """Normalise `settings` in place and return every fault.

    Args:
        settings: Filled with values of any type.
        sources: Where each given setting came from; empty for plain keywords.
        known: Faults that were found already, by setting; nothing more is said of these.
    """
    report = Report(settings, sources)
    for fault in (known or {}).values():
        report.known(fault)
    for field in fields(settings):
        values.normalise(report, field)
    for check in CHECKS:
        check(report)
    return report.faults()

"""Every check, in the order in which they build on one another.

A check is a pure function: it reads a `Draft` and yields findings. `report.run_checks` applies them.
"""

from __future__ import annotations

from ..report import Check
from . import access, common, fapi2, observing, provider, session, urls

CHECKS: tuple[Check, ...] = (
    common.check_types,  # these four replace unusable values, so that the other checks can rely on the types
    common.check_texts,
    common.check_ranges,
    common.check_choices,
    common.check_files,
    provider.check_issuer,
    provider.check_client_auth,
    provider.check_keys,
    provider.check_request,
    provider.check_algorithms,
    provider.check_registered_algorithm,
    urls.check_public_url,
    urls.check_prefix,
    urls.check_trusted_proxies,
    urls.check_original_headers,
    urls.check_redirect_hosts,
    urls.check_after_sign_out,
    urls.check_origins,
    access.check_public_paths,
    access.check_emails,
    access.check_entry,
    access.check_claims,
    session.check_cookie_secret,
    session.check_lifetimes,
    session.check_store,
    session.check_refresh,
    session.check_revocation,
    session.check_cookie_name,  # the cookie after public_url, which decides whether cookies can be Secure
    session.check_cookie_domain,
    session.check_samesite,
    observing.check_metrics,
    fapi2.check_contradictions,  # last: the settings that it derives are not checked again
    fapi2.check_algorithms,
    fapi2.turn_on,
)

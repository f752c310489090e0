"""All pages that the gate shows, as pure functions that take texts and URLs and return a `Page`."""

from oidc_gate.pages.assets import StaticFile, static_file
from oidc_gate.pages.layout import Page
from oidc_gate.pages.problems import (
    ANOTHER_GATE_CAUSE,
    COOKIE_DOMAIN_CAUSE,
    LOOP_CAUSES,
    denied_page,
    error_page,
    loop_page,
    unavailable_page,
    waiting_page,
)
from oidc_gate.pages.sign_in import continue_page, lost_page, posted_page, sign_in_page
from oidc_gate.pages.sign_out import (
    FORM_TOKEN_FIELD,
    frontchannel_page,
    leaving_page,
    sign_out_page,
    signed_out_page,
)

__all__ = [
    "ANOTHER_GATE_CAUSE",
    "COOKIE_DOMAIN_CAUSE",
    "FORM_TOKEN_FIELD",
    "LOOP_CAUSES",
    "Page",
    "StaticFile",
    "continue_page",
    "denied_page",
    "error_page",
    "frontchannel_page",
    "leaving_page",
    "loop_page",
    "lost_page",
    "posted_page",
    "sign_in_page",
    "sign_out_page",
    "signed_out_page",
    "static_file",
    "unavailable_page",
    "waiting_page",
]

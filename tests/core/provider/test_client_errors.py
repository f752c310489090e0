"""What the log says if the provider refuses the client."""

from __future__ import annotations

import pytest

from oidc_gate.provider.client_errors import CLIENT_ERRORS, advice, describe_sent

from . import scripted as op

CODES = {
    *(
        "invalid_client",
        "unauthorized_client",
        "invalid_request",
        "invalid_scope",
        "unsupported_response_type",
    ),
    *(
        "unsupported_grant_type",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
    ),
    *("registration_not_supported", "invalid_target", "invalid_dpop_proof", "use_dpop_nonce"),
}


def test_every_code_has_advice() -> None:
    assert set(CLIENT_ERRORS) == CODES
    for code, text in CLIENT_ERRORS.items():
        assert advice(code, "what was sent") == f"; what was sent. Fix: {text}"


@pytest.mark.parametrize("code", ["", "invalid_grant", "server_error"])
def test_other_errors_have_none(code: str) -> None:
    assert advice(code, "what was sent") == ""


def test_what_was_sent() -> None:
    settings = op.settings(client_id="i\u00e4" + "d" * 99, scopes=("openid", "groups"))
    client = "i?" + "d" * 98
    assert describe_sent(settings, "https://app.example/cb", "none") == (
        f"sent: client_id '{client}', redirect_uri 'https://app.example/cb', client_auth none, scopes 'openid groups'"
    )
    assert describe_sent(op.settings(), "") == (
        "sent: client_id 'client 1', redirect_uri '', scopes 'openid email profile'"
    )

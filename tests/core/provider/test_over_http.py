"""The same story over real HTTP, with the strict provider of `oidc_gate.testing`, in every dialect."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from joserfc.jwk import ECKey

from oidc_gate.provider.authorization import build_authorization_request, process_authorization_response
from oidc_gate.provider.client import Provider
from oidc_gate.provider.sign_in import SignedIn, complete_sign_in
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.testing import Client, TestProvider

from . import scripted as op

KEY = ECKey.generate_key("P-256")
HELD = {"client_secret": None, "client_private_key": KEY.as_pem(private=True).decode()}
KNOWN = {"client_secret": None, "jwks": {"keys": [KEY.as_dict(private=False)]}}


def sign_in(provider: TestProvider, **changes: Any) -> SignedIn:
    settings = op.settings(issuer=provider.issuer, **changes)
    mine, world = Provider(settings), World(settings)

    def drive(step: Any) -> Any:
        return run(step, world, lambda _: b"")

    metadata = drive(mine.metadata())
    url = drive(
        build_authorization_request(
            metadata,
            settings,
            redirect_uri=op.REDIRECT,
            state=op.STATE,
            nonce=op.NONCE,
            code_verifier=op.VERIFIER,
        )
    )
    browser = requests.get(url, allow_redirects=False, timeout=60)
    pairs = parse_qsl(urlsplit(browser.headers["Location"]).query)
    done: SignedIn = drive(
        complete_sign_in(
            mine,
            process_authorization_response(pairs, metadata, expected_state=op.STATE, sent=""),
            redirect_uri=op.REDIRECT,
            code_verifier=op.VERIFIER,
            nonce=op.NONCE,
        )
    )
    return done


@pytest.mark.parametrize(
    ("registered", "changes"),
    [
        pytest.param({}, {}, id="basic"),
        pytest.param(
            {"token_endpoint_auth_method": "client_secret_post"},
            {"client_auth": "client_secret_post"},
            id="post",
        ),
        pytest.param(
            {"token_endpoint_auth_method": "client_secret_jwt"},
            {"client_auth": "client_secret_jwt"},
            id="client_secret_jwt",
        ),
        pytest.param(KNOWN, HELD, id="private_key_jwt"),
        pytest.param({"client_secret": None}, {"client_secret": None}, id="public"),
        pytest.param({}, {"pushed_authorization_requests": "never"}, id="not pushed"),
        pytest.param({"require_pushed_authorization_requests": True}, {}, id="pushed"),
        pytest.param(
            KNOWN | {"require_signed_request_object": True},
            HELD | {"signed_request_objects": True},
            id="signed and pushed",
        ),
        pytest.param(
            KNOWN | {"require_signed_request_object": True},
            HELD | {"signed_request_objects": True, "pushed_authorization_requests": "never"},
            id="signed",
        ),
        pytest.param({"dpop_bound_access_tokens": True}, {"dpop": True}, id="DPoP"),
        pytest.param(
            {"id_token_signed_response_alg": "HS256"}, {"id_token_algorithms": ("HS256",)}, id="HS256"
        ),
        pytest.param({"userinfo_signed_response_alg": "ES256"}, {}, id="signed userinfo"),
    ],
)
def test_a_sign_in(registered: dict[str, Any], changes: dict[str, Any]) -> None:
    client = Client(
        **{"client_id": op.CLIENT, "client_secret": op.SECRET, "redirect_uris": [op.REDIRECT]} | registered
    )
    with TestProvider(clients=[client], auto_login="alice", claims_in_id_token=False) as provider:
        done = sign_in(provider, **changes)
    assert done.claims["sub"] == "alice"
    assert "@" in done.claims["email"]


def test_the_nonce_of_dpop() -> None:
    client = Client(
        client_id=op.CLIENT,
        client_secret=op.SECRET,
        redirect_uris=[op.REDIRECT],
        dpop_bound_access_tokens=True,
    )
    with TestProvider(clients=[client], auto_login="alice", claims_in_id_token=False) as provider:
        provider.dpop_nonce = "n-1"
        assert sign_in(provider, dpop=True).claims["sub"] == "alice"

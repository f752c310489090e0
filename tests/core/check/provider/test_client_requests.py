"""How often the provider is asked about the client, with which proof, and what is said if it cannot be asked."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from oidc_gate.check.provider.client import check_client, check_redirect_uri
from oidc_gate.check.provider.discovery import check_keys, compare
from oidc_gate.check.provider.exchanges import Exchange
from oidc_gate.effects import Fetch, Fetched
from oidc_gate.provider.discovery import Metadata
from oidc_gate.testing import settings_for_tests
from tests.core.check.provider.test_discovery import METADATA
from tests.core.check.provider.test_snapshots import AGAIN, BACK, CALLBACK, PAR, PUSHED, Given, answer, error

KEY = ECKey.generate_key("P-256").as_pem(private=True).decode()


def proofs(requests: list[Fetch]) -> list[dict[str, Any]]:
    """Return the payload of the DPoP proof of each request; an empty one if it has none."""
    found = []
    for request in requests:
        proof = dict(request.headers).get("DPoP", "")
        payload = proof.split(".")[1] if proof else ""
        found.append(json.loads(base64.urlsafe_b64decode(payload + "===")) if payload else {})
    return found


class Recording(Given):
    """Exchanges that keep the requests."""

    def send(self, request: Fetch) -> Exchange:
        self.fetches = [*getattr(self, "fetches", []), request]
        return super().send(request)


ASKS_FOR_A_NONCE = Fetched(400, {"dpop-nonce": "n-1"}, b'{"error": "use_dpop_nonce"}')


@pytest.mark.parametrize(
    ("dpop", "given", "nonces"),
    [
        (True, ASKS_FOR_A_NONCE, [None, "n-1"]),
        (True, error(400, "invalid_grant"), [None]),
        (True, None, [None]),
        (False, ASKS_FOR_A_NONCE, [None]),
    ],
    ids=["asked", "not asked", "no answer", "without DPoP"],
)
def test_a_nonce_is_sent_if_the_provider_asks_for_it(
    dpop: bool, given: Fetched | None, nonces: list[str | None]
) -> None:
    exchanges = Recording({"": given}, dpop=dpop)
    check_client(exchanges, Metadata(**METADATA), CALLBACK)
    sent = proofs(exchanges.fetches)
    assert [bool(proof) for proof in sent] == [dpop] * len(nonces)
    assert [proof.get("nonce") for proof in sent] == nonces


@pytest.mark.parametrize(
    ("client_auth", "count"),
    [("client_secret_basic", 2), ("client_secret_post", 2), ("client_secret_jwt", 1)],
)
def test_only_another_way_to_send_the_secret_is_tried(client_auth: str, count: int) -> None:
    exchanges = Given({"": error(401, "invalid_client")}, client_auth=client_auth)
    found = check_client(exchanges, Metadata(**METADATA), CALLBACK)
    assert (found.cause, found.facts["method"], len(exchanges.sent)) == (
        "provider_client",
        client_auth,
        count,
    )


def test_a_client_without_a_method_that_the_provider_offers_is_not_asked_about() -> None:
    exchanges = Given({"": error(400, "invalid_grant")})
    offered = METADATA | {"token_endpoint_auth_methods_supported": ("private_key_jwt",)}
    found = check_client(exchanges, Metadata(**offered), CALLBACK)
    assert (found.is_right, found.cause, exchanges.sent) == (None, "", [])
    assert found.received.startswith("discovery offers private_key_jwt; a client_secret can be used with")


@pytest.mark.parametrize(
    ("metadata", "keywords", "is_known", "given", "count"),
    [
        (METADATA, {}, False, {"": answer(302, location=BACK)}, 1),
        (METADATA, {}, False, {"": None}, 1),
        (PAR, {}, False, {"/par": error(401, "invalid_client"), "": answer(302, location=BACK)}, 2),
        (PAR, {}, None, {"/par": error(401, "invalid_client"), "": answer(302, location=BACK)}, 1),
        (PAR, {}, True, {"/par": error(401, "invalid_client"), "": answer(302, location=BACK)}, 1),
        (PAR, {}, False, {"/par": PUSHED, "": answer(302, location=BACK)}, 2),
    ],
    ids=["back", "no answer", "client refused", "perhaps refused", "known", "pushed"],
)
def test_how_often_the_redirect_uri_is_asked_about(
    metadata: dict[str, Any],
    keywords: dict[str, Any],
    is_known: bool | None,
    given: dict[str, Fetched | None],
    count: int,
) -> None:
    exchanges = Given(given, **keywords)
    check_redirect_uri(exchanges, Metadata(**metadata), CALLBACK, is_client_known=is_known)
    assert len(exchanges.sent) == count


def test_an_earlier_exchange_is_not_taken_for_a_pushed_request() -> None:
    exchanges = Given({"": answer(302, location=BACK)})
    exchanges.sent.append(Exchange("sent", "status 404", answer(404)))
    (found,) = check_redirect_uri(exchanges, Metadata(**METADATA), CALLBACK, is_client_known=True)
    assert (found.is_right, found.cause) == (True, "")


def test_an_error_in_the_query_of_a_page_is_not_a_refusal() -> None:
    exchanges = Given({AGAIN: answer(400), "": answer(302, location="/login?on_error=redirect")})
    (found,) = check_redirect_uri(exchanges, Metadata(**METADATA), CALLBACK, is_client_known=True)
    assert (found.is_right, found.cause) == (True, "")


def test_the_other_redirect_uri_may_be_refused_when_it_is_pushed() -> None:
    exchanges = Given({AGAIN: error(400, "invalid_request"), "/par": PUSHED, "": answer(200)})
    (found,) = check_redirect_uri(exchanges, Metadata(**PAR), CALLBACK, is_client_known=True)
    assert (found.is_right, found.cause) == (None, "")


@pytest.mark.parametrize(
    ("fetched", "received"),
    [
        (None, "no answer"),
        (answer(404, "{}", kind="application/json"), "status 404, application/json; no list 'keys'"),
    ],
)
def test_keys_that_cannot_be_fetched(fetched: Fetched | None, received: str) -> None:
    found = check_keys(Given({"": fetched}), Metadata(**METADATA))
    assert (found.is_right, found.cause) == (False, "provider_keys")
    assert found.received.startswith(received)


def test_the_content_type_of_the_keys_does_not_matter() -> None:
    """Some providers send them as a file."""
    fetched = answer(200, '{"keys": []}', kind="application/octet-stream")
    found = check_keys(Given({"": fetched}, id_token_algorithms=["HS256"]), Metadata(**METADATA))
    assert (found.is_right, found.received) == (True, "status 200, application/octet-stream; 0 keys")


@pytest.mark.parametrize("endpoint", [None, "https://op.example.com/par"])
def test_a_pushed_request_that_fapi_2_needs_has_to_be_offered(endpoint: str | None) -> None:
    metadata = Metadata(**(METADATA | {"pushed_authorization_request_endpoint": endpoint}))
    settings = settings_for_tests(
        issuer="https://op.example.com", fapi2=True, client_secret=None, client_private_key=KEY
    )
    causes = [found.cause for found in compare(metadata, settings)]
    assert ("provider_par_missing" in causes) is (endpoint is None)

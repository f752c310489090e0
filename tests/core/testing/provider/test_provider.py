"""The embeddable provider is strict and honest: driven over HTTP by a small relying party."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest
import requests
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from oidc_gate.testing import Client, Person, TestProvider
from tests.core.testing.provider.relying_party import APP, REDIRECT_URI, SECRET, SmallRelyingParty, sent_back


@pytest.fixture(scope="module")
def op() -> Iterator[TestProvider]:
    with TestProvider(clients=[APP], auto_login="alice") as provider:
        yield provider


@pytest.fixture
def rp(op: TestProvider) -> SmallRelyingParty:
    return SmallRelyingParty(op)


@pytest.fixture
def asking() -> Iterator[TestProvider]:
    with TestProvider(clients=[APP]) as provider:
        yield provider


def press(rp: SmallRelyingParty, page: requests.Response, **choice: str) -> requests.Response:
    transaction = re.search(r'name="transaction" value="([^"]+)"', page.text)
    assert transaction is not None, page.text
    form = {"transaction": transaction[1], **choice}
    return rp.http.post(f"{rp.op.issuer}/login", data=form, allow_redirects=False)


# ---- the flow


def test_a_sign_in_says_who_and_when(rp: SmallRelyingParty) -> None:
    answer = rp.answer()
    assert answer["state"] == "st+te"
    assert answer["iss"] == rp.op.issuer
    tokens = rp.token(code=answer["code"]).json()
    claims = rp.claims(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (rp.op.issuer, "app", "alice")
    assert claims["nonce"] == "n-1"
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["exp"] == claims["iat"] + 300
    assert claims["email"] == "alice@example.com"
    assert claims["groups"] == ["staff", "admins"]
    assert "acr" not in claims
    assert rp.userinfo(tokens["access_token"]).json()["name"] == "Alice Example"


def test_scopes_bound_what_is_said(rp: SmallRelyingParty) -> None:
    tokens = rp.sign_in(scope="openid")
    assert not {"email", "name", "groups"} & rp.claims(tokens["id_token"]).keys()
    assert rp.userinfo(tokens["access_token"]).json() == {"sub": "alice"}
    assert "refresh_token" not in tokens


def test_claims_can_be_left_to_userinfo() -> None:
    with TestProvider(clients=[APP], auto_login="alice", claims_in_id_token=False) as op:
        rp = SmallRelyingParty(op)
        tokens = rp.sign_in()
        assert "email" not in rp.claims(tokens["id_token"])
        assert rp.userinfo(tokens["access_token"]).json()["email"] == "alice@example.com"


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_a_bad_request_is_told_to_the_client(
    rp: SmallRelyingParty, bent: dict[str, str | None], error: str
) -> None:
    answer = rp.answer(**bent)
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "st+te", rp.op.issuer)
    assert "code" not in answer


@pytest.mark.parametrize(
    "bent",
    [
        {"redirect_uri": "http://127.0.0.1:9/callback/"},
        {"redirect_uri": "http://127.0.0.1:9/callback?x=1"},
        {"redirect_uri": "http://127.0.0.1:10/callback"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
    ],
)
def test_nothing_is_sent_to_an_unknown_address(rp: SmallRelyingParty, bent: dict[str, str | None]) -> None:
    response = rp.authorize(**bent)
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_a_repeated_parameter_is_refused(rp: SmallRelyingParty) -> None:
    honest = rp.authorize().request.url or ""
    response = rp.http.get(f"{honest}&scope=openid", allow_redirects=False)
    assert sent_back(response)["error"] == "invalid_request"
    twice = rp.http.get(f"{honest}&redirect_uri={REDIRECT_URI}", allow_redirects=False)
    assert twice.status_code == 400


def test_form_post_is_a_page_that_submits_itself(rp: SmallRelyingParty) -> None:
    page = rp.authorize(response_mode="form_post")
    assert page.status_code == 200
    assert f'action="{REDIRECT_URI}"' in page.text
    assert 'name="code"' in page.text
    assert 'name="state" value="st+te"' in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


# ---- the token endpoint


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
    ],
)
def test_a_code_is_bound_to_its_request(
    rp: SmallRelyingParty, bent: dict[str, str | None], error: str
) -> None:
    response = rp.token(**({"code": rp.answer()["code"]} | bent))
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response.headers["Cache-Control"] == "no-store"


def test_a_code_used_twice_takes_its_tokens_along(rp: SmallRelyingParty) -> None:
    code = rp.answer(scope="openid offline_access")["code"]
    tokens = rp.token(code=code).json()
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    assert rp.token(code=code).json()["error"] == "invalid_grant"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    again = rp.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


def test_a_code_is_good_for_one_client_and_a_minute() -> None:
    now = [1_800_000_000.0]
    other = Client(client_id="other", redirect_uris=[REDIRECT_URI])
    with TestProvider(clients=[APP, other], auto_login="alice", clock=lambda: now[0]) as op:
        rp, thief = SmallRelyingParty(op), SmallRelyingParty(op, other)
        code = rp.answer()["code"]
        assert thief.token(code=code, client_id="other").json()["error"] == "invalid_grant"
        now[0] += 61
        assert rp.token(code=code).json()["error"] == "invalid_grant"
        assert rp.token(code=rp.answer()["code"]).status_code == 200


def test_refresh_tokens_rotate_and_a_stolen_one_ends_it(rp: SmallRelyingParty) -> None:
    first = rp.sign_in(scope="openid email offline_access")
    second = rp.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    claims = rp.claims(second["id_token"])
    assert claims["sub"] == "alice"
    assert "nonce" not in claims
    more = rp.token(grant_type="refresh_token", refresh_token=second["refresh_token"], scope="openid groups")
    assert more.json()["error"] == "invalid_scope"
    replay = rp.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert replay.json()["error"] == "invalid_grant"
    after = rp.token(grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert after.json()["error"] == "invalid_grant"


def test_a_user_who_was_removed_is_refused_everywhere() -> None:
    with TestProvider(clients=[APP], auto_login="alice") as op:
        rp = SmallRelyingParty(op)
        tokens, code = rp.sign_in(scope="openid offline_access"), rp.answer()["code"]
        op.auto_login = None
        op.remove_person("alice")
        assert rp.token(code=code).json()["error"] == "invalid_grant"
        refreshed = rp.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert refreshed.json()["error"] == "invalid_grant"
        assert rp.userinfo(tokens["access_token"]).status_code == 401
        with pytest.raises(LookupError):
            op.remove_person("alice")


def test_a_refresh_token_is_good_for_its_client_and_a_day() -> None:
    now = [1_800_000_000.0]
    other = Client(client_id="other", redirect_uris=[REDIRECT_URI])
    with TestProvider(clients=[APP, other], auto_login="alice", clock=lambda: now[0]) as op:
        rp, thief = SmallRelyingParty(op), SmallRelyingParty(op, other)
        tokens = rp.sign_in(scope="openid offline_access")
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert thief.token(**refresh, client_id="other").json()["error"] == "invalid_grant"
        narrowed = rp.token(**refresh, scope="offline_access").json()
        assert "id_token" not in narrowed
        assert rp.userinfo(narrowed["access_token"]).status_code == 403
        now[0] += 3601
        assert rp.userinfo(tokens["access_token"]).status_code == 401
        now[0] += 86_400
        late = rp.token(grant_type="refresh_token", refresh_token=narrowed["refresh_token"])
        assert late.json()["error"] == "invalid_grant"


def test_a_short_verifier_proves_nothing(rp: SmallRelyingParty) -> None:
    digest = hashlib.sha256(b"short").digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    response = rp.token(code=rp.answer(code_challenge=challenge)["code"], code_verifier="short")
    assert response.json()["error"] == "invalid_grant"


def test_a_repeated_token_parameter_is_refused(rp: SmallRelyingParty) -> None:
    body = "grant_type=authorization_code&grant_type=authorization_code"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response = rp.http.post(f"{rp.op.issuer}/token", data=body, headers=form)
    assert "repeated parameter" in response.json()["error_description"]


# ---- client authentication


def test_basic_credentials_are_form_encoded_first(rp: SmallRelyingParty) -> None:
    code = rp.answer()["code"]
    credentials = base64.b64encode(f"app:{SECRET}".encode()).decode()
    raw = rp.http.post(
        f"{rp.op.issuer}/token",
        data={"grant_type": "authorization_code", "code": code},
        headers={"Authorization": f"Basic {credentials}"},
    )
    assert (raw.status_code, raw.json()["error"]) == (401, "invalid_client")
    assert raw.headers["WWW-Authenticate"].startswith("Basic")
    assert rp.token(code=code).status_code == 200


def test_only_the_registered_method_counts(rp: SmallRelyingParty) -> None:
    code = rp.answer()["code"]
    posted = rp.token(code=code, client_id="app", client_secret=SECRET)
    assert (posted.status_code, posted.json()["error"]) == (401, "invalid_client")
    public = rp.token(code=code, client_id="app")
    assert (public.status_code, public.json()["error"]) == (401, "invalid_client")
    other = rp.http.post(
        f"{rp.op.issuer}/token", data={"client_id": "other"}, auth=("app", quote_plus(SECRET))
    )
    assert (other.status_code, "client_id" in other.json()["error_description"]) == (400, True)
    both = rp.token(code=code, client_secret=SECRET)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


def test_a_posted_secret_must_be_right() -> None:
    client = Client(
        client_id="p",
        client_secret=SECRET,
        redirect_uris=[REDIRECT_URI],
        token_endpoint_auth_method="client_secret_post",
    )
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        code = rp.answer()["code"]
        assert rp.token(code=code, client_id="p", client_secret="wrong").json()["error"] == "invalid_client"
        assert rp.token(code=code, client_id="p", client_secret=SECRET).status_code == 200


def assertion(op: TestProvider, key: Key, alg: str, **bent: object) -> dict[str, str | None]:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "j",
        "sub": "j",
        "aud": op.issuer,
        "exp": now + 60,
        "jti": str(time.perf_counter()),
    }
    return {
        "client_id": "j",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": alg}, claims | bent, key, algorithms=[alg]),
    }


JWT_KEYS: dict[str, tuple[str, Callable[[], Key]]] = {
    "private_key_jwt": ("ES256", lambda: ECKey.generate_key("P-256")),
    "client_secret_jwt": ("HS256", lambda: OctKey.import_key("k" * 40)),
}


@pytest.mark.parametrize("method", JWT_KEYS)
def test_a_signed_assertion_names_us_and_is_used_once(method: str) -> None:
    alg, make = JWT_KEYS[method]
    key = make()
    client = Client(
        client_id="j",
        client_secret="k" * 40 if method == "client_secret_jwt" else None,
        redirect_uris=[REDIRECT_URI],
        token_endpoint_auth_method=method,
        jwks={"keys": [key.as_dict(private=False)]} if method == "private_key_jwt" else None,
    )
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        code = rp.answer()["code"]
        stranger = OctKey.import_key("x" * 40) if alg == "HS256" else ECKey.generate_key("P-256")
        for refused in (
            assertion(op, stranger, alg),
            assertion(op, key, alg, aud="https://elsewhere.example"),
            assertion(op, key, alg, iss="other"),
            assertion(op, key, alg, exp=int(time.time()) - 1),
            assertion(op, key, alg, exp=None),
            assertion(op, key, alg, jti=None),
            assertion(op, key, alg, nbf=int(time.time()) + 100),
            assertion(op, key, alg) | {"client_id": "app"},
        ):
            response = rp.token(code=code, **refused)
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        good = assertion(op, key, alg)
        assert rp.token(code=code, **good).status_code == 200
        replayed = rp.token(code=rp.answer()["code"], **good)
        assert replayed.json()["error"] == "invalid_client"


# ---- keys and sealing


@pytest.mark.parametrize("alg", ["RS256", "PS384", "ES256", "ES384", "ES512", "Ed25519"])
def test_tokens_are_signed_as_registered(alg: str) -> None:
    client = Client(client_id="a", redirect_uris=[REDIRECT_URI], id_token_signed_response_alg=alg)
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        tokens = rp.token(code=rp.answer()["code"], client_id="a").json()
        assert rp.claims(tokens["id_token"])["sub"] == "alice"


def test_hs256_is_signed_with_the_secret() -> None:
    client = Client(
        client_id="app",
        client_secret="k" * 40,
        redirect_uris=[REDIRECT_URI],
        id_token_signed_response_alg="HS256",
    )
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        assert rp.claims(rp.sign_in()["id_token"], OctKey.import_key("k" * 40))["sub"] == "alice"


@pytest.mark.parametrize(("alg", "enc"), [("RSA-OAEP", "A128GCM"), ("ECDH-ES", "A256GCM")])
def test_tokens_are_encrypted_as_registered(alg: str, enc: str) -> None:
    key: Key = RSAKey.generate_key(2048) if alg == "RSA-OAEP" else ECKey.generate_key("P-256")
    client = Client(
        client_id="app",
        client_secret=SECRET,
        redirect_uris=[REDIRECT_URI],
        jwks={"keys": [{**key.as_dict(private=False), "kid": "k1", "use": "enc"}]},
        id_token_encrypted_response_alg=alg,
        id_token_encrypted_response_enc=enc,
    )
    with TestProvider(clients=[client], auto_login="alice") as op:
        rp = SmallRelyingParty(op, client)
        opened = jwe.decrypt_compact(rp.sign_in()["id_token"], key, algorithms=[alg, enc])
        assert opened.headers()["kid"] == "k1"
        assert rp.claims((opened.plaintext or b"").decode())["sub"] == "alice"


def test_rotation_publishes_old_and_new(rp: SmallRelyingParty) -> None:
    before = rp.op.jwks["keys"][0]["kid"]
    old = rp.sign_in()["id_token"]
    rp.op.rotate_keys()
    assert rp.op.jwks["keys"][0]["kid"] != before
    assert rp.claims(old)["sub"] == rp.claims(rp.sign_in()["id_token"])["sub"] == "alice"


def test_discovery_is_true(rp: SmallRelyingParty) -> None:
    said = rp.http.get(f"{rp.op.issuer}/.well-known/openid-configuration").json()
    assert said["issuer"] == rp.op.issuer
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    for name in (
        "jwks_uri",
        "userinfo_endpoint",
        "authorization_endpoint",
        "token_endpoint",
        "end_session_endpoint",
    ):
        assert rp.http.get(said[name]).status_code not in (404, 500), name


def test_an_issuer_may_have_a_path_and_a_name() -> None:
    with TestProvider(clients=[APP], auto_login="alice", host="localhost", path="/tenant/one") as op:
        assert op.issuer.startswith("http://localhost:")
        assert op.issuer.endswith("/tenant/one")
        rp = SmallRelyingParty(op)
        assert rp.claims(rp.sign_in()["id_token"])["iss"] == op.issuer
        root = op.issuer.removesuffix("/tenant/one")
        assert rp.http.get(f"{root}/.well-known/openid-configuration").status_code == 404


# ---- the person


def test_the_page_lists_people_and_remembers(asking: TestProvider) -> None:
    rp = SmallRelyingParty(asking)
    page = rp.authorize(login_hint="bob")
    assert page.status_code == 200
    assert page.text.index("Bob Example") < page.text.index("Alice Example")
    code = sent_back(press(rp, page, sub="bob"))["code"]
    assert rp.claims(rp.token(code=code).json()["id_token"])["sub"] == "bob"
    assert rp.authorize(prompt="none").status_code == 303
    assert press(rp, page, sub="alice").status_code == 400


def test_a_choice_made_by_another_site_does_not_count(asking: TestProvider) -> None:
    rp = SmallRelyingParty(asking)
    transaction = re.search(r'name="transaction" value="([^"]+)"', rp.authorize().text)
    assert transaction is not None
    form = {"transaction": transaction[1], "sub": "bob"}
    cross = {"Sec-Fetch-Site": "cross-site"}
    refused = rp.http.post(f"{asking.issuer}/login", data=form, headers=cross, allow_redirects=False)
    assert (refused.status_code, "Location" in refused.headers) == (403, False)
    assert rp.answer(prompt="none")["error"] == "login_required"


def test_only_people_of_ours_can_sign_in(asking: TestProvider) -> None:
    rp = SmallRelyingParty(asking)
    response = press(rp, rp.authorize(), sub="mallory")
    assert (response.status_code, "Location" in response.headers) == (400, False)


def test_prompts_and_max_age_ask_again() -> None:
    now = [1_800_000_000.0]
    with TestProvider(clients=[APP], clock=lambda: now[0]) as op:
        rp = SmallRelyingParty(op)
        assert rp.answer(prompt="none")["error"] == "login_required"
        assert sent_back(press(rp, rp.authorize(), deny="1"))["error"] == "access_denied"
        press(rp, rp.authorize(), sub="alice")
        first = rp.claims(rp.sign_in()["id_token"])
        for prompt in ("login", "select_account", "consent"):
            assert rp.authorize(prompt=prompt).status_code == 200
        now[0] += 100
        assert rp.answer(prompt="none", max_age="50")["error"] == "login_required"
        code = sent_back(press(rp, rp.authorize(max_age="50"), sub="alice"))["code"]
        claims = rp.claims(rp.token(code=code).json()["id_token"])
        assert (claims["auth_time"], claims["sid"]) == (1_800_000_100, first["sid"])


def test_markup_in_a_name_stays_text() -> None:
    with TestProvider(clients=[APP], people=[Person(sub="x", name="<script>x</script>")]) as op:
        assert "<script>x" not in SmallRelyingParty(op).authorize().text


def test_acr_is_given_when_asked(rp: SmallRelyingParty) -> None:
    assert rp.claims(rp.sign_in(acr_values="9 2")["id_token"])["acr"] == "2"
    assert rp.claims(rp.sign_in(acr_values="9")["id_token"])["acr"] == "0"


def test_userinfo_wants_a_bearer_token(rp: SmallRelyingParty) -> None:
    tokens = rp.sign_in()
    missing = rp.http.get(f"{rp.op.issuer}/userinfo", params={"access_token": tokens["access_token"]})
    assert (missing.status_code, missing.headers["WWW-Authenticate"]) == (401, "Bearer, DPoP")
    wrong = rp.userinfo(tokens["id_token"])
    assert wrong.status_code == 401
    assert "invalid_token" in wrong.headers["WWW-Authenticate"]


# ---- signing out


class Listener:
    """A relying party's back-channel address; keeps the tokens that arrive."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                listener.tokens += form["logout_token"]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.http.server_port}/logout"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.http.shutdown()
    listening.http.server_close()


def test_signing_out_tells_everybody_and_comes_back(listener: Listener) -> None:
    client = Client(
        client_id="app",
        client_secret=SECRET,
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=["http://127.0.0.1:9/bye?x=1"],
        backchannel_logout_uri=listener.uri,
        frontchannel_logout_uri="http://127.0.0.1:9/front",
    )
    with TestProvider(clients=[client]) as op:
        rp = SmallRelyingParty(op, client)
        code = sent_back(press(rp, rp.authorize(), sub="alice"))["code"]
        tokens = rp.token(code=code).json()
        sid = rp.claims(tokens["id_token"])["sid"]
        asked = {
            "id_token_hint": tokens["id_token"],
            "post_logout_redirect_uri": "http://127.0.0.1:9/bye?x=1",
            "state": "s",
        }
        kept = rp.http.cookies.copy()
        page = rp.http.get(f"{op.issuer}/end_session", params=asked)
        assert f"sid={sid}" in page.text
        assert "url=http://127.0.0.1:9/bye?x=1&amp;state=s" in page.text
        (logout_token,) = listener.tokens
        said = rp.claims(logout_token)
        assert (said["aud"], said["sub"], said["sid"]) == ("app", "alice", sid)
        assert "nonce" not in said
        assert rp.answer(prompt="none")["error"] == "login_required"
        rp.http.cookies.update(kept)  # a cookie kept aside is worth nothing any more
        assert rp.answer(prompt="none")["error"] == "login_required"
        (delivery,) = op.back_channel_logout(sub="alice")
        assert (delivery.client_id, delivery.status) == ("app", 200)


def test_signing_out_without_a_hint_asks_first(asking: TestProvider) -> None:
    rp = SmallRelyingParty(asking)
    press(rp, rp.authorize(), sub="alice")
    asked = {"client_id": "app", "post_logout_redirect_uri": "http://127.0.0.1:9/bye", "state": "s"}
    page = rp.http.get(f"{asking.issuer}/end_session", params=asked, allow_redirects=False)
    assert (page.status_code, "Sign out here?" in page.text) == (200, True)
    assert rp.authorize(prompt="none").status_code == 303
    cross = rp.http.post(
        f"{asking.issuer}/end_session",
        data=asked | {"confirm": "1"},
        headers={"Sec-Fetch-Site": "cross-site"},
        allow_redirects=False,
    )
    assert cross.status_code == 200
    done = rp.http.post(f"{asking.issuer}/end_session", data=asked | {"confirm": "1"}, allow_redirects=False)
    assert done.headers["Location"] == "http://127.0.0.1:9/bye?state=s"
    assert rp.answer(prompt="none")["error"] == "login_required"


@pytest.mark.parametrize(
    "asked",
    [
        {"client_id": "app", "post_logout_redirect_uri": "http://127.0.0.1:9/elsewhere"},
        {"post_logout_redirect_uri": "http://127.0.0.1:9/bye"},
        {"id_token_hint": "e30.e30.e30", "post_logout_redirect_uri": "http://127.0.0.1:9/bye"},
    ],
)
def test_signing_out_goes_nowhere_unregistered(op: TestProvider, asked: dict[str, str]) -> None:
    response = requests.get(f"{op.issuer}/end_session", params=asked, allow_redirects=False)
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_a_hint_is_believed_only_from_us_and_for_its_client(rp: SmallRelyingParty) -> None:
    hint = rp.sign_in()["id_token"]
    rp.op.register(
        Client(client_id="other", redirect_uris=[REDIRECT_URI], post_logout_redirect_uris=["http://x/"])
    )
    stranger = {"alg": "ES256", "kid": rp.op.jwks["keys"][0]["kid"]}
    claims = {"iss": rp.op.issuer, "aud": "app", "sub": "alice"}
    for asked in (
        {"id_token_hint": hint, "client_id": "other", "post_logout_redirect_uri": "http://x/"},
        {"id_token_hint": jwt.encode(stranger, claims, ECKey.generate_key("P-256"))},
        {"id_token_hint": rp.op.sign(claims | {"iss": "https://elsewhere.example"})},
    ):
        assert rp.http.get(f"{rp.op.issuer}/end_session", params=asked).status_code == 400


# ---- the server


def test_requests_are_kept_for_assertions(rp: SmallRelyingParty) -> None:
    rp.sign_in()
    last = rp.op.requests[-1]
    assert (last.method, last.path, last.form["grant_type"]) == ("POST", "/token", "authorization_code")
    assert last.headers["authorization"].startswith("Basic ")


def test_it_stops_and_comes_back_as_the_same_issuer() -> None:
    provider = TestProvider(clients=[APP], auto_login="alice")
    with provider as op:
        issuer = op.issuer
        rp = SmallRelyingParty(op)
        rp.sign_in()
    with pytest.raises(requests.ConnectionError):
        rp.http.get(f"{issuer}/jwks", timeout=2)
    with provider as op:
        assert op.issuer == issuer
        assert rp.claims(rp.sign_in()["id_token"])["sub"] == "alice"


def test_other_methods_and_paths_are_refused(op: TestProvider) -> None:
    assert requests.get(f"{op.issuer}/token").status_code == 405
    assert requests.get(f"{op.issuer}/nothing").status_code == 404

"""The three forms of docs/nginx, each before `oidc-gate serve` and before the gate mounted in Flask and FastAPI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    FORMS,
    GATES,
    NAVIGATION,
    Visitor,
    echo_application,
    gate,
    gate_environment,
    headers_seen,
    recipe,
)
from tests.real.nginx import Nginx

ALICE = Person(sub="alice", email="alice@example.com", email_verified=True, groups=("staff", "admins"))
EVE = Person(sub="eve", email="eve@elsewhere.example", email_verified=True)

STATUS_ANONYMOUS = {"page": 401, "page-403": 403, "redirect": 302}
SPELLINGS = (
    "X-Forwarded-User", "x-forwarded-user", "X_Forwarded_User", "X-Forwarded_User", "X-Forwarded-Email",
    "X-Forwarded-Groups", "X_Forwarded_Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token",
    "X-Auth-Request-User", "X_Auth_Request_User", "X-Auth-Request-Email", "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username", "X-Auth-Request-Access-Token", "X-Auth-Request-Redirect",
    "X-Auth-Request-Method", "Remote-User", "REMOTE_USER", "Remote_User",
)  # fmt: skip


@dataclass(frozen=True)
class House:
    provider: TestProvider
    fronts: dict[str, Nginx]

    def visitor(self, form: str, who: str | None = None) -> Visitor:
        visitor = Visitor(self.fronts[form])
        if who is not None:
            self.provider.auto_login = who
            visitor.open(f"{APP}/oauth2/start?rd=/")
        return visitor


@pytest.fixture(scope="module", params=GATES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("forms")
    client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[APP + CALLBACK])
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, EVE]))
        env = gate_environment(provider.issuer, allowed_email_domains="example.com")
        app = stack.enter_context(echo_application(directory))
        asked = stack.enter_context(gate(request.param, directory=directory, env=env))
        fronts = {
            form: stack.enter_context(
                recipe(name, directory=directory / form, gate_port=asked.port, app_port=app.port)
            )
            for form, name in FORMS.items()
        }
        yield House(provider, fronts)


@pytest.mark.parametrize("form", ["page", "page-403"])
def test_an_anonymous_navigation_gets_the_page(house: House, form: str) -> None:
    reply = house.visitor(form).open(f"{APP}/a%20b/reports?month=5&x=1")
    assert reply.status_code == STATUS_ANONYMOUS[form]
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-store"
    assert 'href="/oauth2/start?rd=/a%2520b/reports%3Fmonth%3D5%26x%3D1"' in reply.text
    assert reply.url == f"{APP}/a%20b/reports?month=5&x=1"


def test_the_redirect_leads_to_the_provider_at_once(house: House) -> None:
    reply = house.visitor("redirect").open(f"{APP}/reports?month=5", allow_redirects=False)
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith(house.provider.issuer + "/authorize?")
    assert reply.headers["Set-Cookie"].startswith("__Host-oidc_gate.flow")


@pytest.mark.parametrize("form", ["page", "page-403"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_script_of_a_single_page_application_is_led_to_its_page(
    house: House, form: str, method: str
) -> None:
    headers = FETCH | {"Referer": f"{APP}/dash?tab=2"}
    reply = house.visitor(form).request(method, f"{APP}/api/data?x=1", headers=headers, timeout=60)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["sign_in"] == f"{APP}/oauth2/start?rd=/dash%3Ftab%3D2"


@pytest.mark.parametrize("target", ["/a%20b", "/reports?month=5&x=%2F", "/x%3Fy?a=b&rd=/c", "/caf%C3%A9"])
@pytest.mark.parametrize("form", FORMS)
def test_everybody_comes_back_to_what_they_asked_for(house: House, form: str, target: str) -> None:
    visitor = house.visitor(form)
    house.provider.auto_login = "alice"
    reply = visitor.open(APP + target)
    if form != "redirect":
        link = reply.text.partition('href="/oauth2/start?')[2].partition('"')[0]
        reply = visitor.open(f"{APP}/oauth2/start?{link}")
    assert (reply.status_code, reply.url) == (200, APP + target)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [("page", 401, "no_cookie"), ("page-403", 403, "no_cookie"), ("redirect", 400, "not_a_navigation")],
)
@pytest.mark.parametrize("headers", [FETCH, {"Accept": "*/*"}], ids=["fetch", "curl"])
def test_a_script_gets_json_and_never_a_page(
    house: House, form: str, status: int, code: str, headers: dict[str, str]
) -> None:
    sent = headers | {
        "Referer": f"{APP}/dash?tab=2"
    }  # the page of the script, to which the sign-in leads back
    reply = house.visitor(form).get(f"{APP}/api/items?n=1", headers=sent, timeout=60, allow_redirects=False)
    if form == "redirect" and headers is not FETCH:
        # Without Fetch Metadata nothing tells a script from an old browser: it gets the 302 of this form.
        assert reply.status_code == 302
        return
    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["code"] == code
    if form != "redirect":
        assert reply.json()["sign_in"] == f"{APP}/oauth2/start?rd=/dash%3Ftab%3D2"


@pytest.mark.parametrize("form", ["page", "page-403"])
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["page", "fetch"])
def test_there_is_one_challenge(house: House, form: str, headers: dict[str, str]) -> None:
    """`auth_request` copies the challenge of the verdict, and the page that error_page shows brings no second one."""

    def challenges(method: str, path: str, who: str | None = None) -> tuple[int, list[str]]:
        reply = house.visitor(form, who).request(method, APP + path, headers=headers, timeout=60)
        return reply.status_code, reply.raw.headers.getlist("WWW-Authenticate")

    for method in ("GET", "HEAD", "POST"):
        assert challenges(method, "/reports?month=5") == (STATUS_ANONYMOUS[form], ["Bearer"])
    assert challenges("GET", "/oauth2/sign_in?rd=/reports") == (401, ["Bearer"])
    assert challenges("GET", "/reports", "eve") == (403, [])


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_nobody_received(house: House, form: str) -> None:
    headers = NAVIGATION | {"Origin": APP, "Referer": f"{APP}/form?n=1", "Sec-Fetch-Site": "same-origin"}
    reply = house.visitor(form).post(
        f"{APP}/save", data={"text": "x" * 100_000}, headers=headers, timeout=60, allow_redirects=False
    )
    assert reply.status_code == STATUS_ANONYMOUS[form]
    if form != "redirect":
        assert "Your form was not sent" in reply.text
        assert 'href="/oauth2/start?rd=/form%3Fn%3D1"' in reply.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_another_method_gets_json(house: House, method: str) -> None:
    reply = house.visitor("page").request(method, f"{APP}/api", headers=FETCH, data=b"x" * 5000, timeout=60)
    assert (reply.status_code, reply.json()["code"]) == (401, "no_cookie")


@pytest.mark.parametrize("form", FORMS)
def test_somebody_signed_in_reaches_the_application(house: House, form: str) -> None:
    visitor = house.visitor(form, "alice")
    visitor.cookies.set("theme", "dark", domain="app.example.com")
    reply = visitor.post(f"{APP}/save?a=1", data=b"x" * 100_000, timeout=60)
    assert reply.status_code == 200
    told = reply.json()
    assert (told["method"], told["target"], told["body"]) == ("POST", "/save?a=1", 100_000)
    seen = headers_seen(reply)
    assert seen["x-forwarded-user"] == ["alice"]
    assert seen["x-forwarded-email"] == ["alice@example.com"]
    assert seen["x-forwarded-groups"] == ["staff,admins"]
    assert seen["host"] == ["app.example.com"]
    assert seen["x-forwarded-proto"] == ["https"]
    assert "theme=dark" in seen["cookie"][0]
    assert "__Host-oidc_gate=" not in seen["cookie"][0]


@pytest.mark.parametrize("form", FORMS)
def test_no_spelling_of_an_identity_header_gets_past(house: House, form: str) -> None:
    visitor = house.visitor(form, "alice")
    for name in SPELLINGS:
        seen = headers_seen(visitor.get(f"{APP}/", headers={name: "forged"}, timeout=60))
        assert ["forged"] not in seen.values(), name
        assert not any("forged" in value for values in seen.values() for value in values), name
        assert seen["x-forwarded-user"] == ["alice"]


@pytest.mark.parametrize("form", FORMS)
def test_the_refused_get_a_page_and_never_a_loop(house: House, form: str) -> None:
    visitor = house.visitor(form, "eve")
    reply = visitor.open(f"{APP}/reports?month=5")
    assert (reply.status_code, reply.history) == (403, [])
    assert "You do not have access" in reply.text
    assert "eve@" in reply.text
    assert "prompt=select_account&amp;rd=/reports%3Fmonth%3D5" in reply.text
    script = visitor.get(f"{APP}/api", headers=FETCH, timeout=60)
    assert script.status_code == 403
    assert script.headers["Content-Type"] == "application/problem+json"
    assert script.json()["code"] == "access_denied"


@pytest.mark.parametrize("form", FORMS)
def test_nobody_asks_for_the_verdict_directly(house: House, form: str) -> None:
    assert house.visitor(form, "alice").get(f"{APP}/oauth2/auth", timeout=60).status_code == 404

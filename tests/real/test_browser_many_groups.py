"""A user in 200 Entra groups, Chromium, and the files of docs/nginx, with eight sign-ins open at once."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.real import browser as chromium_browser
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_SECRET,
    FORMS,
    SIGNED_OUT,
    echo_application,
    gate_environment,
    oidc_gate_serve,
    recipe,
)
from tests.real.browsing import Watch, go_on
from tests.real.op_node import client, node_provider, sign_in
from tests.real.test_browser_nginx import IN_PLACE, House

GROUPS = [str(uuid.UUID(bytes=hashlib.md5(b"%d" % each).digest())) for each in range(200)]
MAIN = "__Host-oidc_gate"


@pytest.fixture(params=FORMS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    registered = client(
        APP + CALLBACK, client_secret=CLIENT_SECRET, post_logout_redirect_uris=[APP + SIGNED_OUT]
    )
    with ExitStack() as stack:
        accounts = {"many": {"groups": GROUPS}}
        provider = stack.enter_context(node_provider([registered], directory=directory, accounts=accounts))
        application = stack.enter_context(echo_application(directory))
        gate = stack.enter_context(
            oidc_gate_serve(
                directory=directory, env=gate_environment(provider.issuer, session_idle_seconds="10")
            )
        )
        front = stack.enter_context(
            recipe(
                FORMS[request.param],
                directory=directory / "nginx",
                gate_port=gate.port,
                app_port=application.port,
            )
        )
        browser = stack.enter_context(chromium_browser.chromium({"app.example.com": front.ports[443]}))
        yield House(request.param, browser, Watch(APP), provider)


def test_200_groups_and_eight_open_sign_ins_behind_nginx(house: House) -> None:
    page = house.person()
    for number in range(9):  # one more than there are slots
        page.goto(f"{APP}/oauth2/start?rd=/page{number}")
    page.goto(f"{APP}/reports")
    if house.form in IN_PLACE:
        go_on(page)
    sign_in(page, "many")
    page.wait_for_url(f"{APP}/reports")
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(APP)}
    assert {MAIN, f"{MAIN}.body", f"{MAIN}.body2"} <= set(cookies)
    assert len([name for name in cookies if ".flow" in name]) >= 7
    for number in range(2):  # every slot is taken, and the session is there
        other = page.context.new_page()
        other.goto(f"{APP}/oauth2/start?prompt=login&rd=/again{number}")
        other.close()
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(APP)}
    assert len([name for name in cookies if ".flow" in name]) == 8
    assert len("; ".join(f"{name}={value}" for name, value in cookies.items())) < 7_000
    for _ in range(3):
        reply = page.goto(f"{APP}/echo")
        assert reply is not None
        assert reply.status == 200
        headers = dict(json.loads(reply.body())["headers"])
        assert headers["x-forwarded-groups"] == ",".join(GROUPS)
        assert "x-forwarded-groups-incomplete" not in headers
        page.wait_for_timeout(1_100)  # the session is renewed: a tenth of the idle time
    assert house.watch.complaints == []

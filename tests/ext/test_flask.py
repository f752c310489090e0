from __future__ import annotations

from typing import Any

import flask
import pytest

import oidc_gate
from oidc_gate.ext.flask import current_identity, require
from oidc_gate.testing import settings_for_tests, signed_in


@pytest.fixture(scope="module")
def app() -> flask.Flask:
    app = flask.Flask(__name__)
    settings = settings_for_tests(public_paths=["/open/*"])
    app.wsgi_app = oidc_gate.OIDCGate(app.wsgi_app, settings)  # type: ignore[method-assign]

    @app.get("/me")
    @app.get("/open/me", endpoint="open")
    def me() -> dict[str, Any]:
        return {"email": current_identity.email} if current_identity else {"nobody": current_identity == None}  # noqa: E711

    @app.get("/staff")
    @require(group="staff")
    def staff() -> str:
        return "staff only"

    @app.get("/open/mine")
    @require()
    def mine() -> str:
        return "mine"

    @app.get("/some")
    @require(group=("staff", "admins"))
    async def some() -> str:
        return "some"

    return app


def test_who_it_is(app: flask.Flask) -> None:
    with signed_in(app, email="alice@example.com"):
        assert app.test_client().get("/me").json == {"email": "alice@example.com"}
        assert app.test_client().get("/open/me").json == {"email": "alice@example.com"}
    assert app.test_client().get("/open/me").json == {"nobody": True}


def test_only_a_group(app: flask.Flask) -> None:
    client = app.test_client()
    with signed_in(app, groups=["guests"]):
        assert [client.get(path).status_code for path in ("/staff", "/some", "/open/mine")] == [403, 403, 200]
    with signed_in(app, groups=["staff"]):
        assert client.get("/staff").text == "staff only"
    with signed_in(app, groups=["admins"]):
        assert client.get("/staff").status_code == 403


def test_a_user_whom_the_rules_refuse_is_nobody_on_a_public_path() -> None:
    app = flask.Flask(__name__)
    rules = settings_for_tests(public_paths=["/open/*"], allowed_groups=["staff"])
    app.wsgi_app = oidc_gate.OIDCGate(app.wsgi_app, rules)  # type: ignore[method-assign]

    @app.get("/open/me")
    def me() -> dict[str, Any]:
        return {
            "email": current_identity.email if current_identity else None,
            "user": flask.request.remote_user,
        }

    @app.get("/open/mine")
    @require()
    def mine() -> str:
        return "mine"

    client = app.test_client()
    with signed_in(app, email="eve@evil.example", groups=["guests"]):
        assert client.get("/open/me").json == {"email": None, "user": None}
        assert client.get("/open/mine").status_code == 401
        denied = client.get("/open/mine", headers={"Accept": "text/html"})
        assert (denied.status_code, "You do not have access" in denied.text) == (403, True)
    with signed_in(app, email="alice@example.com", groups=["staff"]):
        assert client.get("/open/mine").text == "mine"


def test_its_401_on_a_public_path_is_the_sign_in(app: flask.Flask) -> None:
    answer = app.test_client().get("/open/mine?x=1", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "/oauth2/start?rd=/open/mine%3Fx%3D1" in answer.text
    assert app.test_client().get("/open/mine").status_code == 401


def test_without_a_gate_nobody_is_signed_in() -> None:
    app = flask.Flask(__name__)

    @app.get("/")
    @require()
    def home() -> str:
        return "home"

    named = {"Oidc-Gate.Identity": "alice", "Oidc_Gate_Identity": "alice"}
    assert app.test_client().get("/", headers=named).status_code == 401
    assert app.test_client().get("/", environ_overrides={"oidc_gate.identity": "alice"}).status_code == 401


@pytest.mark.parametrize("group", ["", (), ("staff", "")])
def test_a_rule_without_a_group_is_an_error(group: Any) -> None:
    with pytest.raises(ValueError, match="require"):
        require(group=group)

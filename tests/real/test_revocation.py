"""After a sign-out, the provider accepts the tokens of the session no more."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.real.behind_nginx import gate_environment
from tests.real.ports import free_port
from tests.real.servers import serving
from tests.real.stores.visits import provider_for, sign_in, sign_out, until, visit


@pytest.mark.parametrize("kind", ["gunicorn-gthread", "uvicorn"])
def test_the_access_token_is_worth_nothing_after_the_sign_out(kind: str, tmp_path: Path) -> None:
    port = free_port()
    app = "tests.real.which_worker:" + ("asgi" if kind == "uvicorn" else "wsgi")
    with provider_for(port) as op:
        url = f"sqlite://{tmp_path}/sessions.db"
        settings = {"session_store": url, "pass_access_token": "true"}
        env = gate_environment(op.issuer, f"http://localhost:{port}", **settings)
        with serving(kind, app, directory=tmp_path, env=env, port=port):
            ada = sign_in(port)
            headers = {"Accept": "application/json"}
            asked = f"http://localhost:{port}/oauth2/auth"
            token = requests.get(asked, headers=headers, cookies=ada, timeout=60).headers[
                "X-Auth-Request-Access-Token"
            ]

            def userinfo() -> int:
                bearer = {"Authorization": f"Bearer {token}"}
                return requests.get(f"{op.issuer}/userinfo", headers=bearer, timeout=60).status_code

            assert userinfo() == 200
            sign_out(port, ada)
            assert visit(port, ada).status == 401
            until("the revocation", lambda: userinfo() == 401)
            assert [each.path for each in op.requests].count("/revoke") == 1

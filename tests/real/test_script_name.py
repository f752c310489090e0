"""gunicorn takes a client's ``SCRIPT_NAME`` header for the mount; made-up mounts cost the provider nothing."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from oidc_gate.testing import Client, TestProvider
from tests.real.behind_nginx import CLIENT_ID, CLIENT_SECRET, gate_environment
from tests.real.servers import serving

MAX_REQUESTS_TO_PROVIDER = 4  # the metadata and the keys, by the background and by one first sign-in


@pytest.mark.parametrize("server", ["gunicorn-sync", "gunicorn-gthread"])
@pytest.mark.parametrize("app", ["tests.real.wrapped:wsgi", "tests.real.mounted_flask:app"])
def test_oidc_gate_2026_11_script_name_churn(server: str, app: str, tmp_path: Path) -> None:
    registered = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=["http://localhost/"])
    with TestProvider(clients=[registered]) as op:
        env = gate_environment(op.issuer, "http://localhost:1", pushed_authorization_requests="never")
        with serving(server, app, directory=tmp_path, env=env, ready_path="/oauth2/ping") as running:
            statuses = set()
            for number in range(200):
                connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
                path = f"/m{number}/oauth2/{('auth', 'start', 'sign_in')[number % 3]}"
                headers = {"SCRIPT_NAME": f"/m{number}", "Accept": "text/html"}
                connection.request("GET", path, headers=headers)
                statuses.add(connection.getresponse().status)
                connection.close()
        assert statuses == {401, 302}
        assert len(op.requests) <= MAX_REQUESTS_TO_PROVIDER, [seen.path for seen in op.requests]

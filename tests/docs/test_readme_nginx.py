"""The Nginx recipe of the README, as it stands: sign-in, and the one header that it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import REPOSITORY, blocks_of
from tests.examples.visiting import NAVIGATION, Visitor, demo
from tests.real.nginx import nginx
from tests.real.ports import free_port
from tests.real.servers import serving

pytestmark = pytest.mark.real


def test_the_recipe_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in blocks_of(REPOSITORY / "README.md") if block.language == "nginx")
    port = free_port()
    monkeypatch.setattr("tests.real.nginx.free_port", lambda: port)
    url = f"http://localhost:{port}"
    with (
        demo(
            "tests.real.mounted_flask:app",
            directory=tmp_path,
            env={"OIDC_GATE_PUBLIC_URL": url, "OIDC_GATE_ALLOWED_EMAIL_DOMAINS": "example.com"},
            ready_path="/oauth2/ping",
        ) as gate,
        serving("uvicorn", "tests.real.echo:app", directory=tmp_path) as application,
        nginx(
            f"server {{\nlisten 80;\n{block.text}\n}}",
            directory=tmp_path,
            upstreams={4180: gate.port, 8080: application.port},
        ),
    ):
        visitor = Visitor(url)
        assert visitor.post(f"{url}/anything", data={"a": "b"}, timeout=60).status_code == 401
        page = visitor.sign_in("ada", "/reports?month=5")
        assert page.url == f"{url}/reports?month=5"
        spoofed = NAVIGATION | {"X-Forwarded-User": "mallory", "Accept": "application/json"}
        told = visitor.get(f"{url}/anything", headers=spoofed, timeout=60).json()["headers"]
        assert [value for name, value in told if name.lower() == "x-forwarded-user"] == ["ada"]
        refused = Visitor(url).sign_in("eve", "/reports")
        assert (refused.status_code, "Sign in with another account" in refused.text) == (403, True)

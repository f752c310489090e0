"""The whole of what an application receives: every member and header, and nothing of the gate's cookies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Upload, environ_of, scope_of
from tests.shells.site import COOKIE, HOST, Site

SENT = {
    "X-Forwarded-User": "root",
    "X-Auth-Request-Email": "root@corp.example",
    "X_Forwarded_Groups": "wheel",
    "Remote-User": "root",
    "Authorization": "Bearer root",
    "X-Other": "kept",
}
PASSES = {"identity_headers": True, "pass_access_token": True, "pass_authorization": True}
pytestmark = pytest.mark.usefixtures("log_at_info")
WAYS = ["first", "known", "renewed", "plainly public", "decided public"]


def arrive(site: Site, way: str) -> tuple[str, str]:
    """Send a request one way, and return its path and the cookies that the application may see."""
    visitor = site.person("alice", groups=("staff", "it"), access_token="token", preferred_username="al")
    path = "/open/x" if "public" in way else "/page"
    cookies = "theme=dark"
    if "public" not in way:
        cookies += "; " + "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    elif way == "decided public":
        cookies += f"; {COOKIE}=junk"
    if way == "known":
        site.visitor().get("/", {"Cookie": cookies})
    if way == "renewed":
        site.now += site.settings.session_idle_seconds / 2
    site.app.seen.clear()
    assert site.visitor().get(f"{path}?q=1", SENT | {"Cookie": cookies}).status == 200
    return path, "theme=dark"


def identity_headers(site: Site, way: str) -> list[tuple[str, str]]:
    """Return the identity headers that the application gets, in order."""
    values = dict.fromkeys(("User", "Email", "Groups", "Preferred-Username", "Access-Token"), "")
    if "public" not in way:
        values |= {"User": "alice", "Email": "alice@corp.example", "Groups": "staff,it"}
        values |= {"Preferred-Username": "al", "Access-Token": "token"}
    named = [(f"X-Forwarded-{name}", value) for name, value in values.items()]
    return [*named, *([("Authorization", "Bearer token")] if values["Access-Token"] else [])]


@pytest.mark.parametrize("way", WAYS)
def test_the_whole_request(make_site: MakeSite, way: str) -> None:
    site = make_site(public_paths=("/open/*",), user_claim="sub", **PASSES)
    path, cookies = arrive(site, way)
    (seen,) = site.app.seen
    kept = [("Host", HOST), ("X-Other", "kept"), ("Cookie", cookies)]
    target, mount = f"{site.own(path)}?q=1", site.shell.mount
    expected: dict[str, Any]
    if site.shell.is_asgi:
        expected = scope_of("GET", target, [*kept, *identity_headers(site, way)], mount)
        members = {"user", "auth", "oidc_gate.identity"}
    else:
        expected = environ_of("GET", target, [*kept, *identity_headers(site, way)], Upload(), mount)
        members = {"oidc_gate.identity"}
    if "public" not in way:
        members |= {"oidc_gate.prefix", "oidc_gate.access_token"}
        members |= set() if site.shell.is_asgi else {"REMOTE_USER", "AUTH_TYPE"}
    is_decided = way in ("renewed", "decided public") or (mount and "public" in way)
    members |= {"oidc_gate.request_id"} if is_decided else set()
    assert seen.keys() - expected.keys() == members
    assert {name: seen[name] for name in expected if name not in STREAMS} == {
        name: value for name, value in expected.items() if name not in STREAMS
    }


STREAMS = {"wsgi.input", "wsgi.errors"}

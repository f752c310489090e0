"""Any bytes, anywhere in a request, give a decision and never an exception; the targets of `fuzz/` say the rest.

`make fuzz` tries the same targets much longer, guided by coverage.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from fuzz import targets
from oidc_gate.model import Headers, Request
from tests.security.conftest import SHELLS
from tests.shells import driving
from tests.shells.site import COOKIE, HOST, Site

SEEDS = Path(targets.__file__).parent / "seeds"
WORDS = [
    b"@S", b"@C", b"; ", b"=", b"&", b"%", b"%2f", b"..", b"/", b"\\", b"?", b"#", b"//", b"rd=", b"state=", b"code=",
    b"iss=", b"https://app.example", b"//evil.example", b"\x00", b"\xff", b"\xed\xa0\x80", b"\r\n", b"9" * 30, b"{",
    b'"', b":", b",", b"[", b"]", b"}", b"1e999", b"null", b"true", COOKIE.encode(), b".body", b".flow0",
    b"logout_token=", b"form_token=", b"allowed_groups=", b"%u1234", b"%zz", b"+", b"a@b.example", b"A" * 43,
]  # fmt: skip
BYTES = st.binary(max_size=60) | st.lists(st.sampled_from(WORDS) | st.binary(max_size=3), max_size=12).map(
    b"".join
)
TEXT = BYTES.map(lambda data: data.decode("latin-1"))


@pytest.mark.parametrize("name", targets.TARGETS)
def test_fuzz_seeds_are_answered(name: str) -> None:
    for seed in (SEEDS / name).iterdir():
        targets.TARGETS[name](seed.read_bytes())


@pytest.mark.parametrize("name", targets.TARGETS)
@given(data=BYTES)
@example(data=b"")
@example(data=b"\x00" * 3)
@example(data=b"\x0a\x01" + b"&".join([b"a=1"] * 30))  # more fields than are read
@example(data=b"\x09\x01" + b"&".join([b"a=1"] * 30))
@example(data=b"logout_token=x&" * 101)
@example(data=b"\x01" + b"[" * 5_000)
@example(data=b"\x01" + b'{"a":' * 5_000)
@example(data=b"\x01" + b"9" * 5_000)
def test_fuzz_property_every_target(name: str, data: bytes) -> None:
    targets.TARGETS[name](data)


NAMES = st.sampled_from(
    ["host", "cookie", "accept", "referer", "origin", "authorization", "content-type", "content-length", "forwarded",
     "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-prefix", "x-forwarded-uri",
     "x-original-uri", "x-original-method", "x-auth-request-redirect", "x-auth-request-method", "sec-fetch-mode",
     "sec-fetch-dest", "sec-fetch-site", "sec-purpose", "hx-request", "hx-current-url", "x-requested-with",
     "if-none-match", "x-forwarded-user"]
)  # fmt: skip
KNOWN = st.sampled_from(
    [HOST, "navigate", "document", "iframe", "none", "same-origin", "text/html", "prefetch", "true", "GET", "POST",
     "/open/x", "10.0.0.1", "https", f"{COOKIE}={targets.SESSION}", "application/x-www-form-urlencoded"]
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, KNOWN | TEXT), max_size=8)
PATHS = st.sampled_from(
    [f"/oauth2/{name}" for name in targets.ENDPOINTS] + ["/", "/open/", "/open/x", "/oauth2"]
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "", "get"]) | st.text(
    "AZ \x7f", max_size=5
)
TRUSTING = targets._site(
    trusted_proxies=("192.0.2.7",),
    original_uri_header="X-Original-URI",
    original_method_header="X-Original-Method",
    auto_sign_in=True,
    identity_headers=True,
)


@given(
    method=METHODS, path=PATHS | TEXT.map("/".__add__), tail=TEXT, query=TEXT, headers=HEADERS, body=BYTES,
    peer=st.sampled_from(["192.0.2.7", "unix", "", "x"]), is_websocket=st.booleans(), trusting=st.booleans(),
)  # fmt: skip
def test_fuzz_property_any_request_gives_a_decision(
    method: str, path: str, tail: str, query: str, headers: list[tuple[str, str]], body: bytes, peer: str,
    is_websocket: bool, trusting: bool,
) -> None:  # fmt: skip
    if not any(name == "host" for name, _ in headers):
        headers = [("host", HOST), *headers]
    request = Request(
        method, "https", "", path + tail, path + tail, query, Headers(headers), peer, is_websocket, "f"
    )
    targets.decide(TRUSTING if trusting else targets.SITE, request, body)


@pytest.mark.parametrize("kind", sorted(SHELLS))
@budget(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS | TEXT.map("/".__add__), query=TEXT, headers=HEADERS, body=BYTES, method=METHODS)
def test_fuzz_property_any_request_is_answered_by_the_shells(
    kind: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes, method: str
) -> None:
    site = SITES[kind]
    upload = driving.Upload(body)
    pairs = [("Host", HOST), *headers]
    if kind == "wsgi":
        environ = driving.environ_of("GET", "/", pairs, upload, "")
        environ |= {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": path}
        started: list[Any] = []
        list(site.gate(environ, lambda status, headers, exc_info=None: started.append(status)))
        status = int(started[0][:3])
    else:
        scope = driving.scope_of("GET", "/", pairs, "")
        scope |= {"method": method, "path": path, "query_string": query.encode("latin-1"), "raw_path": None}
        status = driving.run(kind, driving.asend, site.gate, scope, upload).status
    assert status in targets.STATUSES


SITES = {kind: Site(shell, public_paths=("/open/*",)) for kind, shell in SHELLS.items()}
for _site in SITES.values():
    _site.visitor().ask("start")


def test_a_body_that_ends_early_or_never_is_bounded() -> None:
    """A declared length is not believed beyond the limit, and a stream without one is not read over WSGI."""
    for declared in ("99999999999999999999", "-1", "x", "", "1e3", "\u0661"):
        environ = driving.environ_of(
            "POST", "/oauth2/backchannel_logout", [("Host", HOST)], driving.Upload(), ""
        )
        environ |= {"CONTENT_LENGTH": declared, "wsgi.input": io.BytesIO(b"x" * (1 << 20))}
        started: list[str] = []
        list(targets.POSTED.gate(environ, lambda status, *_, to=started: to.append(status)))
        assert started[0].startswith("400")
        assert environ["wsgi.input"].tell() <= 100_000

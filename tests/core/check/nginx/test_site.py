"""Each further way to break the recommended file is named alone; of two, both are named; styles of other people."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import pytest

from oidc_gate.check.catalogue import CAUSES, PARTS
from oidc_gate.check.nginx import UnreadableError, check_nginx
from oidc_gate.check.nginx.locations import servers
from oidc_gate.check.nginx.reading import read_dump
from oidc_gate.check.nginx.site import Site, size
from oidc_gate.check.report import Report
from oidc_gate.testing.settings import settings_for_tests
from tests.core.check.nginx.breaks import ADMIN, ERROR_PAGE, FURTHER, GOOD, USER, apply
from tests.core.check.nginx.test_rules import BREAKS, found_in

pytest.importorskip("crossplane")
ALL = {**BREAKS, **FURTHER}
TLS_ALONE = {"nginx_proto_missing", "nginx_proto_wrong"}  # only without public_url: see below


@pytest.mark.parametrize("name", FURTHER)
def test_the_cause_is_named_alone(name: str) -> None:
    found = found_in(apply(GOOD, FURTHER[name]))
    assert name in found
    assert {each for each in found if not found & set(CAUSES[each].explained_by)} == {name}


@pytest.mark.parametrize("name", ALL)
def test_the_words_of_the_finding_are_complete(name: str, tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(apply(GOOD, ALL[name]))
    known = settings_for_tests(public_url=None)
    (finding, *_) = [each for each in check_nginx(str(file), known) if each.cause.name == name]
    words = f"{finding.what} {finding.seen} {finding.fix}"
    assert not re.search(r"[{<][a-z_]+[}>]|\bNone\b", words), words
    assert Report(findings=[finding]).text()


def test_there_is_a_break_for_each_cause() -> None:
    other = {"nginx_no_auth_request", "nginx_auth_buffers", *TLS_ALONE}
    assert {cause.name for cause in PARTS["nginx"]} == ALL.keys() | other


@pytest.mark.slow
def test_of_random_pairs_both_are_named() -> None:
    pairs = [pair for pair in itertools.combinations(ALL, 2) if set(pair) & FURTHER.keys()]
    random.Random(12).shuffle(pairs)
    checked, missed = 0, []
    for first, second in pairs:
        try:
            text = apply(apply(GOOD, ALL[first]), ALL[second])
            apply(apply(GOOD, ALL[second]), ALL[first])
        except ValueError:
            continue
        checked += 1
        found = found_in(text)
        if not {first, second} <= found and not hides(first, second):
            missed.append((first, second, sorted(found)))
    assert missed == []
    assert checked > 100


def hides(first: str, second: str) -> bool:
    pair = {first, second}
    # Two that write the same directive, which Nginx refuses; and what a map does that is not used, or hides too much.
    return any(all(word in name for name in pair) for word in ("cache", "_cookies_")) or pair in HIDING


# What is at the place that error_page leads to cannot be said if it does not lead there.
LEADS = ("missing", "url", "unknown", "redirects")
TARGETS = ("nginx_method_of_error_page", "nginx_redirect_missing", "nginx_error_page_protected")
HIDING = [
    {"nginx_renewal_missing", "nginx_add_header_lost"},
    *({f"nginx_error_page_{lead}", target} for lead in LEADS for target in TARGETS),
    *({"nginx_named_location_missing", target} for target in TARGETS),
]


def test_a_wrong_scheme() -> None:
    text = GOOD.replace("X-Forwarded-Proto        $scheme;", "X-Forwarded-Proto        http;")
    assert found_in(text) == set()
    assert found_in(text, has_public_url=False) == {"nginx_proto_wrong"}


def test_buffers_of_the_verdict() -> None:
    head, auth, rest = GOOD.partition("location = /oauth2/auth {")
    assert found_in(head + auth + rest.replace("proxy_buffer_size 16k;", "", 1)) == {"nginx_auth_buffers"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ERROR_PAGE, "error_page 401 https://operator:hunter2@app.example.com/;"),
        (ADMIN, f'{ADMIN} proxy_set_header Authorization "Basic hunter2";'),
        (ADMIN, f'{ADMIN} return 200 "hunter2";'),
        (USER, f"{USER} proxy_set_header X-Forwarded-User hunter2$http_x_forwarded_user;"),
    ],
)
def test_no_secret_of_the_configuration_is_shown(old: str, new: str, tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(GOOD.replace(old, new))
    report = Report(findings=check_nginx(str(file), None))
    assert report.findings
    assert "hunter2" not in report.text() + report.json()


def test_nginx_takes_the_first_error_page() -> None:
    assert "nginx_error_page_302" in found_in(
        GOOD.replace(ERROR_PAGE, f"error_page 401 =302 /oauth2/sign_in; {ERROR_PAGE}")
    )


@pytest.mark.parametrize("text", ["a b;", "location / { auth_request /oauth2/auth; }", ""])
def test_what_is_not_a_configuration(text: str, tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    with pytest.raises(UnreadableError, match="is not a whole configuration of Nginx"):
        check_nginx(str(file), None)


GATE = """
    location /oauth2/ { auth_request off; proxy_pass http://127.0.0.1:4180; proxy_set_header Host $host;
        proxy_set_header X-Auth-Request-Redirect $request_uri; proxy_set_header X-Forwarded-Proto $scheme; }
    location = /oauth2/auth { auth_request off; proxy_pass http://127.0.0.1:4180; proxy_set_header Host $host;
        proxy_set_header Content-Length ""; proxy_pass_request_body off; }
"""
STYLES = {
    "protected as a whole, with a redirect and a page for failures": f"""http {{ server {{ listen 443 ssl;
        auth_request /oauth2/auth; error_page 401 = @in; error_page 502 @down; {GATE}
        location = / {{ return 302 /app/; }} location @in {{ return 302 /oauth2/start; }}
        location @down {{ return 503 "down"; }} location = /healthz {{ auth_request off; return 200 "ok"; }}
        location /app/ {{ proxy_pass http://127.0.0.1:8080; }} }} }}""",
    "vouch: another name for the subrequest": f"""http {{ server {{ {
        GATE.replace("= /oauth2/auth", "= /validate").replace(
            "location = /validate { auth_request off; proxy_pass http://127.0.0.1:4180;",
            "location = /validate { auth_request off; proxy_pass http://127.0.0.1:4180/oauth2/auth;",
        )
    }
        auth_request /validate; error_page 401 = @error401;
        location @error401 {{ return 302 https://$host/oauth2/start?rd=$request_uri; }}
        location / {{ proxy_pass http://127.0.0.1:8080; }} }} }}""",
    "Authelia: the URL in a variable": f"""http {{ server {{ {GATE} set $upstream http://127.0.0.1:8080;
        location / {{ auth_request /oauth2/auth; set $target $scheme://$http_host$request_uri;
        error_page 401 =302 /oauth2/start?rd=$target; proxy_pass $upstream; }} }} }}""",
    "generated, as of an ingress": f"""http {{ map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
        upstream balancer {{ server 0.0.0.1; keepalive 320; }} server {{ listen 80; listen 443 ssl;
        {GATE} location = /_auth {{ internal; proxy_pass_request_body off; proxy_set_header Content-Length "";
        proxy_set_header Host $host; proxy_pass http://127.0.0.1:4180/oauth2/auth; }}
        location @signin {{ internal; return 302 /oauth2/start?rd=$request_uri; }}
        location / {{ auth_request /_auth; error_page 401 = @signin; proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
        proxy_pass http://balancer; }} }} }}""",
    "the forbidden page of the application": f"""http {{ server {{ {GATE} location / {{ auth_request /oauth2/auth;
        error_page 401 = /oauth2/sign_in; error_page 403 /403.html; proxy_pass http://127.0.0.1:8080; }}
        location = /403.html {{ root /srv; }} }} }}""",
    "PHP": f"""http {{ server {{ root /srv; {GATE} auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in;
        location / {{ try_files $uri /index.php; }} location ~ \\.php$ {{ fastcgi_pass unix:/run/php.sock; }} }} }}""",
    "a preflight": f"""http {{ server {{ {GATE} location / {{ auth_request /oauth2/auth;
        if ($request_method = OPTIONS) {{ return 204; }} error_page 401 = /oauth2/sign_in;
        proxy_pass http://127.0.0.1:8080; }} }} }}""",
}


@pytest.mark.parametrize("style", STYLES)
def test_no_error_in_working_ones_in_another_style(style: str) -> None:
    found = found_in(STYLES[style])
    assert {name for name in found if CAUSES[name].severity == "error"} == set()


@pytest.mark.parametrize("form", ["{}", "http {{ {} }}"])
def test_the_directives_beside_a_server(form: str) -> None:
    directives = read_dump(form.format("map $a $b { } geo $a $c { } server { }"))
    (server,) = servers(directives)
    site = Site(server, "/oauth2", True, True, "", directives)
    assert [each.args for each in site.beside("map")] == [("$a", "$b")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("8191", 8191), ("8k", 8192), ("8K", 8192), ("2m", 2_097_152), ("1g", 1_073_741_824)),
        *(("", 0), ("k", 0), ("x", 0), ("8kb", 0), ("-1", 0)),
    ],
)
def test_sizes_as_nginx_writes_them(text: str, expected: int) -> None:
    assert size(text) == expected

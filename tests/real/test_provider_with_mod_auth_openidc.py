"""A relying party that we did not write signs in at our own provider: Apache's mod_auth_openidc.

So the provider speaks OpenID Connect, and not a dialect that only this project understands.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from oidc_gate.testing import Client, Fault, TestProvider
from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import running

SECRET = "a secret/with+signs%and=such"
CONFIG = """\
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{user}
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
Mutex file:{directory} default
ErrorLog /dev/stderr
LogLevel warn
{modules}
DocumentRoot {directory}/htdocs
TypesConfig /dev/null
AddOutputFilter INCLUDES .html
AddType text/html .html

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret "{secret}"
OIDCProviderTokenEndpointAuth {auth_method}
OIDCPKCEMethod S256
OIDCRedirectURI {url}/private/callback
OIDCDefaultLoggedOutURL {url}/bye.html
OIDCCryptoPassphrase a-passphrase-for-this-test-alone
OIDCScope "openid email groups offline_access"
OIDCRemoteUserClaim email
OIDCIDTokenSignedResponseAlg {alg}
OIDCResponseMode {response_mode}
<Directory {directory}/htdocs>
    Options +Includes
    Require all granted
</Directory>
<Location /private>
    AuthType openid-connect
    Require valid-user
</Location>
"""
MODULES = {
    "mpm_event": "mpm_event",
    "authn_core": "authn_core",
    "authz_core": "authz_core",
    "authz_user": "authz_user",
    "mime": "mime",
    "include": "include",
    "auth_openidc": "auth_openidc",
}
PAGE = 'user=<!--#echo var="REMOTE_USER" --> groups=<!--#echo var="OIDC_CLAIM_groups" -->'


@dataclass(frozen=True)
class Pair:
    """The provider, and an Apache that asks it."""

    op: TestProvider
    url: str

    def browser(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        return session


def configuration(directory: Path, module: Path, op: TestProvider, port: int, **settings: str) -> str:
    lines = [f"LoadModule {name}_module {module.parent}/mod_{file}.so" for name, file in MODULES.items()]
    return CONFIG.format(
        directory=directory,
        modules="\n".join(lines),
        # root must give its children another user: Apache serves nothing as root
        user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
        port=port,
        url=f"http://127.0.0.1:{port}",
        issuer=op.issuer,
        secret=SECRET,
        **settings,
    )


@pytest.fixture(
    params=[("client_secret_basic", "RS256", "query"), ("client_secret_post", "ES256", "form_post")],
    ids="-".join,
)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    module, apache = need("apache-openidc", "apache2")
    auth_method, alg, response_mode = request.param
    directory, port = Path(tempfile.mkdtemp(prefix="apache-")), free_port()
    url = f"http://127.0.0.1:{port}"
    client = Client(
        client_id="apache", client_secret=SECRET, redirect_uris=[f"{url}/private/callback"],
        post_logout_redirect_uris=[f"{url}/bye.html"], token_endpoint_auth_method=auth_method,
        id_token_signed_response_alg=alg, backchannel_logout_uri=f"{url}/private/callback?logout=backchannel",
    )  # fmt: skip
    try:
        (directory / "htdocs/private").mkdir(parents=True)
        (directory / "htdocs/private/index.html").write_text(PAGE)
        (directory / "htdocs/bye.html").write_text("bye")
        directory.chmod(0o755)
        with TestProvider(clients=[client], path="/realm") as op:
            settings = {"auth_method": auth_method, "alg": alg, "response_mode": response_mode}
            (directory / "apache.conf").write_text(configuration(directory, module, op, port, **settings))
            argv: list[str | Path] = [apache, "-f", directory / "apache.conf", "-DFOREGROUND"]
            with running("apache2", argv, port=port, directory=tmp_path):
                yield Pair(op, url)
    finally:
        shutil.rmtree(directory)


def submit(session: requests.Session, page: requests.Response, **choice: str) -> requests.Response:
    """Press a button of a page's form, as a browser would."""
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert action is not None, page.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    return session.post(action[1], data=fields | choice, timeout=60)


def sign_in(pair: Pair, session: requests.Session, sub: str) -> requests.Response:
    page = session.get(f"{pair.url}/private/index.html", timeout=60)
    assert page.url.startswith(pair.op.issuer), page.text
    answer = submit(session, page, sub=sub)
    return submit(session, answer) if answer.url.startswith(pair.op.issuer) else answer  # form_post


def test_apache_signs_in_and_out(pair: Pair) -> None:
    session = pair.browser()
    page = sign_in(pair, session, "alice")
    assert page.status_code == 200, page.text
    assert page.text == "user=alice@example.com groups=staff,admins"
    assert page.url == f"{pair.url}/private/index.html"
    bye = session.get(f"{pair.url}/private/callback?logout={pair.url}/bye.html", timeout=60)
    assert (bye.status_code, bye.text) == (200, "bye")
    assert any(
        request.path == "/realm/end_session" and "id_token_hint" in request.query
        for request in pair.op.requests
    )
    again = session.get(f"{pair.url}/private/index.html", timeout=60)
    assert "Who is signing in" in again.text


def test_apache_obeys_a_back_channel_logout(pair: Pair) -> None:
    session = pair.browser()
    sign_in(pair, session, "bob")
    assert "bob@example.com" in session.get(f"{pair.url}/private/index.html", timeout=60).text
    sid = pair.op.sid_of("bob")
    (refused,) = pair.op.back_channel_logout(sub="bob", sid=sid, fault=Fault.LOGOUT_NO_EVENTS)
    assert refused.status == 400
    assert session.get(f"{pair.url}/private/index.html", allow_redirects=False, timeout=60).status_code == 200
    (delivery,) = pair.op.back_channel_logout(sub="bob", sid=sid)
    assert delivery.status == 200, delivery
    assert session.get(f"{pair.url}/private/index.html", allow_redirects=False, timeout=60).status_code == 302


@pytest.mark.parametrize(
    "fault", [Fault.WRONG_NONCE, Fault.BAD_SIGNATURE, Fault.EXPIRED, Fault.WRONG_ISS], ids=str
)
def test_apache_sees_our_faults_too(pair: Pair, fault: Fault) -> None:
    with pair.op.misbehaving(fault):
        page = sign_in(pair, pair.browser(), "alice")
    assert "user=" not in page.text
    assert page.url.startswith(f"{pair.url}/private/callback")

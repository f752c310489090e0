"""No secret in any log, at any level, of any library: complete flows, and everything that can go wrong in them."""

from __future__ import annotations

import ast
import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

import oidc_gate
from oidc_gate.store.memory import MemoryStore
from oidc_gate.testing import Fault, TestProvider, settings_for_tests
from tests.secret_watch import SecretWatch, watching
from tests.security.live import CLIENT_ID, CLIENT_SECRET, LiveSite, client
from tests.shells.driving import Answer
from tests.shells.site import FETCH, NAVIGATION, Shell, Visitor

KEY = ECKey.generate_key("P-256")
HELD = {"client_secret": None, "client_private_key": KEY.as_pem(private=True).decode()}
KNOWN = {"client_secret": None, "jwks": {"keys": [KEY.as_dict(private=False)]}}
STORE = "redis://gate:the-password-of-the-store-J8pRaT5iVnKc@127.0.0.1:6379/0"
DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "basic": ({}, {}),
    "post": ({"token_endpoint_auth_method": "client_secret_post"}, {"client_auth": "client_secret_post"}),
    "client_secret_jwt": ({"token_endpoint_auth_method": "client_secret_jwt"}, {"client_auth": "client_secret_jwt"}),
    "private_key_jwt": (KNOWN, HELD),
    "public": ({"client_secret": None}, {"client_secret": None}),
    "not pushed": ({}, {"pushed_authorization_requests": "never"}),
    "signed": (KNOWN | {"require_signed_request_object": True}, HELD | {"signed_request_objects": True}),
    "DPoP": ({"dpop_bound_access_tokens": True}, {"dpop": True}),
    "kept tokens": ({}, {"keep_id_token": True, "pass_access_token": True, "pass_authorization": True}),
    "form_post": ({}, {"response_mode": "form_post"}),
    "a store": ({}, {"session_store": STORE, "store": MemoryStore(), "pass_access_token": True}),
    "revocations in a store": ({}, {"revocation_store": STORE, "store": MemoryStore()}),
}  # fmt: skip
# What hangs takes its time, and is no different from what is slow.
PLAYED = [
    fault
    for fault in Fault
    if fault.name not in ("HANGS", "SLOW", "DRIPS", "DISCOVERY_WITH", "DISCOVERY_WITHOUT")
]


@pytest.fixture
def watch(watch_logs: SecretWatch) -> Iterator[SecretWatch]:
    with watching(SecretWatch(judges_all=True)) as mine:
        basic = f"{quote_plus(CLIENT_ID)}:{quote_plus(CLIENT_SECRET)}".encode()
        mine.learn(b64encode(basic).decode(), CLIENT_SECRET, quote_plus(CLIENT_SECRET))
        yield mine


def sign_in(visitor: Visitor) -> Answer:
    started = visitor.navigate("/oauth2/start?rd=/wanted")
    if started.status != 302:
        return started
    callback = visitor.site.provider.authorize(started.header("location"))
    if visitor.site.settings.response_mode == "query":
        return visitor.navigate(callback)
    form = NAVIGATION | {"Content-Type": "application/x-www-form-urlencoded"}
    return visitor.open("POST", "/oauth2/callback", form, callback.partition("?")[2].encode())


def go_everywhere(visitor: Visitor) -> None:
    """Use a session, well and badly."""
    visitor.get("/reports?secret=1")
    visitor.ask("auth")
    visitor.ask("userinfo")
    visitor.ask("sign_in", FETCH)
    visitor.ask("frontchannel_logout?iss=x&sid=y")
    for name, value in list(visitor.cookies.items()):
        visitor.get("/reports", {"Cookie": f"{name}={value[:-3]}AAA"})
        visitor.get("/reports", {"Cookie": f"{name}.flow1={value}"})
        visitor.get(f"/oauth2/callback?code={value}&state={value}", NAVIGATION)
        visitor.get(f"/oauth2/signed_out?state={value}", NAVIGATION)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_life_of_a_session(shell: Shell, dialect: str, watch: SecretWatch) -> None:
    registered, changes = DIALECTS[dialect]
    with TestProvider(clients=[client(**registered)], auto_login="alice") as op:
        site = LiveSite(shell, op, **changes)
        visitor = site.visitor()
        answer = sign_in(visitor)
        assert answer.status in (302, 303), answer.text
        go_everywhere(visitor)
        op.rotate_keys(keep_old=False)
        assert sign_in(site.visitor()).status in (302, 303, 502)
        onward = visitor.ask("sign_out", {"Sec-Fetch-Site": "same-origin"}, "POST")
        visitor.navigate("/oauth2/signed_out?" + urlsplit(onward.header("location")).query)
    visitor.navigate("/oauth2/start")  # while the provider is down
    assert watch.known > 8
    assert watch.lines > 10
    assert watch.found == []


@pytest.mark.slow
def test_every_fault_of_a_provider(watch: SecretWatch, shell: Shell) -> None:
    """An answer that is refused is explained in the log, by what is wrong with it and not by what it holds."""
    faults = PLAYED[::2] if shell.is_asgi else PLAYED
    refused = 0
    with TestProvider(clients=[client()], auto_login="alice", claims_in_id_token=False) as op:
        for fault in faults:
            site = LiveSite(shell, op, max_age_seconds=300, acr_values=("1",))
            with op.misbehaving(fault):
                try:
                    answer = sign_in(site.visitor())
                except (OSError, ValueError):  # the browser's own trouble: the provider hung up on it
                    continue
            refused += answer.status >= 400
            assert watch.found == [], fault
    assert refused > len(faults) // 3


def test_back_channel_logout(watch: SecretWatch, shell: Shell) -> None:
    faults = [fault for fault in Fault if fault.name.startswith("LOGOUT_")]
    with TestProvider(clients=[client()], auto_login="alice") as op:
        site = LiveSite(shell, op, insecure_single_process_revocation=True)
        visitor = site.visitor()
        sign_in(visitor)
        from oidc_gate.testing.provider.logout import build_logout_token

        statuses = set()
        for fault in [None, *faults]:
            with op.misbehaving(fault) if fault else watch.fetching():
                token = build_logout_token(op._realm, client(), sub="alice", sid=op.sid_of("alice"))
                body = f"logout_token={token if isinstance(token, str) else token.write()}".encode()
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            statuses.add(site.visitor().open("POST", "/oauth2/backchannel_logout", form, body).status)
        assert statuses == {200, 400}
    assert watch.found == []


@pytest.mark.parametrize("kind", ["cookie", "cut", "in an exception", "authlib"])
def test_the_watch_sees_what_leaks(
    watch: SecretWatch, watch_logs: SecretWatch, shell: Shell, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it blind, the tests above would prove nothing."""
    monkeypatch.setattr(watch_logs, "is_paused", True)
    with TestProvider(clients=[client()], auto_login="alice") as op:
        site = LiveSite(shell, op)
        visitor = site.visitor()
        sign_in(visitor)
    value = visitor.cookies["__Host-oidc_gate"]
    log = logging.getLogger("oidc_gate" if kind != "authlib" else "authlib.x")
    if kind == "in an exception":
        try:
            raise ValueError(value)
        except ValueError:
            log.exception("oh")
    else:
        log.warning("cookie %s", value[:40] if kind == "cut" else value)
    assert len(watch.found) == 1


def test_what_is_no_random_text_is_learned_only_where_it_is_short() -> None:
    """A table's ``"x" * 43`` is no secret: other tests log as many of them, and which test is first is chance."""
    watch = SecretWatch()
    watch.learn("x" * 43, "hunter-2", "short")
    assert watch.known == 1
    assert not watch.stands_in("x" * 5000)
    assert watch.stands_in("they said hunter-2 to us")


@given(word=st.just("discovery"))
@settings(max_examples=1)
def test_a_word_that_hypothesis_makes_a_secret_of_is_no_leak(word: str) -> None:
    with watching(SecretWatch(judges_all=True)) as mine:
        settings_for_tests(client_secret=word)
        logging.getLogger("oidc_gate").warning("%s failed", word)
    assert mine.found == []


# --- comparing secrets ---

SECRET_NAMES = (
    "secret",
    "token",
    "state",
    "nonce",
    "code",
    "verifier",
    "signature",
    "hash",
    "digest",
    "mac",
    "password",
)
ALLOWED = {
    (
        "settings/checks/session.py",
        "secret == draft.settings.client_secret",
    ): "both are the operator's own, at start",
    (
        "settings/checks/observing.py",
        "token == settings.client_secret",
    ): "both are the operator's own, at start",
    (
        "endpoints/sign_in_notes.py",
        "written.id_token != session.id_token",
    ): "both are of this process: whether it was left out",
    ("pages/assets.py", "match[2] == digest"): "the digest of a public file, in its public name",
    ("store/memory.py", "token != lease.token"): "of this process alone; no client names it",
    (
        "store/memory.py",
        "self._leases.get(lease.name, (b'', 0.0))[0] == lease.token",
    ): "of this process alone; no client names it",
    ("provider/token.py", "token_type != ('dpop' if dpop else 'bearer')"): "a public word",
}


def _words(node: ast.expr) -> set[str]:
    """The identifiers that an operand is called by, word by word."""
    if isinstance(node, ast.Name):
        return set(node.id.lower().split("_"))
    if isinstance(node, ast.Attribute):
        return set(node.attr.lower().split("_"))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return set(str(node.slice.value).lower().split("_"))
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        return set(str(node.args[0].value).lower().split("_"))
    return set()


def plain_comparisons(source: str) -> list[str]:
    """Comparisons by ``==`` and ``!=`` of something that is called like a secret with something not constant."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not all(
            isinstance(op, ast.Eq | ast.NotEq) for op in node.ops
        ):
            continue
        sides = [node.left, *node.comparators]
        is_constant = any(isinstance(side, ast.Constant) or ast.unparse(side).isupper() for side in sides)
        if not is_constant and any(_words(side) & set(SECRET_NAMES) for side in sides):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def test_secrets_are_compared_in_constant_time() -> None:
    root = Path(oidc_gate.__file__).parent
    found = {
        (str(path.relative_to(root)), comparison)
        for path in root.rglob("*.py")
        if "testing" not in path.parts
        for comparison in plain_comparisons(path.read_text("utf-8"))
    }
    assert {(file, line.partition(": ")[2]) for file, line in found} == set(ALLOWED)


@pytest.mark.parametrize(
    "source",
    [
        "state == expected",
        "a.client_secret != given",
        "claims['nonce'] == nonce",
        "x.get('at_hash') == y",
        "d == digest",
    ],
)
def test_the_reader_sees_a_plain_comparison(source: str) -> None:
    assert len(plain_comparisons(source)) == 1
    assert plain_comparisons(f"hmac.compare_digest({source.replace('==', ',').replace('!=', ',')})") == []

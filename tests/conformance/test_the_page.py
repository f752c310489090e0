"""docs/conformance.md is of this run's modules: none is left out, and none of the suite's is passed over."""

from __future__ import annotations

import os
import re

import pytest

from tests.conformance.not_applicable import NOT_APPLICABLE
from tests.conformance.report import PAGE, all_modules

pytestmark = pytest.mark.skipif(
    os.environ.get("OIDC_GATE_WRITE_CONFORMANCE") == "1", reason="this run writes the page"
)

# Of the suite's plans for relying parties, code flow; the names that differ stand in the docstrings.
PLANS = (
    "oidcc-client-test",
    "oidcc-client-test-invalid-iss",
    "oidcc-client-test-missing-sub",
    "oidcc-client-test-invalid-aud",
    "oidcc-client-test-missing-iat",
    "oidcc-client-test-kid-absent-single-jwks",
    "oidcc-client-test-kid-absent-multiple-jwks",
    "oidcc-client-test-idtoken-sig-rs256",
    "oidcc-client-test-idtoken-sig-none",
    "oidcc-client-test-invalid-sig-rs256",
    "oidcc-client-test-userinfo-invalid-sub",
    "oidcc-client-test-nonce-invalid",
    "oidcc-client-test-scope-userinfo-claims",
    "oidcc-client-test-client-secret-basic",
    "oidcc-client-test-discovery-webfinger-acct",
    "oidcc-client-test-discovery-webfinger-url",
    "oidcc-client-test-discovery-openid-config",
    "oidcc-client-test-discovery-jwks-uri-keys",
    "oidcc-client-test-discovery-issuer-mismatch",
    "oidcc-client-test-dynamic-registration",
    "oidcc-client-test-request-uri-signed-rs256",
    "oidcc-client-test-request-uri-signed-none",
    "oidcc-client-test-signing-key-rotation-just-before-signing",
    "oidcc-client-test-signing-key-rotation",
    "oidcc-client-test-userinfo-signed",
    "oidcc-client-test-rp-init-logout",
    "-rp-init-logout-other-state",
    "oidcc-client-test-rp-init-logout-no-state",
    "-rp-backchannel-rpinitlogout",
    "-rp-backchannel-rpinitlogout-alg-none",
    "-rp-backchannel-rpinitlogout-no-event",
    "-rp-backchannel-rpinitlogout-with-nonce",
    "-rp-backchannel-rpinitlogout-wrong-alg",
    "-rp-backchannel-rpinitlogout-wrong-aud",
    "-rp-backchannel-rpinitlogout-wrong-event",
    "-rp-backchannel-rpinitlogout-wrong-iss",
    "-rp-frontchannel-rpinitlogout",
    "oidcc-client-test-session-management",
    "oidcc-client-test-3rd-party-init-login",
)


def test_every_module_is_listed_and_passed() -> None:
    text = PAGE.read_text()
    listed = dict(re.findall(r"^\| `(oidcc-client-test[a-z0-9-]*)` \|.*\| (\S+) \|$", text, re.M))
    modules = all_modules()
    assert {module.name: "passed" for module in modules}.items() <= listed.items()
    assert f"## {len(modules)} modules" in text
    for module in modules:
        for label in ("Profile", "Spec", ""):
            assert module.says(label), (module.name, label)
            assert module.says(label) in text


def test_no_module_of_the_suite_is_passed_over() -> None:
    text = PAGE.read_text()
    assert [name for name in PLANS if f"`{name}`" not in text] == []
    for reason in NOT_APPLICABLE:
        assert f"| `{reason.module}` | {reason.profile} | {reason.why} |" in text
        assert reason.module not in {module.name for module in all_modules()}

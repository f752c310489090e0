"""What an operator reads about wrong settings, and what right ones become, as whole texts.

``OIDC_GATE_WRITE_SNAPSHOTS=1`` writes the files in ``written`` anew: read the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oidc_gate.errors import ConfigurationError
from oidc_gate.settings import Settings
from oidc_gate.settings.hints import FOREIGN
from tests.core import written

from .cases import CERTIFICATE, GOOD, SECRET
from .good import GOOD_CHANGES
from .more_cases import EVERY_CASE, FOLLOWS

FOLDER = Path(__file__).with_name("written")


SEVERAL: list[dict[str, Any]] = [
    {"original_uri_header": "X-Uri", "original_method_header": "X-Method"},
    {"client_secret": None, "client_auth": "private_key_jwt", "signed_request_objects": True, "fapi2": True},
    {
        "issuer": "http://op.example.com",
        "public_url": "http://a.example",
        "fapi2": True,
        "response_mode": "form_post",
    },
    {
        "cookie_secret": ["short", "short", "change-me"],
        "session_store": "mysql://a",
        "revocation_store": "mysql://b",
    },
    {"auto_sign_in": 1, "issuer": "x", "prefix": "/", "client_id": "", "cookie_domain": ".a.example"},
    # each wrong item of a list, and not only the first
    {"trusted_proxies": ["*", "10.0.0.1", "0.0.0.0/0", "10.0.0.1/8", "::/0", "proxy"]},
    {"allowed_redirect_hosts": ["a.example:0", "*", "b.example", "a/b", "*.com", "c.example:x", "::1"]},
    {"allowed_origins": ["a.example", "ftp://a.example", "http://a.example", "null", "https://a b"]},
    {"public_paths": ["a", "get /a", "/a?b", "/ok", "/a*", "/oauth2/x"]},
    {"allowed_emails": ["ada", "ada@corp.com", "@corp.com"], "allowed_email_domains": ["*", "@a.com", "."]},
    {"scopes": ["openid", "a b", "c,d", 'e"'], "acr_values": ["a b", 'c"'], "groups_claim": "a b"},
    {
        "id_token_algorithms": ["none", "HS512", "RS256", "HS256", "RSA1_5"],
        "user_claim": ".",
        "email_claim": "a.",
    },
    {"authorization_params": {"nonce": "a", "hd": "a\nb", " ": "c", "Scope": "d"}},
    {"ca_file": "/nowhere/a.pem", "client_certificate": "/nowhere/b.pem", "client_certificate_key": "/"},
    {"client_private_key": "/a.pem", "id_token_decryption_key": "{", "client_auth": "none"},
]
"""Settings that are wrong in several ways."""


def plain(value: object) -> str:
    """Return a value as text that is the same wherever the checkout is."""
    return repr(value).replace(repr(CERTIFICATE)[1:-1], "CERTIFICATE")


def check(name: str, text: str) -> None:
    written.check(FOLDER / f"{name}.txt", text)


def problems(changes: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | changes))
    return [written.plain(str(problem)) for problem in caught.value.problems]


def test_every_problem_says_what_is_wrong_and_what_to_write() -> None:
    every = [changes for changes, _, _ in EVERY_CASE] + [changes for changes, _, _ in FOLLOWS] + SEVERAL
    check("problems", "\n\n".join("\n  ".join([plain(changes), *problems(changes)]) for changes in every))


def test_every_name_of_another_program_leads_to_a_setting_or_to_a_reason() -> None:
    found = []
    for name in FOREIGN:
        with pytest.raises(ConfigurationError) as caught:
            Settings(**GOOD, **{name: "x"})  # type: ignore[arg-type]
        (problem,) = caught.value.problems
        found.append(f"{problem.setting}: {problem.fix}")
    check("foreign_names", "\n".join(found))


def test_right_settings_have_one_normal_form() -> None:
    """Each value that is another than with `GOOD` alone."""
    usual = vars(Settings(**GOOD))
    blocks = []
    for changes in GOOD_CHANGES:
        made = vars(Settings(**(GOOD | changes)))
        assert list(made) == list(usual)
        shown = [f"{name} = {plain(value)}" for name, value in made.items() if value != usual[name]]
        blocks.append("\n  ".join([plain(changes), *shown]))
    check("normal_forms", "\n\n".join(blocks))


def test_the_defaults() -> None:
    usual = vars(Settings(issuer="https://op.example.com", client_id="app", cookie_secret=SECRET))
    check("defaults", "\n".join(f"{name} = {value!r}" for name, value in sorted(usual.items())))


TOML = """\
clientid = "x"
upstreams = 1
OIDC_GATE_PREFIX = "/x"
cookie_secret_file = "/x"
client_id = 3
client_secret = ["a"]
dpop = "true"
session_lifetime_seconds = "3600"
provider_timeout_seconds = true
public_paths = "/a"
scopes = ["openid", 3]
allowed_groups = []
authorization_params = { a = 1 }
allow_everyone = 2024-01-01
[oidc_gate]
prefix = "/x"
"""
ENVIRONMENT = {
    **{"CLIENTID": "x", "PUBLIC_PATH": "/x", "prefix": "/x", "CLIENT_ID_FILE": "/x", "REDIRECT_URL": "x"},
    **{"dpop": "1", "DPOP": "maybe", "SESSION_LIFETIME_SECONDS": "8h", "PROVIDER_TIMEOUT_SECONDS": "5s"},
    **{"AUTHORIZATION_PARAMS": "hd", "PUBLIC_PATHS": "/a,,/b", "ALLOWED_GROUPS": "", "ISSUER": " "},
    **{"CLIENT_SECRET_FILE": "/nowhere/hunter2", "COOKIE_SECRET": "x", "COOKIE_SECRET_FILE": "/x"},
    **{"ID_TOKEN_DECRYPTION_KEY_FILE": "/", "RECHECK_SECONDS": "1234567890123456789", "SCOPES": "a"},
    **{"SESSION_CACHE_ENTRIES": "-1", "COOKIE_SAMESITE": "lax", "ACR_VALUES": "a,b c", "AUTO_SIGN_IN": "2"},
}


def test_problems_of_a_file_and_of_variables(tmp_path: Path) -> None:
    path, broken, latin = (tmp_path / name for name in ("gate.toml", "broken.toml", "latin.toml"))
    path.write_text(TOML)
    broken.write_text("cookie_secret = hunter2\n")
    latin.write_bytes(b'client_id = "\xe4"\n')
    variables = {f"OIDC_GATE_{name}": text for name, text in ENVIRONMENT.items()}
    found = []
    for config, environ in (
        *((file, {}) for file in (path, latin, tmp_path, tmp_path / "none.toml")),
        (None, variables),
    ):
        with pytest.raises(ConfigurationError) as caught:
            Settings.load(config=config, environ=environ)
        found += [written.plain(str(problem)) for problem in caught.value.problems]
    check("sources", "\n".join(found).replace(str(tmp_path), "DIRECTORY"))
    with pytest.raises(ConfigurationError, match=r"'.*broken\.toml' is not valid TOML: .+line 1"):
        Settings.load(config=broken, environ={})

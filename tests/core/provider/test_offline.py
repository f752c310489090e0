"""Which providers are asked for consent, so that there is a refresh token, and which are not."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_gate.provider.discovery import process_discovery
from oidc_gate.provider.offline import ask_for_refresh_token

from . import scripted as op
from .scripted import METADATA, answer

STORED: dict[str, Any] = {"session_store": "redis://localhost", "refresh": True}
BASIC = ("openid", "email", "profile")
MORE = (*BASIC, "offline_access")
GOOGLE = "https://accounts.google.com"


def ask(
    issuer: str, prompt: str | None = None, discovered: dict[str, Any] | None = None, **changes: Any
) -> tuple[tuple[str, ...], dict[str, str]]:
    about = {"scopes_supported": ["openid", "offline_access"]} if discovered is None else discovered
    metadata = process_discovery(answer(dict(METADATA) | about | {"issuer": issuer}), issuer)
    return ask_for_refresh_token(metadata, op.settings(**(STORED | changes)), prompt)


@pytest.mark.parametrize(
    "host",
    [
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "sts.windows.net",
        "corp.ciamlogin.com",
        "corp.b2clogin.com",
        "corp.eu.auth0.com",
        "corp.okta.com",
        "corp.oktapreview.com",
        "corp.okta-emea.com",
    ],
)
def test_providers_that_need_no_consent(host: str) -> None:
    assert ask(f"https://{host}/tenant") == (MORE, {})
    assert ask(f"https://{host}.example/tenant") == (MORE, {"prompt": "consent"})
    assert ask(f"https://x{host}/tenant")[1] == ({} if host.startswith("corp.") else {"prompt": "consent"})


@pytest.mark.parametrize("host", ["xokta.com", "auth0.com.example", "op.example"])
def test_other_providers_need_it(host: str) -> None:
    assert ask(f"https://{host}") == (MORE, {"prompt": "consent"})


@pytest.mark.parametrize(
    ("issuer", "prompt", "discovered", "changes", "expected"),
    [
        (GOOGLE, None, {}, {}, (BASIC, {"access_type": "offline", "prompt": "consent"})),
        (GOOGLE, "login", {}, {}, (BASIC, {"access_type": "offline", "prompt": "login consent"})),
        (GOOGLE, None, {}, {"refresh": False}, (BASIC, {})),
        (GOOGLE, None, {"prompt_values_supported": ["none"]}, {}, (BASIC, {"access_type": "offline"})),
        (GOOGLE + "/", None, {}, {}, (BASIC, {})),
        ("https://op.example", None, {}, {}, (BASIC, {})),
        ("https://op.example", None, {"scopes_supported": ["openid"]}, {}, (BASIC, {})),
        ("https://op.example/realms/a", None, None, {}, (BASIC, {})),
        ("https://op.example/realms", None, None, {}, (MORE, {"prompt": "consent"})),
        ("https://op.example", "login", None, {}, (MORE, {"prompt": "login consent"})),
        ("https://op.example", None, None, {"scopes": MORE}, (MORE, {})),
        ("https://op.example", None, None, {"authorization_params": {"prompt": "login"}}, (MORE, {})),
    ],
)
def test_what_is_added(
    issuer: str,
    prompt: str | None,
    discovered: dict[str, Any] | None,
    changes: dict[str, Any],
    expected: tuple[tuple[str, ...], dict[str, str]],
) -> None:
    assert ask(issuer, prompt, discovered, **changes) == expected


@pytest.mark.parametrize(
    ("listed", "added"),
    [
        (["login", "consent"], {"prompt": "consent"}),
        (["login"], {}),
        ([], {}),
    ],
)
def test_consent_is_asked_for_where_the_provider_knows_it(listed: list[str], added: dict[str, str]) -> None:
    about = {"scopes_supported": ["offline_access"], "prompt_values_supported": listed}
    assert ask("https://op.example", None, about) == (MORE, added)

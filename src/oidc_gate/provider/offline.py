"""The scopes and parameters with which the authorization request asks for a refresh token."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..settings import Settings
from .discovery import Metadata

SCOPE = "offline_access"
_GOOGLE = "https://accounts.google.com"
# They honour offline_access without prompt=consent, with which Entra ID asks for the consent of an administrator.
_NEED_NO_PROMPT = (
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "sts.windows.net",
    ".ciamlogin.com",
    ".b2clogin.com",
    ".auth0.com",
    ".okta.com",
    ".oktapreview.com",
    ".okta-emea.com",
)


def ask_for_refresh_token(
    metadata: Metadata, settings: Settings, prompt: str | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the scopes to request, and the parameters to add, so that there will be a refresh token.

    If `scopes` contains ``offline_access``, nothing is added: the operator has decided. Keycloak sends a refresh token
    anyway, which ends with the session there; one for ``offline_access`` would outlive it.

    Args:
        prompt: What is to be asked of the provider for another reason.

    Spec: OpenID Connect Core §11: ``prompt=consent`` is required, unless other conditions permit offline access.
    """
    scopes = settings.scopes
    if not settings.refresh or SCOPE in scopes:
        return scopes, {}
    if metadata.issuer == _GOOGLE:
        return scopes, {"access_type": "offline"} | _with_consent(metadata, settings, prompt)
    if SCOPE not in (metadata.scopes_supported or ()) or "/realms/" in urlsplit(metadata.issuer).path:
        return scopes, {}
    host = urlsplit(metadata.issuer).hostname or ""
    needs_prompt = not any(
        host == name or (name.startswith(".") and host.endswith(name)) for name in _NEED_NO_PROMPT
    )
    return (*scopes, SCOPE), _with_consent(metadata, settings, prompt) if needs_prompt else {}


def _with_consent(metadata: Metadata, settings: Settings, prompt: str | None) -> dict[str, str]:
    listed = metadata.prompt_values_supported
    if "prompt" in settings.authorization_params or (listed is not None and "consent" not in listed):
        return {}
    return {"prompt": f"{prompt} consent" if prompt else "consent"}

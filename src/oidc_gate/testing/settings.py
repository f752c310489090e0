"""Settings for tests that need no provider."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ..settings import Settings

if TYPE_CHECKING:
    from typing import Unpack

    from ..settings.keywords import SettingsKeywords

# Port 9 (discard) of this machine: refused at once, should anything ask; and no name to look up.
NO_PROVIDER = "http://127.0.0.1:9"


def settings_for_tests(**keywords: Unpack[SettingsKeywords]) -> Settings:
    """Return complete settings whose provider does not exist; what `keywords` name replaces them.

    The environment of the process does not count, so a test runs the same everywhere.

    Args:
        keywords: As for `Settings`: the rules of your application, say.

    Raises:
        ConfigurationError: With every problem of the settings.
    """
    given: Any = {
        name.removeprefix("OIDC_GATE_").lower(): value for name, value in environ_for_tests().items()
    }
    return Settings.load(environ={}, **(given | keywords))


def environ_for_tests() -> dict[str, str]:
    """Return the same as ``OIDC_GATE_*`` variables, for an application that builds its gate when imported.

    In a ``conftest.py``, before the application is imported: ``os.environ.update(environ_for_tests())``.
    """
    return {
        "OIDC_GATE_ISSUER": NO_PROVIDER,
        "OIDC_GATE_CLIENT_ID": "tests",
        "OIDC_GATE_CLIENT_SECRET": secrets.token_urlsafe(32),
        "OIDC_GATE_COOKIE_SECRET": secrets.token_urlsafe(32),
    }

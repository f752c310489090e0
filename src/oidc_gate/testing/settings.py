"""Settings for tests that need no provider."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ..settings import Settings

if TYPE_CHECKING:
    from typing import Unpack

    from ..settings.keywords import SettingsKeywords

# Port 9 (discard) on loopback: a connection is refused at once, and no name has to be resolved.
NO_PROVIDER = "http://127.0.0.1:9"


def settings_for_tests(**keywords: Unpack[SettingsKeywords]) -> Settings:
    """Return complete settings whose provider does not exist.

    The environment of the process has no effect, so a test gives the same result everywhere.

    ::

        app.wsgi_app = OIDCGate(app.wsgi_app, settings_for_tests(allowed_groups=["staff"]))

    Args:
        keywords: Settings as for `Settings`, such as the rules of your application. They replace the defaults.

    Raises:
        ConfigurationError: The settings cannot work. It contains all problems.
    """
    given: Any = {
        name.removeprefix("OIDC_GATE_").lower(): value for name, value in environ_for_tests().items()
    }
    return Settings.load(environ={}, **(given | keywords))


def environ_for_tests() -> dict[str, str]:
    """Return the same settings as ``OIDC_GATE_*`` variables.

    This is for an application that creates its gate when it is imported. In a ``conftest.py``, before the import:
    ``os.environ.update(environ_for_tests())``.
    """
    return {
        "OIDC_GATE_ISSUER": NO_PROVIDER,
        "OIDC_GATE_CLIENT_ID": "tests",
        "OIDC_GATE_CLIENT_SECRET": secrets.token_urlsafe(32),
        "OIDC_GATE_COOKIE_SECRET": secrets.token_urlsafe(32),
    }

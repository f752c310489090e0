"""The catalogue of causes: data alone. The other modules of the check refer to a cause by its name."""

from __future__ import annotations

from ..findings import Cause
from .live_endpoints import LIVE_ENDPOINTS
from .live_page import LIVE_PAGE
from .nginx import NGINX
from .nginx_requests import NGINX_REQUESTS
from .nginx_verdicts import NGINX_VERDICTS
from .provider import PROVIDER
from .settings import SETTINGS

PARTS: dict[str, tuple[Cause, ...]] = {
    "settings": SETTINGS,
    "provider": PROVIDER,
    "nginx": NGINX + NGINX_VERDICTS + NGINX_REQUESTS,
    "live": LIVE_PAGE + LIVE_ENDPOINTS,
}
"""The causes of each part, in the order of ``docs/causes.md``."""

CAUSES: dict[str, Cause] = {cause.name: cause for causes in PARTS.values() for cause in causes}
"""Every cause by its name."""

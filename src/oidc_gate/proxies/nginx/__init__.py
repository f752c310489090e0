"""The configuration of Nginx that asks the gate with ``auth_request``: what ``oidc-gate nginx`` prints."""

from .configuration import nginx_configuration
from .options import FORMS, NginxOptions

__all__ = ["FORMS", "NginxOptions", "nginx_configuration"]

"""Django over ASGI with the gate around it: `oidc-gate demo examples.django_app.asgi:application`."""

import os

from django.core.asgi import get_asgi_application
from django.core.management import call_command

from oidc_gate import OIDCGate

from .gate import SETTINGS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_app.settings")
application = OIDCGate(get_asgi_application(), **SETTINGS)

# this database is new at each start; a real project runs `manage.py migrate`
call_command("migrate", verbosity=0)

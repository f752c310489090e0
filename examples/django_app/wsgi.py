"""Django over WSGI with the gate around it: `oidc-gate demo examples.django_app.wsgi:application`."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from oidc_gate import OIDCGate

from .gate import SETTINGS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_app.settings")
application = OIDCGate(get_wsgi_application(), **SETTINGS)

# this database is new at each start; a real project runs `manage.py migrate`
call_command("migrate", verbosity=0)

"""The same application behind Nginx, with the gate's endpoints mounted beside it.

Nginx asks /oauth2/auth about every request and says in headers who it is. So nothing but Nginx may reach this
application: whoever else could would write these headers.
"""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from oidc_gate.wsgi import AuthBackend

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_app.settings_behind_nginx")
application = DispatcherMiddleware(
    get_wsgi_application(),
    {"/oauth2": AuthBackend(allowed_email_domains=["example.com"], application_name="The Django example")},
)

call_command("migrate", verbosity=0)  # the database is new each time; you have `manage.py migrate`

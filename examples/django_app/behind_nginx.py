"""The same application behind Nginx, with the gate's endpoints mounted beside it.

Nginx asks /oauth2/auth about every request and sends the identity of the user in headers. Only Nginx may be able to
reach this application: a client that reaches it directly can send any identity.
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

# this database is new at each start; a real project runs `manage.py migrate`
call_command("migrate", verbosity=0)

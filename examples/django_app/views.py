"""A page for everybody, one for whoever signs in, one for admins."""

from django.http import HttpResponse

from examples.page import page
from oidc_gate.ext.django import require


def home(request):
    # Public, as public_paths says in wsgi.py; a user whom the rules admit is known here too.
    if request.identity is None:
        return HttpResponse(page("Anybody may read this"))
    return HttpResponse(page("Welcome back", request.user.email, request.identity.groups))


def reports(request):
    # Nothing to check: without a session this function is not called.
    return HttpResponse(page("Reports", request.user.email, request.identity.groups))


@require(group="admins")
def admin(request):
    return HttpResponse(page("Administration", request.user.email, request.identity.groups))

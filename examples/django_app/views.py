"""A public page, a page for signed-in users, and a page for admins."""

from django.http import HttpResponse

from examples.page import page
from oidc_gate.ext.django import require


def home(request):
    # A public path (see public_paths in gate.py). request.identity is set if a user is signed in and may enter.
    if request.identity is None:
        return HttpResponse(page("A public page"))
    return HttpResponse(page("Welcome back", request.user.email, request.identity.groups))


def reports(request):
    # There is nothing to check: without a session the gate does not call the application.
    return HttpResponse(page("Reports", request.user.email, request.identity.groups))


@require(group="admins")
def admin(request):
    return HttpResponse(page("Administration", request.user.email, request.identity.groups))

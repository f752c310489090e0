"""Behind Nginx: views that read its headers, and the middleware that reads the user from one of them."""

from django.contrib.auth.middleware import RemoteUserMiddleware
from django.http import HttpResponse
from django.urls import path

from examples.page import page


class NginxUserMiddleware(RemoteUserMiddleware):
    header = "HTTP_X_FORWARDED_USER"


def page_for_user(request, heading):
    email = request.headers.get("X-Forwarded-Email", "")
    groups = request.headers.get("X-Forwarded-Groups", "")
    return HttpResponse(page(heading, email, groups.split(",") if groups else ()))


def home(request):
    return page_for_user(request, "A public page")


def reports(request):
    return page_for_user(request, f"Reports for {request.user.get_username()}")


def admin(request):
    # nginx.conf restricts this path: allowed_groups=admins.
    return page_for_user(request, "Administration")


urlpatterns = [path("", home), path("reports", reports), path("admin", admin)]

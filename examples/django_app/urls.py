"""The URLs and their views."""

from django.urls import path

from . import views

urlpatterns = [path("", views.home), path("reports", views.reports), path("admin", views.admin)]

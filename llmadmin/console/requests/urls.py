from __future__ import annotations

from django.urls import path

from llmadmin.console.requests import views

app_name = "requests"
urlpatterns = [
    path("", views.list_requests, name="list"),
    path("<uuid:record_id>/", views.show_request, name="detail"),
]

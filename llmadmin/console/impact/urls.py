from __future__ import annotations

from django.urls import path

from llmadmin.console.impact import views

app_name = "impact"
urlpatterns = [
    path("", views.impact_page, name="page"),
    path("resolve/", views.resolution_page, name="resolve"),
]

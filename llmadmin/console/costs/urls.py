from __future__ import annotations

from django.urls import path

from llmadmin.console.costs import views

app_name = "costs"
urlpatterns = [
    path("", views.page, name="page"),
    path("export.csv", views.export, name="export"),
]

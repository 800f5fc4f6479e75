from __future__ import annotations

from django.urls import path

from llmadmin.console.settings import views

app_name = "settings"
urlpatterns = [
    path("", views.page, name="page"),
    path("theme/", views.theme, name="theme"),
    path("transfer/", views.page, name="transfer"),
]

from __future__ import annotations

from django.urls import path

from llmadmin.console.settings import transfer, views

app_name = "settings"
urlpatterns = [
    path("", views.page, name="page"),
    path("theme/", views.theme, name="theme"),
    path("transfer/", transfer.page, name="transfer"),
    path("transfer/export/", transfer.export, name="export"),
]

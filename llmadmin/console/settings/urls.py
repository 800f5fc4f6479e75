from __future__ import annotations

from django.urls import path

from llmadmin.console.settings import encryption, transfer, views

app_name = "settings"
urlpatterns = [
    path("", views.page, name="page"),
    path("theme/", views.theme, name="theme"),
    path("encryption/", encryption.page, name="encryption"),
    path("encryption/start/", encryption.start, name="start_encryption"),
    path("transfer/", transfer.page, name="transfer"),
    path("transfer/export/", transfer.export, name="export"),
    path("transfer/export-sealed/", transfer.export_sealed, name="export-sealed"),
]

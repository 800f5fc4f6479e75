from __future__ import annotations

from django.urls import path

from llmadmin.console.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entry_list, name="list"),
    path("export/", views.export, name="export"),
    path("<int:number>/", views.show_entry, name="detail"),
]

from __future__ import annotations

from django.urls import path

from llmadmin.console.versions import views

app_name = "versions"
urlpatterns = [
    path("", views.version_list, name="list"),
    path("<int:number>/", views.version_detail, name="detail"),
    path("<int:number>/restore/", views.restore_version, name="restore"),
    path("<int:number>/undo/", views.undo_version, name="undo"),
]

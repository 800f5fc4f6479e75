from __future__ import annotations

from django.urls import path

from llmadmin.console.versions import owners, views

app_name = "versions"
urlpatterns = [
    path("", views.version_list, name="list"),
    path("compare/", views.compare_versions, name="compare"),
    path("owner/", owners.set_owner, name="owner"),
    path("owner/everything/", owners.take_everything, name="take-everything"),
    path("<int:number>/", views.version_detail, name="detail"),
    path("<int:number>/restore/", views.restore_version, name="restore"),
    path("<int:number>/undo/", views.undo_version, name="undo"),
]

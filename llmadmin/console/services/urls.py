from __future__ import annotations

from django.urls import path

from llmadmin.console.services import keys, views

app_name = "services"
urlpatterns = [
    path("", views.service_list, name="list"),
    path("-/add/", views.add_service, name="add"),
    path("<str:name>/", views.service_detail, name="detail"),
    path("<str:name>/edit/", views.edit_service, name="edit"),
    path("<str:name>/delete/", views.delete_service, name="delete"),
    path("<str:name>/keys/issue/", keys.issue, name="issue"),
    path("<str:name>/keys/<uuid:key_id>/rotate/", keys.rotate, name="rotate"),
    path("<str:name>/keys/<uuid:key_id>/revoke/", keys.revoke, name="revoke"),
]

from __future__ import annotations

from django.urls import path

from llmadmin.console.keys import views

app_name = "keys"
urlpatterns = [
    path("<uuid:key_id>/", views.key_detail, name="detail"),
    path("<uuid:key_id>/edit/", views.edit_key, name="edit"),
    path("<uuid:key_id>/rotate/", views.rotate_key, name="rotate"),
    path("<uuid:key_id>/state/", views.set_key_state, name="state"),
    path("<uuid:key_id>/delete/", views.delete_key, name="delete"),
]

from __future__ import annotations

from django.urls import path, re_path

from llmadmin.console.keys import rotation, views

app_name = "keys"
urlpatterns = [
    path("<uuid:key_id>/", views.key_detail, name="detail"),
    path("<uuid:key_id>/edit/", views.edit_key, name="edit"),
    path("<uuid:key_id>/rotate/", views.rotate_key, name="rotate"),
    path("<uuid:key_id>/rotation/", rotation.rotate_in_steps, name="rotation"),
    re_path(
        r"^(?P<key_id>[0-9a-f-]{36})/rotation/(?P<step>test|switch|retire|cancel)/$",
        rotation.rotation_step,
        name="rotation_step",
    ),
    path("<uuid:key_id>/test/", views.check_key, name="test"),
    path("<uuid:key_id>/state/", views.set_key_state, name="state"),
    path("<uuid:key_id>/delete/", views.delete_key, name="delete"),
]

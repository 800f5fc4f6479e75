from __future__ import annotations

from django.urls import path

from llmadmin.console.aliases import canary, views

app_name = "aliases"
urlpatterns = [
    path("", views.alias_list, name="list"),
    path("-/add/", views.add_alias, name="add"),
    path("-/default/", views.set_default_model, name="default"),
    path("-/edit/<name:name>/", views.edit_alias, name="edit"),
    path("-/delete/<name:name>/", views.delete_alias, name="delete"),
    path("-/canary/<name:name>/", canary.edit_canary, name="canary"),
    path("-/promote/<name:name>/", canary.end_canary, {"act": "promote"}, name="promote"),
    path("-/drop/<name:name>/", canary.end_canary, {"act": "drop"}, name="drop"),
    path("<name:name>/", views.alias_detail, name="detail"),
]

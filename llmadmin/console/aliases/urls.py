from __future__ import annotations

from django.urls import path

from llmadmin.console.aliases import views

app_name = "aliases"
urlpatterns = [
    path("", views.alias_list, name="list"),
    path("add/", views.add_alias, name="add"),
    path("default/", views.set_default_model, name="default"),
    path("<path:name>/edit/", views.edit_alias, name="edit"),
    path("<path:name>/delete/", views.delete_alias, name="delete"),
    path("<path:name>/steps/", views.alias_steps, name="steps"),
    path("<path:name>/", views.alias_detail, name="detail"),
]

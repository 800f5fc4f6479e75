from __future__ import annotations

from django.urls import path

from llmadmin.console.teams import views

app_name = "teams"
urlpatterns = [
    path("", views.team_list, name="list"),
    path("-/add/", views.add_team, name="add"),
    path("<str:slug>/", views.team_detail, name="detail"),
    path("<str:slug>/edit/", views.edit_team, name="edit"),
    path("<str:slug>/delete/", views.delete_team, name="delete"),
]

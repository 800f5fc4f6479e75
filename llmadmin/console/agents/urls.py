from __future__ import annotations

from django.urls import path

from llmadmin.console.agents import views

app_name = "agents"
urlpatterns = [
    path("", views.agent_list, name="list"),
    path("add/", views.add_agent, name="add"),
    path("<path:name>/edit/", views.edit_agent, name="edit"),
    path("<path:name>/delete/", views.delete_agent, name="delete"),
    path("<path:name>/", views.agent_detail, name="detail"),
]

from __future__ import annotations

from django.urls import path

from llmadmin.console.agents import views

app_name = "agents"
urlpatterns = [
    path("", views.agent_list, name="list"),
    path("-/add/", views.add_agent, name="add"),
    path("-/edit/<name:name>/", views.edit_agent, name="edit"),
    path("-/delete/<name:name>/", views.delete_agent, name="delete"),
    path("<name:name>/", views.agent_detail, name="detail"),
]

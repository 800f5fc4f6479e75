from __future__ import annotations

from django.urls import path

from llmadmin.console.playground import views

app_name = "playground"
urlpatterns = [
    path("", views.page, name="page"),
    path("parameters/", views.parameters, name="parameters"),
    path("run/", views.run, name="run"),
    path("runs/<str:run_id>/events/", views.events, name="events"),
]

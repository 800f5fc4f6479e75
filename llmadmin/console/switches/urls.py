from __future__ import annotations

from django.urls import path

from llmadmin.console.switches import views

app_name = "switches"
urlpatterns = [
    path("", views.switch_list, name="list"),
    path("-/stop/", views.stop, name="stop"),
    path("<uuid:stop_id>/restart/", views.restart, name="restart"),
]

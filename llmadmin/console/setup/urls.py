from __future__ import annotations

from django.urls import path

from llmadmin.console.setup import views

app_name = "setup"
urlpatterns = [path("", views.page, name="page")]

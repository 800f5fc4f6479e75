from __future__ import annotations

from django.urls import path

from llmadmin.console.errors import views

app_name = "errors"
urlpatterns = [path("", views.page, name="page")]

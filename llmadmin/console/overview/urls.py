from __future__ import annotations

from django.urls import path

from llmadmin.console.overview import views

urlpatterns = [path("", views.overview, name="overview")]

from __future__ import annotations

from django.urls import path

from llmadmin.console.keys.views import add_key
from llmadmin.console.models.views import add_model
from llmadmin.console.providers import listing, views

app_name = "providers"
urlpatterns = [
    path("", views.provider_list, name="list"),
    path("-/add/", views.add_provider, name="add"),
    path("-/detect/", views.detect_kind, name="detect"),
    path("<str:slug>/", views.provider_detail, name="detail"),
    path("<str:slug>/edit/", views.edit_provider, name="edit"),
    path("<str:slug>/delete/", views.delete_provider, name="delete"),
    path("<str:slug>/test/", views.test_provider, name="test"),
    path("<str:slug>/keys/add/", add_key, name="add_key"),
    path("<str:slug>/models/add/", add_model, name="add_model"),
    path("<str:slug>/models/catalogue/", listing.catalogue, name="catalogue"),
    path("<str:slug>/models/live/", listing.live, name="live"),
]

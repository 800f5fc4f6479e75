from __future__ import annotations

from django.urls import path

from llmadmin.console.models import views

app_name = "models"
urlpatterns = [
    path("", views.model_list, name="list"),
    path("options/", views.model_options, name="options"),
    path("<uuid:model_id>/", views.model_detail, name="detail"),
    path("<uuid:model_id>/edit/", views.edit_model, name="edit"),
    path("<uuid:model_id>/delete/", views.delete_model, name="delete"),
    path("<uuid:model_id>/prices/add/", views.add_price, name="add_price"),
    path("<uuid:model_id>/prices/<uuid:price_id>/delete/", views.delete_price, name="delete_price"),
]

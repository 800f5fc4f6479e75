from __future__ import annotations

from django.urls import path

from llmadmin.console.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.webhook_list, name="list"),
    path("-/add/", views.add_webhook, name="add"),
    path("<uuid:webhook_id>/", views.webhook_detail, name="detail"),
    path("<uuid:webhook_id>/edit/", views.edit_webhook, name="edit"),
    path("<uuid:webhook_id>/test/", views.test_webhook, name="test"),
    path("<uuid:webhook_id>/secret/", views.renew_secret, name="secret"),
    path("<uuid:webhook_id>/delete/", views.delete_webhook, name="delete"),
    path("<uuid:webhook_id>/messages/<uuid:delivery_id>/redeliver/", views.redeliver, name="redeliver"),
]

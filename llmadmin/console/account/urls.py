from __future__ import annotations

from django.urls import path

from llmadmin.console.account import views

app_name = "account"
urlpatterns = [
    path("", views.page, name="page"),
    path("keys/issue/", views.issue_key, name="issue_key"),
    path("keys/<uuid:key_id>/revoke/", views.revoke_key, name="revoke_key"),
    path("sessions/end/", views.end_session, name="end_session"),
    path("sessions/end-others/", views.end_others, name="end_others"),
]

"""Addresses under /accounts/ that need no session: invitations, and the way back from the identity provider."""

from __future__ import annotations

from django.urls import path

from llmadmin.console.account import welcome

urlpatterns = [
    path("invitation/", welcome.accept, name="invitation"),
    path("invitation/<str:token>/", welcome.follow_link, name="invitation_link"),
    path("confirm/sso/", welcome.confirm_by_sso, name="confirm_by_sso"),
]

from __future__ import annotations

from django.urls import path

from llmadmin.console.people import invitations, rules, views

app_name = "people"
urlpatterns = [
    path("", views.people_list, name="list"),
    path("invite/", invitations.invite, name="invite"),
    path("invitations/<int:invitation_id>/renew/", invitations.renew, name="renew"),
    path("invitations/<int:invitation_id>/withdraw/", invitations.withdraw, name="withdraw"),
    path("sign-in/", rules.page, name="rules"),
    path("<int:person_id>/", views.person_detail, name="detail"),
    path("<int:person_id>/role/", views.change_role, name="role"),
    path("<int:person_id>/disable/", views.disable, name="disable"),
    path("<int:person_id>/enable/", views.enable, name="enable"),
    path("<int:person_id>/end-sessions/", views.end_sessions, name="end_sessions"),
    path("<int:person_id>/take-factors/", views.take_factors, name="take_factors"),
    path("<int:person_id>/remove/", views.remove, name="remove"),
]

"""allauth's pages that are in use here. Nobody signs up, so what belongs to signing up alone is left out."""

from __future__ import annotations

from allauth.account.urls import urlpatterns as account_pages
from allauth.socialaccount.urls import urlpatterns as sign_on_pages
from django.urls import include, path

# People's addresses are given by whoever invites them, and sign-in codes by mail are switched off.
_LEFT_OUT = {
    *("account_email", "account_email_verification_sent", "account_confirm_email", "account_confirm_login_code"),
    *("socialaccount_signup", "socialaccount_connections", "socialaccount_login_error"),
}

urlpatterns = [
    *(page for page in account_pages if page.name not in _LEFT_OUT),
    path("2fa/", include("allauth.mfa.urls")),
    path("3rdparty/", include([page for page in sign_on_pages if page.name not in _LEFT_OUT])),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]

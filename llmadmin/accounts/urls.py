"""allauth's pages that are in use here. Nobody signs up, so what belongs to signing up alone is left out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from allauth.account.urls import urlpatterns as account_pages
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.urls import urlpatterns as second_factor_pages
from allauth.socialaccount.urls import urlpatterns as sign_on_pages
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, include, path

from llmadmin.accounts import step_up

# People's addresses are given by whoever invites them, and sign-in codes by mail are switched off.
_LEFT_OUT = {
    *("account_email", "account_email_verification_sent", "account_confirm_email", "account_confirm_login_code"),
    *("socialaccount_signup", "socialaccount_connections", "socialaccount_login_error"),
}
# allauth asks nobody again who has neither password nor second factor; here their provider is asked.
_SENSITIVE = {
    *("account_set_password", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_generate_recovery_codes"),
    *("mfa_add_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn"),
}


def _in_use(pages: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern | URLResolver]:
    """The pages without those left out, the sensitive ones behind a fresh proof."""
    for page in pages:
        if isinstance(page, URLResolver):
            yield URLResolver(page.pattern, list(_in_use(page.url_patterns)))
        elif page.name in _SENSITIVE:
            yield URLPattern(page.pattern, _confirmed(page.callback), page.default_args, page.name)
        elif page.name not in _LEFT_OUT:
            yield page


def _confirmed(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated and not step_up.is_fresh(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded


urlpatterns = [
    *_in_use(account_pages),
    path("2fa/", include(list(_in_use(second_factor_pages)))),
    path("3rdparty/", include(list(_in_use(sign_on_pages)))),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]

"""What stands before every view: who asks, whether they may, and domain errors as pages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_VIEW, require
from llmadmin.core.errors import ForbiddenError, InvalidError, MissingError, UnconfirmedError

View = Callable[..., HttpResponseBase]


def needs(permission: str = CONFIG_VIEW) -> Callable[[View], View]:
    """Let only those in who have `permission`; `request.actor` is whoever asks.

    A missing object becomes the 404 page, a refusal the 403 page, an address that can't be read the 400 page, each with its
    sentence.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor = request.actor = actor_of_request(request)  # type: ignore[attr-defined]
            try:
                require(actor, permission)
                return view(request, *args, **kwargs)
            except MissingError as problem:
                raise Http404(problem.message) from problem
            except UnconfirmedError as problem:
                return ask_to_confirm(request, problem)
            except ForbiddenError as problem:
                raise PermissionDenied(problem.message) from problem
            except InvalidError as problem:
                return render(request, "400.html", {"sentence": problem.message}, status=400)

        return guarded

    return decorate


def ask_to_confirm(request: HttpRequest, problem: UnconfirmedError) -> HttpResponse:
    """Step-up: the person proves that it is them, and what they had sent is then done.

    A request of htmx, and one of somebody who goes to their identity provider for it, comes back to the page it was sent from.
    """
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    is_htmx = bool(request.headers.get("HX-Request"))
    if ways and (is_htmx or ways[0]["id"] == "sso"):
        page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/")
        to = f"{ways[0]['url']}?{urlencode({'next': page.path})}"
        return HttpResponse(headers={"HX-Redirect": to}) if is_htmx else HttpResponseRedirect(to)
    raise ReauthenticationRequired from problem

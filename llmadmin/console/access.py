"""What stands before every view: who asks, whether they may, and domain errors as pages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_VIEW, require
from llmadmin.core.errors import ForbiddenError, InvalidError, MissingError

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
            except ForbiddenError as problem:
                raise PermissionDenied(problem.message) from problem
            except InvalidError as problem:
                return render(request, "400.html", {"sentence": problem.message}, status=400)

        return guarded

    return decorate

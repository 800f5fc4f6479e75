"""What stands before every view: who asks, whether they may, and domain errors as pages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_VIEW, require
from llmadmin.audit.actor import Actor
from llmadmin.core.errors import ForbiddenError, MissingError

View = Callable[..., HttpResponse]


class ConsoleRequest(HttpRequest):
    """A request whose person is known. Only views under `needs` see one."""

    actor: Actor


def needs(permission: str = CONFIG_VIEW) -> Callable[[View], View]:
    """Let only those in who have `permission`; `request.actor` is whoever asks.

    A missing object becomes the 404 page, a refusal the 403 page with its sentence.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.actor = actor_of_request(request)  # type: ignore[attr-defined]
            try:
                require(request.actor, permission)  # type: ignore[attr-defined]
                return view(request, *args, **kwargs)
            except MissingError as problem:
                raise Http404(problem.message) from problem
            except ForbiddenError as problem:
                raise PermissionDenied(problem.message) from problem

        return guarded

    return decorate

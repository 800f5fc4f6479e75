"""Saving from a page: one change, its errors on the form, a toast with the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import entries_of
from llmadmin.config.services import change
from llmadmin.console.dependents import Dependent, dependents_of
from llmadmin.console.forms import ConsoleForm
from llmadmin.console.toasts import notify_saved
from llmadmin.core.errors import DomainError, ForbiddenError, InUseError, StaleError, UnheededError

Result = TypeVar("Result")


def save(
    request: HttpRequest, form: ConsoleForm, act: Callable[[], Result], *, what: str, permission: str = CONFIG_EDIT
) -> Result | None:
    """Run `act` as one change of the request's person. None when it was refused: the form then says why.

    What would be published and not work is said first, and done when the form comes again with "Save anyway".

    ForbiddenError goes on to the view's guard, which answers 403: there is nothing to mend in the form.
    """
    try:
        with change(
            by=actor_of_request(request),
            why=why_of(request),
            permission=permission,
            heeds_warnings="anyway" not in request.POST,
        ) as made:
            result = act()
    except UnheededError as problem:
        form.unheeded = problem.warnings
        return None
    except StaleError as problem:
        form.is_stale = True
        form.add_error(None, problem.message)
        return None
    except ForbiddenError:
        raise
    except DomainError as problem:
        form.add_domain_error(problem)
        return None
    notify_saved(request, made, what=what)
    return result


def attempt(
    request: HttpRequest, act: Callable[[], Any], *, what: str, permission: str = CONFIG_EDIT
) -> Refusal | None:
    """Run `act` as one change where there is no form to mend; what stands in its way comes back in words."""
    try:
        with change(by=actor_of_request(request), why=why_of(request), permission=permission) as made:
            act()
    except InUseError as problem:
        return Refusal(problem.message, dependents_of(problem.dependents))
    except ForbiddenError:
        raise
    except DomainError as problem:
        return Refusal(problem.message, [])
    notify_saved(request, made, what=what)
    return None


class Refusal:
    """Why an act did not happen, and what stands in its way, with links."""

    def __init__(self, message: str, dependents: list[Dependent]) -> None:
        self.message = message
        self.dependents = dependents


def why_of(request: HttpRequest) -> str:
    """The reason that people may give for the history."""
    return request.POST.get("why", "").strip()[:500]


def last_change(object_type: str, object_name: str) -> AuditEntry | None:
    """Who changed an object last, for a form that was opened before that."""
    return entries_of(object_type, object_name).filter(was_refused=False).first()

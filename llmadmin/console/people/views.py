"""People: who may sign in, with which role, and everything that is done to an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts import people, selectors
from llmadmin.accounts.models import Role, User
from llmadmin.accounts.permissions import PEOPLE_MANAGE
from llmadmin.audit.selectors import entries_of
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.people.forms import ROLE_WORDS
from llmadmin.console.saving import Refusal, attempt
from llmadmin.core.paging import keyset_page

PAGE_SIZE = 100
ENTRIES_SHOWN = 10


@needs(PEOPLE_MANAGE)
def people_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:200]
    found = selectors.people()
    if wanted:
        found = found.filter(Q(email__icontains=wanted) | Q(name__icontains=wanted))
    page = keyset_page(found, order=["email"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    context = {
        "people": page.rows,
        "page": page,
        "invitations": [] if wanted else list(selectors.invitations()),
        "wanted": wanted,
    }
    return render_page(request, "people/list.html", context, fragment="people")


@needs(PEOPLE_MANAGE)
def person_detail(request: HttpRequest, person_id: int) -> HttpResponse:
    return detail_page(request, selectors.get_person(person_id))


def detail_page(request: HttpRequest, person: User, *, refusal: Refusal | None = None) -> HttpResponse:
    acting: Any = request.user
    is_self = acting.pk == person.pk
    roles = [role for role in Role if role != Role.OWNER or acting.role == Role.OWNER]
    context = {
        "person": person,
        "is_self": is_self,
        "may_act": acting.role == Role.OWNER or person.role != Role.OWNER,
        "roles": [(role.value, role.label, ROLE_WORDS[role]) for role in roles],
        "role_words": ROLE_WORDS[Role(person.role)],
        "sessions": list(selectors.sessions_of(person)),
        "teams": list(person.teams.all()),
        "own_keys": getattr(person, "personal_service", None),
        "entries": list(entries_of("person", person.email)[:ENTRIES_SHOWN]),
        "refusal": refusal,
    }
    return render_page(request, "people/detail.html", context, status=409 if refusal else 200)


@require_POST
@needs(PEOPLE_MANAGE)
def change_role(request: HttpRequest, person_id: int) -> HttpResponse:
    role = request.POST.get("role", "")
    return _act(request, person_id, lambda person: people.change_role(person, role), "Role changed")


@require_POST
@needs(PEOPLE_MANAGE)
def disable(request: HttpRequest, person_id: int) -> HttpResponse:
    return _act(request, person_id, people.disable_person, "Switched off: sessions and keys ended")


@require_POST
@needs(PEOPLE_MANAGE)
def enable(request: HttpRequest, person_id: int) -> HttpResponse:
    return _act(request, person_id, people.enable_person, "Switched on again")


@require_POST
@needs(PEOPLE_MANAGE)
def end_sessions(request: HttpRequest, person_id: int) -> HttpResponse:
    return _act(request, person_id, people.sign_out_everywhere, "Signed out everywhere")


@require_POST
@needs(PEOPLE_MANAGE)
def take_factors(request: HttpRequest, person_id: int) -> HttpResponse:
    return _act(request, person_id, people.take_second_factors, "Second factor removed")


@require_http_methods(["GET", "POST"])
@needs(PEOPLE_MANAGE)
def remove(request: HttpRequest, person_id: int) -> HttpResponse:
    """The account is gone for good, so its address is typed to confirm."""
    person = selectors.get_person(person_id)
    problem, refusal = "", None
    if request.method == "POST" and request.POST.get("confirm", "").strip().lower() != person.email:
        problem = f"Type {person.email} to confirm."
    elif request.method == "POST":
        refusal = attempt(
            request, lambda: people.remove_person(person), what=f"{person.email} removed", permission=PEOPLE_MANAGE
        )
        if refusal is None:
            return redirect("people:list")
    context = {"person": person, "problem": problem, "refusal": refusal}
    return render_page(request, "people/remove.html", context, status=422 if problem else 409 if refusal else 200)


def _act(request: HttpRequest, person_id: int, act: Callable[[User], Any], what: str) -> HttpResponse:
    person = selectors.get_person(person_id)
    refusal = attempt(request, lambda: act(person), what=what, permission=PEOPLE_MANAGE)
    if refusal:
        return detail_page(request, person, refusal=refusal)
    return redirect("people:detail", person_id)

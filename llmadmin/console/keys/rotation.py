"""The page on which a key is replaced step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import SECRETS_WRITE
from llmadmin.catalog.kinds import find_kind
from llmadmin.catalog.origin import origin_of
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.keys.forms import RotationForm
from llmadmin.console.saving import attempt, save
from llmadmin.core.errors import ConflictError
from llmadmin.gateway.rotating import check_new_key
from llmadmin.usage.selectors.keys import MINUTES, calls_by_minute
from llmadmin.vault import rotation
from llmadmin.vault.models import ApiKey, KeyRotation, RotationStep
from llmadmin.vault.selectors import get_key

STEPS = ("Add", "Test", "Switch", "Drain", "Retire")
_REACHED = {
    RotationStep.ADDED.value: 1,
    RotationStep.TESTED.value: 2,
    RotationStep.DRAINING.value: 3,
    RotationStep.RETIRED.value: 5,
    RotationStep.CANCELLED.value: 0,
}
_DONE = {"switch": "Switched to the new key", "retire": "Old key retired", "cancel": "Back to the old key"}


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the steps in the line at the top: `done`, `current` or `to come`."""

    words: str
    state: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two keys, with its calls of the last minutes, the oldest first."""

    key: ApiKey
    role: str
    minutes: list[int]

    @property
    def calls(self) -> int:
        return sum(self.minutes)

    @property
    def bars(self) -> list[int]:
        """Heights in percent of the busiest minute, at least one for a minute with a call."""
        busiest = max(self.minutes, default=0)
        return [max(6, round(100 * calls / busiest)) if calls else 0 for calls in self.minutes]


@require_http_methods(["GET", "POST"])
@needs(SECRETS_WRITE)
def rotate_in_steps(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Where the rotation of this key stands; a POST begins one. The new key is tested before the page comes back."""
    key = get_key(key_id)
    under_way = rotation.rotation_of(key)
    if request.method == "GET" and under_way is not None and under_way.is_open and under_way.old_key_id != key.pk:
        return redirect("keys:rotation", under_way.old_key_id)
    form = RotationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        begun = save(
            request,
            form,
            lambda: rotation.start_rotation(key, **form.values()),
            what="New key added, not in use yet",
            permission=SECRETS_WRITE,
        )
        if begun:
            check_new_key(begun, by=actor_of_request(request))
            return redirect("keys:rotation", key.pk)
    return _page(request, key, under_way, form=form, status=422 if form.errors else 200)


@require_POST
@needs(SECRETS_WRITE)
def rotation_step(request: HttpRequest, key_id: UUID, step: str) -> HttpResponse:
    key = get_key(key_id)
    under_way = rotation.find_open(key)
    if under_way is None:
        raise Http404("This rotation has ended.")
    if step == "test":
        return _tested(request, key, under_way)
    acts = {
        "switch": lambda: rotation.switch(under_way, is_forced=bool(request.POST.get("force"))),
        "retire": lambda: rotation.retire(under_way),
        "cancel": lambda: rotation.cancel(under_way),
    }
    refusal = attempt(request, acts[step], what=_DONE[step], permission=SECRETS_WRITE)
    return _page(request, key, under_way, refusal=refusal, status=409) if refusal else redirect("keys:rotation", key.pk)


def _tested(request: HttpRequest, key: ApiKey, under_way: KeyRotation) -> HttpResponse:
    try:
        check_new_key(under_way, by=actor_of_request(request))
    except ConflictError as problem:
        return _page(request, key, under_way, refusal=problem, status=409)
    return redirect("keys:rotation", key.pk)


def _page(
    request: HttpRequest,
    key: ApiKey,
    found: KeyRotation | None,
    *,
    form: RotationForm | None = None,
    refusal: object = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "key": key,
        "provider": key.provider,
        "kind": find_kind(key.provider.kind),
        "origin": origin_of(key.provider),
        "rotation": found,
        "stages": _stages(found),
        "form": form or RotationForm(),
        "refusal": refusal,
        "sides": _sides(found) if found is not None and found.is_open else [],
        "minutes": MINUTES,
    }
    return render_page(request, "keys/rotation.html", context, fragment="rotation-traffic", status=status)


def _stages(found: KeyRotation | None) -> list[Stage]:
    reached = _REACHED[found.step] if found is not None else 0
    states = (
        "done" if place < reached else "current" if place == reached else "to come" for place in range(len(STEPS))
    )
    return [Stage(words, state) for words, state in zip(STEPS, states, strict=True)]


def _sides(found: KeyRotation) -> list[Side]:
    by_key = calls_by_minute([found.old_key_id, found.new_key_id], now=timezone.now())
    return [
        Side(found.old_key, "old", by_key[found.old_key_id]),
        Side(found.new_key, "new", by_key[found.new_key_id]),
    ]

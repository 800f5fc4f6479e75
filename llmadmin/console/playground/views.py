"""The playground: a prompt through the gateway's own pipeline, streamed token by token, side by side if you like."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import PLAYGROUND_RUN
from llmadmin.audit.actor import Actor
from llmadmin.console.access import needs
from llmadmin.console.playground.choices import Choices
from llmadmin.console.playground.forms import HINTS, MOST_COLUMNS, RunForm
from llmadmin.console.playground.parameters import allowances
from llmadmin.console.playground.pieces import CLOSE, piece_of, refused, sent
from llmadmin.console.playground.snippets import snippets
from llmadmin.console.snippets import gateway_url
from llmadmin.core.errors import DomainError, MissingError
from llmadmin.playground import runs
from llmadmin.playground.runs import Event

STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@require_GET
@needs(PLAYGROUND_RUN)
def page(request: HttpRequest) -> HttpResponse:
    choices = Choices()
    asked = [name for name in request.GET.getlist("model") if choices.destination(name)][:MOST_COLUMNS]
    gone = next((name for name in request.GET.getlist("model") if name and not choices.destination(name)), "")
    chosen = asked or [choices.first()]
    form = RunForm(choices=choices, initial={"prompt": request.GET.get("prompt", "")[:100_000]})
    return render(request, "playground/page.html", _settings(choices, form, chosen) | {"gone": gone[:200]})


@require_GET
@needs(PLAYGROUND_RUN)
def parameters(request: HttpRequest) -> HttpResponse:
    """The parameter fields for what is chosen now, with the values typed so far."""
    choices = Choices()
    form = RunForm(choices=choices, initial=request.GET.dict())
    chosen = [name for name in request.GET.getlist("model") if name][:MOST_COLUMNS]
    return render(request, "playground/parameters.html", _settings(choices, form, chosen))


@require_POST
@needs(PLAYGROUND_RUN)
def run(request: HttpRequest) -> HttpResponse:
    """Start a run for each chosen name and answer with the columns that connect to their events."""
    choices = Choices()
    form = RunForm(request.POST, choices=choices)
    columns: list[dict[str, Any]] = []
    if form.is_valid():
        try:
            columns = [_column(request, form.call_of(name)) for name in form.chosen]
        except DomainError as problem:
            form.add_domain_error(problem)
    if form.errors:
        response = render(request, "playground/settings.html", _settings(choices, form, form.chosen), status=422)
        response["HX-Retarget"], response["HX-Reswap"] = "#playground-settings", "outerHTML"
        return response
    return render(request, "playground/columns.html", {"columns": columns})


@require_GET
async def events(request: HttpRequest, run_id: str) -> HttpResponse | StreamingHttpResponse:
    """The run itself, as server-sent events, once and only for whoever started it."""
    actor = await sync_to_async(actor_of_request)(request)
    return StreamingHttpResponse(_stream(run_id, actor), content_type="text/event-stream", headers=STREAM_HEADERS)


async def _stream(run_id: str, actor: Actor) -> AsyncIterator[str]:
    told = cast("AsyncGenerator[Event]", runs.events(run_id, actor=actor))
    try:
        async for event in told:
            yield piece_of(event)
    except MissingError as problem:
        yield refused(problem.message)
    finally:
        await told.aclose()
    yield sent(CLOSE, "over")


def _column(request: HttpRequest, call: dict[str, Any]) -> dict[str, Any]:
    return {
        "run_id": runs.start(request.actor, call),  # type: ignore[attr-defined]
        "name": call["model"],
        "snippets": snippets(call, base_url=gateway_url(request)),
    }


def _settings(choices: Choices, form: RunForm, chosen: list[str]) -> dict[str, Any]:
    names = chosen or [""]
    destinations = [(name, choices.destination(name)) for name in names]
    models = {model.pk: model for _, found in destinations if found for model in found.models}
    allowed = allowances(models.values())
    groups = choices.groups()
    return {
        "form": form,
        "groups": groups,
        "choice_count": sum(len(members) for _, members in groups),
        "is_empty": choices.is_empty,
        "chosen": destinations,
        "parameters": [(form[name], allowed[name], HINTS.get(name, "")) for name in allowed],
        "most_columns": MOST_COLUMNS,
    }

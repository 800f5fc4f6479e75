"""Fitting a request to one target: the model's own name, the target's headers, and parameters that were left open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from providers.plan import PlannedTarget
from providers.types import ChatRequest, CompletionRequest, EmbeddingRequest

Request = TypeVar("Request", ChatRequest, CompletionRequest, EmbeddingRequest)
AnyRequest = ChatRequest | CompletionRequest | EmbeddingRequest

_CHAT_FIELDS = frozenset(item.name for item in fields(ChatRequest))


def fit(request: Request, target: PlannedTarget) -> Request:
    """A copy of the request for this target: its model, its headers, and its parameters where the request has none."""
    kind: Any = type(request)
    names, read_values = _reading_of(kind)
    fitted: Request = kind(*read_values(request))
    fitted.model = target.model
    if target.headers:
        fitted.headers = {**target.headers, **request.headers}
    if target.params:
        _fill(fitted, target, names)
    return fitted


def _fill(request: AnyRequest, target: PlannedTarget, names: frozenset[str]) -> None:
    added: dict[str, Any] = {}
    for given, value in target.params.items():
        name = "max_tokens" if given == "max_completion_tokens" else given
        if name in ("model", "messages", "prompt", "input", "extra", "headers"):
            continue
        if name in names:
            if getattr(request, name) is None:
                setattr(request, name, value)
        elif name not in _CHAT_FIELDS and name not in request.extra:
            added[name] = value
    if added:
        request.extra = {**added, **request.extra}


@lru_cache(maxsize=32)
def _reading_of(kind: Any) -> tuple[frozenset[str], Callable[[Any], tuple[Any, ...]]]:
    """The field names of a request's class, and what reads all their values in the order of its constructor."""
    names = [item.name for item in fields(kind)]
    return frozenset(names), attrgetter(*names)

"""The vendors' SDKs as judges: does a body fit their type definitions, with nothing missing, altered or left over?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError


def misfits_of_answer(
    model: type[BaseModel], body: Mapping[str, Any], *, allowed_extras: frozenset[str] = frozenset()
) -> list[str]:
    """What a strict reader of `body` would stumble over: wrong or missing fields, and fields that `model` doesn't know."""
    try:
        found = model.model_validate(body, strict=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, line['loc']))}: {line['msg']}" for line in error.errors()]
    return [f"{name}: not a field" for name in _extras(found) if name not in allowed_extras]


def misfits_of_request(parameters: Any, body: Mapping[str, Any]) -> list[str]:
    """The same for a request and a typed dictionary, which would silently drop a field that it doesn't know."""
    adapter = TypeAdapter(parameters)  # the lazily checked parts need it alive
    try:
        kept = _whole(adapter.validate_python(body))
    except ValidationError as error:
        return [f"{'.'.join(map(str, line['loc']))}: {line['msg']}" for line in error.errors()]
    return [] if kept == body else list(_differences(body, kept))


def _extras(value: Any) -> list[str]:
    if isinstance(value, BaseModel):
        fields = [inner for _, inner in value]
        return [*(value.model_extra or ()), *(name for inner in fields for name in _extras(inner))]
    if isinstance(value, list):
        return [name for inner in value for name in _extras(inner)]
    return []


def _whole(value: Any) -> Any:
    """`value` with its lazily checked parts looked through."""
    if isinstance(value, Mapping):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return value
    return [_whole(inner) for inner in value]


def _differences(sent: Any, kept: Any, place: str = "") -> Any:
    if isinstance(sent, Mapping) and isinstance(kept, Mapping):
        for name in sent.keys() | kept.keys():
            where = f"{place}.{name}" if place else str(name)
            if name not in kept:
                yield f"{where}: not a field"
            else:
                yield from _differences(sent.get(name), kept[name], where)
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for index, (one, other) in enumerate(zip(sent, kept, strict=True)):
            yield from _differences(one, other, f"{place}.{index}")
    elif sent != kept:
        yield f"{place}: {sent!r} is read as {kept!r}"

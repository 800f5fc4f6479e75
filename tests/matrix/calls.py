"""Every call that Django answers, found by walking its resolver: the address's name, the method, and an example of the path."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    callback: Any
    parts: frozenset[str]
    """The names of what stands for an object in the path."""


def addresses() -> list[Address]:
    return list(_walk(get_resolver().url_patterns, "", frozenset()))


def _walk(patterns: list[URLPattern | URLResolver], space: str, above: frozenset[str]) -> Iterator[Address]:
    for pattern in patterns:
        parts = above | pattern.pattern.regex.groupindex.keys() | getattr(pattern.pattern, "converters", {}).keys()
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _walk(pattern.url_patterns, inner, parts)
        else:
            yield Address(space + (pattern.name or ""), pattern.callback, parts)


def methods_of(callback: Any) -> list[str]:
    """The methods that an address answers. A function that looks at the method says in a decorator which ones it takes."""
    if actions := getattr(callback, "actions", None):
        return _sorted({method.upper() for method in actions})
    if view := getattr(callback, "cls", None) or getattr(callback, "view_class", None):
        named = METHODS if hasattr(callback, "cls") else ("GET", "POST")
        return _sorted({method for method in named if hasattr(view, method.lower())})
    declared = _declared(callback)
    if declared is None:
        looks = inspect.getsource(inspect.unwrap(callback))
        assert "request.POST" not in looks, f"{callback.__qualname__}: say with require_http_methods what it takes."
        return ["GET"]
    return _sorted(declared)


def _declared(callback: Any) -> set[str] | None:
    """What `require_http_methods` and its kin were given, anywhere around the view."""
    while callback is not None:
        for cell in getattr(callback, "__closure__", None) or ():
            held = cell.cell_contents
            if isinstance(held, list | tuple) and held and set(held) <= {*METHODS, "HEAD", "OPTIONS"}:
                return set(held) - {"HEAD", "OPTIONS"}
        callback = getattr(callback, "__wrapped__", None)
    return None


def _sorted(methods: set[str]) -> list[str]:
    return [method for method in METHODS if method in methods]

"""Which codes of errors the provider layer itself raises, and as which class: read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from providers.base.mishaps import _WORDS
from providers.errors import ERROR_CLASSES, error_class_of
from tests.docs.guides import ROOT

_CLASS_OF = {kind.__name__: error_class_of(kind) for kind in ERROR_CLASSES}


def raised_codes() -> set[tuple[str, str]]:
    """Pairs of class and code; vendors' own codes are not among them."""
    found = {("connection", step) for step in _WORDS}
    for path in sorted((ROOT / "providers").rglob("*.py")):
        found |= set(_codes_in(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def _codes_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CLASS_OF:
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            for value in [part for found in values for part in _branches(found)]:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield _CLASS_OF[node.func.id], value.value


def _branches(value: ast.expr) -> list[ast.expr]:
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]

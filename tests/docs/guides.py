"""Reads the guides: their blocks of code, to be run as they stand."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`(?P<path>[\w./-]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_BEFORE = "# before"


def read(name: str) -> str:
    return (ROOT / "docs" / "how-to" / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The blocks of one language; those that show how it was before are left out."""
    found = [match["text"] for match in _BLOCK.finditer(text) if match["language"] == language]
    return [block for block in found if not block.startswith(_BEFORE)]


def files(text: str) -> dict[str, str]:
    """The files that a guide tells to write: a path in backquotes with a colon, then a block."""
    return {match["path"]: match["text"] for match in _FILE.finditer(text)}


def sections(text: str) -> dict[str, str]:
    """The parts of a guide by their headings of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


async def run(block: str, names: dict[str, Any]) -> None:
    """Run a block with its `await`s at the top level, in `names`, which it may add to."""
    code = compile(block, "guide", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result

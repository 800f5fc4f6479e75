"""Writes the reference pages that follow from the code: `python -m docs.generate`; with `--check` it only compares."""  # noqa: INP001

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `python -m docs.generate`. Change the code, or .env.example, instead. -->"
REST_INTRODUCTION = f"""\
# REST API

{NOTE}

`Authorization: Bearer <service key>`, or the session of a signed-in person. Everything is JSON; `apply/` takes YAML too, and `export/`
gives it. Each address works with and without the slash at its end. A running server shows the same, with every field, at `/api/docs/`;
`/api/schema/` is the OpenAPI document.

- Errors: `{{"error": {{"type", "code", "message", "request_id", "fields"?}}}}`; `fields` names what is wrong, as in `targets.0.model`.
- Lists: `{{"results": […], "next": …, "previous": …}}`; `page_size` is at most 1,000, and `next` is the address of the next page.
- Changes: `If-Match` with the `ETag` that was read (412 when it is stale), `X-Change-Reason` for the version and the audit log.
- Unknown fields and unknown query parameters are refused."""
_SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]+)=(.*?)(?:\s+# (.*))?$")


def rest_page() -> str:
    """Every call of the REST API from its OpenAPI document, a table for each noun."""
    description = _openapi()
    lines = [REST_INTRODUCTION]
    for noun, calls in _by_noun(description).items():
        lines += ["", f"## {noun}", "", "| call | what | query | body |", "|---|---|---|---|"]
        lines += [_call_row(method, path, call) for method, path, call in calls]
    return "\n".join(lines) + "\n"


def environment_page() -> str:
    """Every name of `.env.example`, a table for each of its groups."""
    lines = ["# Environment", "", NOTE, ""]
    lines += [
        "`.env` beside the code is read. A name that holds a secret may also come from a file: set `NAME_FILE` to its path.",
        "",
    ]
    is_open = False
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()[2:]:
        found = _SETTING.match(line)
        if found:
            if not is_open:
                lines += ["| name | default or example | what |", "|---|---|---|"]
                is_open = True
            name, value, what = (part or "" for part in found.groups())
            lines.append(f"| `{name}` | {f'`{value.strip()}`' if value.strip() else ''} | {_cell(what)} |")
        elif line.startswith("# "):
            # A group that is said in a sentence comes first, and has no title of its own.
            heading = [f"## {line[2:]}"] if line[2].isupper() else ["## First of all", "", f"{line[2:]}."]
            lines += [*([""] if is_open else []), *heading, ""]
            is_open = False
    return "\n".join(lines).rstrip() + "\n"


def _openapi() -> Mapping[str, Any]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmadmin.settings")
    import django

    django.setup()
    from drf_spectacular.generators import SchemaGenerator

    description: Mapping[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return description


def _by_noun(description: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    found: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, calls in description["paths"].items():
        for method, call in calls.items():
            found.setdefault(call["tags"][0], []).append((method.upper(), path, call))
    return found


def _call_row(method: str, path: str, call: Mapping[str, Any]) -> str:
    query = [f"`{one['name']}`" for one in call.get("parameters", ()) if one["in"] == "query"]
    return f"| `{method} {path}` | {_cell(call['summary'])} | {' '.join(query)} | {' '.join(_body(call))} |"


def _body(call: Mapping[str, Any]) -> Iterator[str]:
    for kind, content in call.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("$ref", "").rpartition("/")[2].removeprefix("Patched").removesuffix("Request")
        yield f"`{name or kind}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {REFERENCE / "rest.md": rest_page, REFERENCE / "environment.md": environment_page}


def main() -> int:
    stale = []
    for path, write in PAGES.items():
        text = write()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"Not fresh: {', '.join(stale)}. Run: python -m docs.generate\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

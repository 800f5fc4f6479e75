"""The audit log: every change, sign-in, read of secrets and refusal."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from llmadmin.audit.selectors import entries
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.versions.changes import lines_of
from llmadmin.core.paging import keyset_page

PAGE_SIZE = 50
OBJECT_TYPES = (
    *("provider", "key", "model", "price", "alias", "agent", "default", "service", "service key"),
    *("team", "person", "session", "second factor", "sign-in rules", "permission", "config"),
)
ACTIONS = (
    "create",
    "update",
    "delete",
    "issue",
    "rotate",
    "revoke",
    "lock",
    "stop",
    "restart",
    "fail",
    "recover",
    "invite",
    "disable",
    "enable",
    "sign-in",
    "lock-out",
    "read_secrets",
    "refused",
)


@needs()
def entry_list(request: HttpRequest) -> HttpResponse:
    given = {name: request.GET.get(name, "").strip()[:300] for name in ("actor", "type", "action", "name")}
    filters: dict[str, Any] = {
        "actor_label__icontains": given["actor"],
        "object_type": given["type"],
        "action": given["action"],
        "object_name__icontains": given["name"],
    }
    found = entries(**filters)
    if request.GET.get("refused"):
        found = found.filter(was_refused=True)
    page = keyset_page(found, order=["-id"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    context = {
        "rows": [(entry, lines_of(entry.before, entry.after)) for entry in page.rows],
        "page": page,
        "given": given,
        "refused": bool(request.GET.get("refused")),
        "is_filtered": any(given.values()) or bool(request.GET.get("refused")),
        "types": OBJECT_TYPES,
        "actions": ACTIONS,
    }
    return render_page(request, "audit/list.html", context, fragment="entries")

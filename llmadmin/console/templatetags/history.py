"""How the audit log speaks: acts and objects in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import entries_of
from llmadmin.console.links import link
from llmadmin.console.versions.words import named

register = template.Library()

_ACTS = {
    "create": "Added",
    "update": "Changed",
    "delete": "Deleted",
    "rotate": "Rotated",
    "revoke": "Revoked",
    "lock": "Locked",
    "fail": "Found not working:",
    "recover": "Found working again:",
    "test": "Tested",
    "start_rotation": "Began to rotate",
    "switch": "Switched over",
    "retire": "Retired",
    "cancel_rotation": "Cancelled the rotation of",
    "issue": "Issued",
    "stop": "Stopped",
    "restart": "Let run again",
    "invite": "Invited",
    "withdraw": "Withdrew the invitation of",
    "disable": "Switched off",
    "enable": "Switched on",
    "end": "Signed out",
    "lock-out": "Locked out after wrong passwords:",
    "sign-in": "Signed in as",
    "sign-out": "Signed out",
    "read_secrets": "Read keys in plain text:",
    "reveal": "Took keys along:",
    "export": "Took along the",
    "backup": "Backed up the",
    "restore": "Restored the",
    "prune": "Removed what was old from the",
}
_RECENT = 5
_THROUGH = {"ui": "the browser", "api": "the REST API", "file": "a config file", "system": "llmadmin itself"}


@register.filter
def act(entry: AuditEntry) -> str:
    """`Changed`; an act without a word of its own is written as it is called."""
    return _ACTS.get(entry.action, entry.action.replace("-", " ").replace("_", " ").capitalize())


@register.filter
def acted(entry: AuditEntry) -> SafeString:
    """`Changed alias fast`, the name in bold."""
    noun, name = named(entry.object_type, entry.object_name)
    words = act(entry) if entry.action in ("sign-in", "sign-out") else f"{act(entry)} {noun}"
    return format_html("{} <strong>{}</strong>", words, name) if name else format_html("{}", words)


@register.filter
def called(entry: AuditEntry) -> str:
    """The object of an act, as `alias fast`."""
    return " ".join(named(entry.object_type, entry.object_name)).strip()


@register.filter
def through(entry: AuditEntry) -> str:
    """The face that the act came through."""
    return (
        "the command line" if entry.actor_kind == "command" else _THROUGH.get(entry.source, entry.source or "unknown")
    )


@register.inclusion_tag("components/recent_acts.html")
def recent_acts(object_type: str, object_name: str) -> dict[str, Any]:
    """What happened to one object lately; one query."""
    found = list(entries_of(object_type, object_name)[: _RECENT + 1])
    all_url = link("audit:list", query={"type": object_type, "name": object_name})
    return {"recent": found[:_RECENT], "has_more": len(found) > _RECENT, "all_url": all_url}

"""How the audit log speaks: acts and objects in words."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmadmin.audit.models import AuditEntry
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
}


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

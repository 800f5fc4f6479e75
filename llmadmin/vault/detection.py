"""Whose key is this? Told from how it begins, so that a pasted key can choose its provider."""

from __future__ import annotations

from providers.registry import get_registry


def provider_kind_of(text: str) -> str | None:
    """The one provider kind whose folder claims the longest matching prefix; None when none does, or more than one."""
    text = text.strip()
    claims: dict[str, set[str]] = {}
    for kind in get_registry().slugs():
        for prefix in get_registry().metadata(kind).key_prefixes:
            if text.startswith(prefix) and len(text) > len(prefix):
                claims.setdefault(prefix, set()).add(kind)
    if not claims:
        return None
    kinds = claims[max(claims, key=len)]
    return next(iter(kinds)) if len(kinds) == 1 else None

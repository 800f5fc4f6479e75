"""Addresses with a query: every number opens the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def link(name: str, *args: Any, query: Mapping[str, Any] | None = None) -> str:
    """The page `name` with a query; what is empty or None is left out."""
    written = urlencode({key: value for key, value in (query or {}).items() if value not in (None, "", False)})
    path = reverse(name, args=args)
    return f"{path}?{written}" if written else path


def to_requests(period: Mapping[str, str], **filters: Any) -> str:
    """The explorer, showing the calls of a period that match."""
    return link("requests:list", query={**period, **filters})

"""Lists that a vendor gives page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from providers.base.connector import BaseConnector
from providers.base.failures import require_object

MAX_PAGES = 50
"""A vendor that always names a further page is not followed for ever."""


async def read_pages(
    connector: BaseConnector,
    path: str,
    *,
    parameter: str,
    next_page: Callable[[Mapping[str, Any]], str],
    api_key: str | None,
    timeout_s: float | None,
) -> list[Mapping[str, Any]]:
    """All pages of the list at `path`, which has a query already. `parameter` asks for the page that `next_page` finds.

    Raises the error tree.
    """
    context = connector.context(api_key, None)
    pages: list[Mapping[str, Any]] = []
    where = path
    while len(pages) < MAX_PAGES:
        payload = await connector.request("GET", where, api_key=api_key, timeout_s=timeout_s)
        pages.append(require_object(payload, {}, context))
        following = next_page(pages[-1])
        if not following:
            break
        where = f"{path}&{parameter}={quote(following, safe='')}"
    return pages

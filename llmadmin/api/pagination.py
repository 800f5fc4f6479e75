"""Lists as `{"results", "next", "previous"}`, by keyset, so that the last page is as quick as the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from llmadmin.core.errors import InvalidError
from llmadmin.core.paging import MAX_SIZE, Page, keyset_page

if TYPE_CHECKING:
    # The framework imports this module while it makes its views.
    from rest_framework.views import APIView

DEFAULT_SIZE = 100


class KeysetPagination(BasePagination):
    """`?cursor=…&page_size=…` over the unique `ordering` that the view declares."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        order: Sequence[str] = getattr(view, "ordering", ("pk",))
        self._request = request
        self._page: Page[Model] = keyset_page(
            queryset, order=order, cursor=request.query_params.get("cursor") or None, size=_size(request)
        )
        return list(self._page.rows)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self._link(self._page.next_cursor),
                "previous": self._link(self._page.previous_cursor),
            }
        )

    def _link(self, cursor: str | None) -> str | None:
        return replace_query_param(self._request.build_absolute_uri(), "cursor", cursor) if cursor else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "From `next` or `previous`.",
            },
            {
                "name": "page_size",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE},
            },
        ]


def _size(request: Request) -> int:
    given = request.query_params.get("page_size", "")
    if not given:
        return DEFAULT_SIZE
    if not given.isascii() or not given.isdigit() or len(given) > 9 or not 1 <= int(given) <= MAX_SIZE:
        raise InvalidError.of(page_size=f"Choose between 1 and {MAX_SIZE}.")
    return int(given)

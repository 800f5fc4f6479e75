"""How the OpenAPI document speaks of each call: its name, its first line, and what it answers when it refuses."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter

_SUMMARIES = {
    "list": "List {many}",
    "create": "Create {one}",
    "retrieve": "Show {one}",
    "update": "Replace {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}
_REFUSALS = {
    "400": "The input can't be taken; `fields` says which and why.",
    "401": "No service key or session, or one that does not open.",
    "403": "This caller may not do this.",
    "404": "There is no such object.",
    "409": "The name is taken, something still depends on it, or a state forbids it.",
    "412": "Someone changed it since the ETag in `If-Match` was read.",
    "413": "The body is too large.",
    "415": "The body has another media type than this call takes.",
    "429": "Too much at once; `Retry-After` says when to come back.",
    "503": "The database or the config is not there right now; `Retry-After` says when to come back.",
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "code", "message", "request_id"],
            "properties": {
                "type": {"type": "string", "description": "invalid_request, authentication, permission, not_found, …"},
                "code": {"type": "string", "description": "For programs, such as in_use or stale."},
                "message": {"type": "string", "description": "For people: what is wrong and what to do."},
                "request_id": {"type": "string", "description": "Finds the call in the log."},
                "fields": {
                    "type": "object",
                    "description": "A sentence for each wrong field, under paths such as `targets.0.model`.",
                    "additionalProperties": {
                        "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
                    },
                },
            },
        }
    },
    "example": {
        "error": {
            "type": "invalid_request",
            "code": "invalid",
            "message": "base_url: Give an address that begins with http:// or https://.",
            "request_id": "3f0c6a52b1d94e0f",
            "fields": {"base_url": "Give an address that begins with http:// or https://."},
        }
    },
}


class RestSchema(AutoSchema):
    """The framework's reading of a view, with names for people and with every refusal."""

    def get_summary(self) -> str | None:
        noun = getattr(self.view, "noun", "")
        pattern = _SUMMARIES.get(getattr(self.view, "action", "") or "")
        if noun and pattern:
            article = "an" if noun[0] in "aeioA" else "a"
            return pattern.format(one=f"{article} {noun}", many=self.get_tags()[0])
        return super().get_description().partition(".")[0] or None

    def get_override_parameters(self) -> list[Any]:
        """The filters that a view takes; those that it describes itself win."""
        names = getattr(self.view, "query_names", {}).get(getattr(self.view, "action", None), ())
        return [OpenApiParameter(name, str) for name in sorted(names) if name not in ("cursor", "page_size")]

    def get_operation_id(self) -> str:
        """`aliases_list`, `keys_rotate`, `config`: what client generators call the function."""
        act = getattr(self.view, "action", None)
        if act is None:
            return self.get_tags()[0].replace("-", "_")
        if act in _SUMMARIES or len(getattr(self.view, "action_map", ())) > 1:
            return super().get_operation_id()
        return f"{self.get_tags()[0]}_{act}".replace("-", "_")

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation: Any = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        self._register_error()
        refusals = self._refusals(operation)
        operation["responses"] |= {
            status: {
                "description": _REFUSALS[status],
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            }
            for status in refusals
            if status not in operation["responses"]
        }
        return operation

    def _refusals(self, operation: dict[str, Any]) -> list[str]:
        found = ["400", "401", "403", "404", "503"]
        if self.method != "GET":
            found += ["409", "412", "413", "415"]
        if self.path.endswith("/config/"):
            found.append("429")
        return sorted(found)

    def _register_error(self) -> None:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Error", type=ResolvedComponent.SCHEMA, schema=ERROR, object="Error"
        )
        self.registry.register_on_missing(component)

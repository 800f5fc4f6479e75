"""How values look in JSON: exact decimals as text, moments in UTC, objects as they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers


def plain_decimal(value: Decimal) -> str:
    """`Decimal("0.400000000000")` → `"0.4"`: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@extend_schema_field({"type": "string", "format": "decimal", "example": "0.40"})
class MoneyText(serializers.Field[Any, Any, Any, Any]):
    """US dollars as text, or null for what is not known."""

    def to_representation(self, value: Decimal) -> str:
        return plain_decimal(value)

    def to_internal_value(self, data: Any) -> Any:
        return data


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[Any, Any, Any, Any]):
    """A moment in UTC, in ISO 8601 with `Z`."""

    def to_representation(self, value: dt.datetime) -> str:
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")

    def to_internal_value(self, data: Any) -> Any:
        return data


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class TextsByName(serializers.JSONField):
    """An object of texts, such as HTTP headers."""


@extend_schema_field({"type": "object", "additionalProperties": True})
class AnyObject(serializers.JSONField):
    """An object whose content the services check."""


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class Texts(serializers.JSONField):
    """A list of texts."""

    def __init__(self, **options: Any) -> None:
        # A default of the framework's field is an object; ours is a list.
        super().__init__(**options)


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["above_input_tokens"],
            "properties": {"above_input_tokens": {"type": "integer", "minimum": 1}},
            "additionalProperties": {"type": "string", "format": "decimal"},
        },
    }
)
class Tiers(serializers.JSONField):
    """Other rates above a prompt length."""


Serializer = TypeVar("Serializer", bound=type[serializers.Serializer[Any]])


def example(title: str, value: dict[str, Any]) -> Callable[[Serializer], Serializer]:
    """A body that the OpenAPI document shows for what is sent."""
    return extend_schema_serializer(examples=[OpenApiExample(title, value=value, request_only=True)])


class Row(serializers.Serializer[Any]):
    """What every object of the configuration carries beside its own fields."""

    source = serializers.CharField(  # type: ignore[assignment]  # the framework's class has an attribute of that name
        read_only=True, help_text="Where it came from: ui, api, file, env, catalogue or system."
    )
    revision = serializers.IntegerField(read_only=True, help_text="Moves with each save; the ETag.")
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True)

"""`models/` and `prices/`: what providers offer, and what it costs from when."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from llmadmin.api.fields import AnyObject, Moment, MoneyText, Row, Texts, Tiers, example
from llmadmin.api.views import PAGED
from llmadmin.api.viewsets import ConfigViewSet
from llmadmin.catalog import services
from llmadmin.catalog.models import LanguageModel, Price
from llmadmin.catalog.selectors import find_model, get_model, get_price, get_provider, models, prices
from llmadmin.core.errors import InvalidError, MissingError


@example(
    "A model",
    {"provider": "openai", "name": "gpt-4.1-mini", "context_window": 1047576, "capabilities": ["chat", "tools"]},
)
class LanguageModelSerializer(Row):
    """A model under the vendor's own name."""

    id = serializers.UUIDField(read_only=True)
    provider = serializers.CharField(source="provider.slug")
    name = serializers.CharField()
    context_window = serializers.IntegerField(required=False, allow_null=True, default=None)
    max_output_tokens = serializers.IntegerField(required=False, allow_null=True, default=None)
    capabilities = Texts(required=False, default=list)
    parameters = AnyObject(required=False, default=dict)
    enabled = serializers.BooleanField(required=False, default=True)


@example(
    "A price from the new year on",
    {
        "model": "openai/gpt-4.1-mini",
        "effective_from": "2027-01-01T00:00:00Z",
        "input_usd_per_mtok": "0.40",
        "output_usd_per_mtok": "1.60",
    },
)
class PriceSerializer(Row):
    """US dollars for a million tokens of each meter, from a moment on."""

    id = serializers.UUIDField(read_only=True)
    model = serializers.CharField(source="model.full_name", help_text="provider/name, or the model's id.")
    effective_from = Moment(required=False)
    input_usd_per_mtok = MoneyText(allow_null=True)
    cached_input_usd_per_mtok = MoneyText(required=False, allow_null=True, default=None)
    cache_write_usd_per_mtok = MoneyText(required=False, allow_null=True, default=None)
    output_usd_per_mtok = MoneyText(allow_null=True)
    reasoning_usd_per_mtok = MoneyText(required=False, allow_null=True, default=None)
    tiers = Tiers(required=False, default=list)  # type: ignore[arg-type]


class LanguageModelViewSet(ConfigViewSet):
    noun = "model"
    filters = {"provider": "provider__slug"}
    serializer_class = LanguageModelSerializer
    lookup_field = "id"
    ordering = ("provider__slug", "name")
    queryset = LanguageModel.objects.none()

    def get_queryset(self) -> Any:
        return models()

    def find(self, key: str) -> LanguageModel:
        return get_model(key)

    def perform_create(self, fields: dict[str, Any]) -> LanguageModel:
        try:
            provider = get_provider(fields.pop("provider"))
        except MissingError as missing:
            raise InvalidError.of(provider=missing.message) from None
        return services.create_model(provider, source="api", **fields)

    def perform_update(
        self, row: LanguageModel, fields: dict[str, Any], *, expected_revision: int | None
    ) -> LanguageModel:
        if fields.pop("provider", row.provider.slug) != row.provider.slug:
            raise InvalidError.of(provider="A model stays with its provider. Add it to the other one instead.")
        return services.update_model(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: LanguageModel, *, expected_revision: int | None) -> None:
        services.delete_model(row, expected_revision=expected_revision)


class PriceViewSet(ConfigViewSet):
    noun = "price"
    query_names = {"list": PAGED | {"model"}}
    serializer_class = PriceSerializer
    lookup_field = "id"
    ordering = ("model__provider__slug", "model__name", "-effective_from", "id")
    queryset = Price.objects.none()

    def get_queryset(self) -> Any:
        wanted = self.request.query_params.get("model")
        return prices().filter(model=_named_model(wanted)) if wanted else prices()

    def find(self, key: str) -> Price:
        return get_price(key)

    def perform_create(self, fields: dict[str, Any]) -> Price:
        return services.set_price(_named_model(fields.pop("model")), source="api", **fields)

    def perform_update(self, row: Price, fields: dict[str, Any], *, expected_revision: int | None) -> Price:
        wanted = fields.pop("model", None)
        if wanted is not None and _named_model(wanted) != row.model:
            raise InvalidError.of(model="A price stays with its model. Add one to the other model instead.")
        return services.update_price(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: Price, *, expected_revision: int | None) -> None:
        services.delete_price(row, expected_revision=expected_revision)


def _named_model(name: str) -> LanguageModel:
    """By `provider/name`, or by the model's id."""
    try:
        return find_model(name) if "/" in name else get_model(name)
    except MissingError as missing:
        raise InvalidError.of(model=missing.message) from None

"""Changing models: what a provider offers."""

from __future__ import annotations

import uuid
from typing import Any

from llmadmin.catalog import fields as take
from llmadmin.catalog.editing import add, differing, in_use, locked, remove, require_free, write
from llmadmin.catalog.fields import Cleaner, clean, invalid
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.catalog.origin import origin_of, origin_of_url

NOUN = "model"
_TOKENS = take.whole(least=1, most=2_000_000_000, is_optional=True)

CLEANERS: dict[str, Cleaner] = {
    "name": take.model_name,
    "api_url": take.address,
    "context_window": _TOKENS,
    "max_output_tokens": _TOKENS,
    "capabilities": take.words(),
    "parameters": take.json_object,
    "enabled": take.flag,
    "source": take.source,
}


def create_model(
    provider: Provider, *, name: str, source: str = "ui", model_id: uuid.UUID | None = None, **fields: Any
) -> LanguageModel:
    """A model of `provider`, without a price yet. `model_id` is for a restored one. Raises InvalidError, ConflictError."""
    values = clean({"name": name, "source": source, **fields}, CLEANERS, noun="A model")
    model = LanguageModel(provider=provider, id=model_id or uuid.uuid4(), **values)
    _check_own_address(model)
    _require_free(model)
    add(model, noun=NOUN)
    return model


def update_model(model: LanguageModel, *, expected_revision: int | None = None, **fields: Any) -> LanguageModel:
    """Set the given fields and return the row as it is now. Raises InvalidError, StaleError, ConflictError, MissingError."""
    current = locked(model, noun=NOUN, expected_revision=expected_revision, related=["provider"])
    values = differing(current, clean(fields, CLEANERS, noun="A model"))
    if not values:
        return current
    if "name" in values:
        _require_not_default(current)
        _require_free(LanguageModel(provider=current.provider, name=values["name"]))
    _check_own_address(LanguageModel(provider=current.provider, api_url=values.get("api_url", current.api_url)))
    write(current, values, noun=NOUN)
    return current


def delete_model(model: LanguageModel, *, expected_revision: int | None = None) -> None:
    """Delete a model with its prices. Raises InUseError while an alias or the default names it, StaleError, MissingError."""
    current = locked(model, noun=NOUN, expected_revision=expected_revision, related=["provider"])
    _require_not_default(current)
    remove(current, noun=NOUN)


def _require_free(model: LanguageModel) -> None:
    same = LanguageModel.objects.filter(provider=model.provider, name=model.name)
    require_free(same, noun=NOUN, field="name", value=model.full_name)


def _require_not_default(model: LanguageModel) -> None:
    """A provider names its default model in words, so no foreign key holds it."""
    if model.provider.default_model == model.name:
        raise in_use(NOUN, model.full_name, [f"provider {model.provider.slug} as its default model"])


def _check_own_address(model: LanguageModel) -> None:
    """A model's own address is on its provider's server: the provider's keys are sent there, and only there do they open."""
    home = origin_of(model.provider).partition(" ")[0]
    if model.api_url and origin_of_url(model.api_url) != home:
        raise invalid(
            {
                "api_url": f"Give an address on the provider's own server ({home or 'it has none yet'}). For a model on "
                "another server add a provider of its own, so that no key is sent to the wrong place."
            }
        )

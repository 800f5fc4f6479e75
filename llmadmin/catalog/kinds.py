"""Which kinds of provider there are: the provider folders, found at run time."""

from __future__ import annotations

from providers.base.metadata import ProviderMetadata
from providers.base.models import ModelCatalogue, load_models
from providers.registry import UnknownProviderError, get_registry


def kinds() -> list[ProviderMetadata]:
    """What every provider folder declares, by label."""
    registry = get_registry()
    return sorted((registry.metadata(slug) for slug in registry.slugs()), key=lambda kind: kind.label.lower())


def find_kind(slug: str) -> ProviderMetadata | None:
    """What the folder `slug` declares, or None when there is no such folder."""
    try:
        return get_registry().metadata(slug)
    except UnknownProviderError:
        return None


def catalogue_of(slug: str) -> ModelCatalogue:
    """What the folder's `models.toml` knows; empty for a kind without a folder."""
    try:
        return load_models(get_registry().folder(slug).path)
    except UnknownProviderError:
        return ModelCatalogue({})

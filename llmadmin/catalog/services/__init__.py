"""Changing providers, models and prices. Each function runs inside `config.change` and notes what it did."""

from __future__ import annotations

from llmadmin.catalog.services.listing import import_catalogue_models, listed_models
from llmadmin.catalog.services.models import create_model, delete_model, update_model
from llmadmin.catalog.services.prices import delete_price, set_price, update_price
from llmadmin.catalog.services.providers import create_provider, delete_provider, update_provider

__all__ = [
    "create_model",
    "create_provider",
    "delete_model",
    "delete_price",
    "delete_provider",
    "import_catalogue_models",
    "listed_models",
    "set_price",
    "update_model",
    "update_price",
    "update_provider",
]

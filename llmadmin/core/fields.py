"""Column types and base rows that several apps share."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models

SLUG = RegexValidator(
    r"^[a-z0-9][a-z0-9_-]{0,62}$", "Use lower-case letters, digits, - and _, beginning with a letter or digit."
)
NAME = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$",
    "Use letters, digits and . _ : / @ + -, beginning with a letter or digit, at most 128 characters.",
)


class MoneyField(models.DecimalField):  # type: ignore[type-arg]  # not subscriptable at run time
    """US dollars with 12 places: a price of one token, or the sum over years."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_digits": 30, "decimal_places": 12}
        super().__init__(*args, **kwargs)


class Source(models.TextChoices):
    """Where an object came from; a file's objects are not edited behind its back."""

    UI = "ui", "Admin UI"
    API = "api", "REST API"
    FILE = "file", "Config file"
    ENVIRONMENT = "env", "Environment"
    CATALOGUE = "catalogue", "Catalogue"
    SYSTEM = "system", "llmadmin"


class ConfigRow(models.Model):
    """A row that people edit: it knows its revision (for `If-Match`), its origin and its times."""

    revision = models.PositiveIntegerField(default=1, editable=False)
    source = models.CharField(max_length=16, choices=Source, default=Source.UI)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

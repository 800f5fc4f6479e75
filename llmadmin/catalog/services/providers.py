"""Changing providers: what they are, where they live, how they are called."""

from __future__ import annotations

from typing import Any

from llmadmin.catalog import fields as take
from llmadmin.catalog.editing import add, differing, locked, remove, require_free, write
from llmadmin.catalog.fields import Cleaner, FieldError, clean, invalid
from llmadmin.catalog.kinds import find_kind, kinds
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.catalog.origin import origin_of, origin_of_url
from llmadmin.catalog.signals import origin_changed
from llmadmin.core.errors import ConflictError

NOUN = "provider"


def kind(value: Any) -> str:
    if not isinstance(value, str) or find_kind(value) is None:
        known = ", ".join(one.slug for one in kinds())
        raise FieldError(
            f"There is no kind of provider '{value}'. Choose one of {known}; for a server that speaks OpenAI's dialect, local."
        )
    return value


CLEANERS: dict[str, Cleaner] = {
    "slug": take.slug,
    "kind": kind,
    "label": take.text(most=120),
    "base_url": take.address,
    "default_model": take.text(most=200),
    "timeout_s": take.number(above=0, most=3600),
    "max_retries": take.whole(least=0, most=10),
    "retry_delay_s": take.number(most=600),
    "retry_max_delay_s": take.number(most=600),
    "retry_on": take.error_classes,
    "fallback_on": take.error_classes,
    "headers": take.headers,
    "options": take.json_object,
    "enabled": take.flag,
    "source": take.source,
}


def create_provider(*, slug: str, kind: str, source: str = "ui", **fields: Any) -> Provider:
    """A provider without keys and models yet. Raises InvalidError, ConflictError."""
    values = clean({"slug": slug, "kind": kind, "source": source, **fields}, CLEANERS, noun="A provider")
    provider = Provider(**values)
    _check_address(provider)
    require_free(Provider.objects.filter(slug=provider.slug), noun=NOUN, field="slug", value=provider.slug)
    add(provider, noun=NOUN)
    return provider


def update_provider(provider: Provider, *, expected_revision: int | None = None, **fields: Any) -> Provider:
    """Set the given fields and return the row as it is now.

    Where its keys would then be sent elsewhere, `origin_changed` is sent, which locks them. Raises InvalidError,
    StaleError, ConflictError, MissingError.
    """
    current = locked(provider, noun=NOUN, expected_revision=expected_revision)
    values = differing(current, clean(fields, CLEANERS, noun="A provider"))
    if not values:
        return current
    if "slug" in values:
        require_free(Provider.objects.filter(slug=values["slug"]), noun=NOUN, field="slug", value=values["slug"])
    before = origin_of(current)
    write(current, values, noun=NOUN)
    _check_address(current)
    after = origin_of(current)
    if after != before:
        _check_own_addresses(current)
        origin_changed.send(sender=Provider, provider=current, before=before, after=after)
    return current


def delete_provider(provider: Provider, *, expected_revision: int | None = None) -> None:
    """Delete a provider that has neither models nor keys any more. Raises InUseError, StaleError, MissingError."""
    remove(locked(provider, noun=NOUN, expected_revision=expected_revision), noun=NOUN)


def _check_address(provider: Provider) -> None:
    declared = find_kind(provider.kind)
    if not provider.base_url and declared is not None and not declared.base_url:
        raise invalid({"base_url": f"{declared.label} has no address of its own: give the base URL of your server."})


def _check_own_addresses(provider: Provider) -> None:
    """Models with a path of their own stay on the provider's server, since the provider's keys are sent there."""
    apart = [
        model.name
        for model in LanguageModel.objects.filter(provider=provider).exclude(api_url="")
        if origin_of_url(model.api_url) != origin_of(provider).partition(" ")[0]
    ]
    if apart:
        raise ConflictError(
            f"The models {', '.join(apart[:5])} have an API URL on the provider's former server. Clear it first, then "
            "change the address."
        )

"""Models, what they cost and from when, and taking them over from the catalogue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from llmadmin.audit.actor import Actor
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.selectors import find_model, get_model, get_price, price_at
from llmadmin.catalog.services import (
    create_model,
    create_provider,
    delete_model,
    delete_price,
    import_catalogue_models,
    listed_models,
    set_price,
    update_model,
    update_price,
    update_provider,
)
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError, InUseError, InvalidError, MissingError, StaleError
from llmadmin.routing.services import create_alias, set_default

pytestmark = pytest.mark.django_db
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def acting(actor: Actor) -> Iterator[None]:
    with change(by=actor):
        yield


@pytest.fixture
def openai() -> Provider:
    return create_provider(slug="openai", kind="openai")


@pytest.fixture
def model(openai: Provider) -> LanguageModel:
    return create_model(openai, name="meta/llama:70b", context_window=1000, capabilities=["chat", "chat"])


def test_a_model_is_found_by_its_full_name_which_may_hold_slashes(model: LanguageModel) -> None:
    assert find_model("openai/meta/llama:70b") == model
    assert get_model(str(model.pk)) == model
    assert model.capabilities == ["chat"]


@pytest.mark.parametrize("name", ["openai/nothing", "nothing", "", "openai/"])
def test_a_missing_model_is_said_to_be_missing(openai: Provider, name: str) -> None:
    with pytest.raises(MissingError):
        find_model(name)


@pytest.mark.parametrize("missing", ["00000000-0000-4000-8000-000000000000", "no id at all"])
def test_an_unknown_id_is_missing_and_no_crash(missing: str) -> None:
    with pytest.raises(MissingError):
        get_model(missing)
    with pytest.raises(MissingError):
        get_price(missing)


def test_a_name_is_taken_once_at_a_provider(openai: Provider, model: LanguageModel) -> None:
    with pytest.raises(ConflictError, match="openai/meta/llama:70b"):
        create_model(openai, name="meta/llama:70b")
    other = create_model(openai, name="other")
    with pytest.raises(ConflictError):
        update_model(other, name="meta/llama:70b")


@pytest.mark.parametrize(
    "fields",
    [{"name": "two words"}, {"name": ""}, {"context_window": 0}, {"max_output_tokens": "many"}, {"parameters": []}],
)
def test_a_wrong_field_of_a_model_is_named(openai: Provider, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidError) as problem:
        create_model(openai, **{"name": "one", **fields})

    assert set(problem.value.fields) == set(fields)


def test_a_model_that_an_alias_and_the_default_name_stays_and_says_why(model: LanguageModel) -> None:
    create_alias(name="fast", targets=[model])
    set_default(model.full_name)

    with pytest.raises(InUseError) as problem:
        delete_model(model)

    assert problem.value.dependents == ["alias fast", "the default model"]


def test_a_providers_default_model_stays_and_keeps_its_name(openai: Provider, model: LanguageModel) -> None:
    update_provider(openai, default_model=model.name)

    for attempt in (lambda: delete_model(model), lambda: update_model(model, name="other")):
        with pytest.raises(InUseError, match="provider openai as its default model"):
            attempt()


def test_a_stale_edit_of_a_model_is_refused(model: LanguageModel) -> None:
    update_model(model, expected_revision=1, enabled=False)

    with pytest.raises(StaleError):
        update_model(model, expected_revision=1, enabled=True)


def test_deleting_a_model_takes_its_prices_with_it(model: LanguageModel) -> None:
    set_price(model, input_usd_per_mtok="1", output_usd_per_mtok="2")

    delete_model(model)

    assert not Price.objects.exists()


def test_g6_a_price_holds_from_its_moment_until_the_next(model: LanguageModel) -> None:
    now = timezone.now()
    old = set_price(model, effective_from=LONG_AGO, input_usd_per_mtok="2", output_usd_per_mtok="8")
    new = set_price(model, effective_from=now, input_usd_per_mtok="1", output_usd_per_mtok="4")
    set_price(model, effective_from=now + dt.timedelta(days=1), input_usd_per_mtok="9", output_usd_per_mtok="9")

    assert price_at(model, LONG_AGO - dt.timedelta(seconds=1)) is None
    assert price_at(model, now - dt.timedelta(seconds=1)) == old
    assert price_at(model, now) == new


def test_the_same_moment_again_replaces_the_price(model: LanguageModel) -> None:
    set_price(
        model,
        effective_from="2026-01-31",
        input_usd_per_mtok="2",
        output_usd_per_mtok="8",
        cached_input_usd_per_mtok="1",
    )
    set_price(model, effective_from=dt.date(2026, 1, 31), input_usd_per_mtok="3", output_usd_per_mtok="9")

    price = Price.objects.get()
    assert price.effective_from == dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    assert (price.input_usd_per_mtok, price.cached_input_usd_per_mtok) == (3, None)


def test_a_price_of_zero_is_a_price_and_no_rate_at_all_is_none(model: LanguageModel) -> None:
    assert set_price(model, input_usd_per_mtok=0, output_usd_per_mtok="0").output_usd_per_mtok == 0

    with pytest.raises(InvalidError) as problem:
        set_price(model, reasoning_usd_per_mtok="1")
    assert set(problem.value.fields) == {"input_usd_per_mtok"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"input_usd_per_mtok": "-1"}, "input_usd_per_mtok"),
        ({"input_usd_per_mtok": "NaN"}, "input_usd_per_mtok"),
        ({"input_usd_per_mtok": "cheap"}, "input_usd_per_mtok"),
        ({"input_usd_per_mtok": "1e7"}, "input_usd_per_mtok"),
        ({"input_usd_per_mtok": "0.0000000000001"}, "input_usd_per_mtok"),
        ({"input_usd_per_mtok": True}, "input_usd_per_mtok"),
        ({"effective_from": "someday"}, "effective_from"),
        ({"effective_from": "2026-13-45"}, "effective_from"),
        ({"tiers": [{"above_input_tokens": 10, "input_usd_per_mtok": "-2"}]}, "tiers.0.input_usd_per_mtok"),
        ({"tiers": [{"input_usd_per_mtok": "2"}]}, "tiers.0.above_input_tokens"),
        ({"tiers": [{"above_input_tokens": 10}]}, "tiers.0"),
        ({"tiers": [{"above_input_tokens": 10, "colour": 1}]}, "tiers.0.colour"),
        ({"tiers": "many"}, "tiers"),
    ],
)
def test_a_wrong_part_of_a_price_is_named(model: LanguageModel, fields: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidError) as problem:
        set_price(model, **{"input_usd_per_mtok": "1", "output_usd_per_mtok": "2", **fields})

    assert set(problem.value.fields) == {path}


def test_the_database_itself_refuses_a_negative_price(model: LanguageModel) -> None:
    price = set_price(model, input_usd_per_mtok="1", output_usd_per_mtok="2")

    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.filter(pk=price.pk).update(output_usd_per_mtok=Decimal(-1))


def test_a_price_is_corrected_and_deleted(model: LanguageModel) -> None:
    price = set_price(model, input_usd_per_mtok="1", output_usd_per_mtok="2")
    other = set_price(model, effective_from=LONG_AGO, input_usd_per_mtok="1", output_usd_per_mtok="2")

    assert update_price(price, expected_revision=1, output_usd_per_mtok="3").output_usd_per_mtok == 3
    with pytest.raises(ConflictError):
        update_price(price, effective_from=LONG_AGO)
    delete_price(price)

    assert list(Price.objects.all()) == [other]


def test_catalogue_models_come_with_their_list_prices(openai: Provider) -> None:
    entry = next(one for one in listed_models(openai) if one.prices and one.context_window)

    imported = import_catalogue_models(openai, [entry.name])

    assert [model.name for model in imported] == [entry.name]
    assert imported[0].context_window == entry.context_window
    assert imported[0].source == "catalogue"
    price = price_at(imported[0], timezone.now())
    assert price is not None
    assert price.input_usd_per_mtok == entry.price_on(timezone.now().date()).input_usd_per_mtok
    assert import_catalogue_models(openai, [entry.name]) == []


def test_a_name_that_the_catalogue_does_not_know_is_refused(openai: Provider) -> None:
    with pytest.raises(InvalidError, match="no-such-model"):
        import_catalogue_models(openai, ["no-such-model"])

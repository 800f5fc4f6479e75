"""Prices of models.toml beside those of genai-prices: what is shown, what `--apply` writes."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from genai_prices import data
from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint, Tier, TieredPrices

from providers.__main__ import main
from providers.base.models import load_models
from providers.folders import Folder
from providers.pricelist import Difference, Gaps, differences, differences_of, gaps, take
from providers.registry import get_registry

TODAY = date(2026, 6, 1)
TOML = """# A comment that stays.

[[families]]
prefixes = ["x"]

[[models]]
name = "small"
context_window = 1000
[[models.prices]]
effective_from = 2020-01-01
input_usd_per_mtok = "1"
cached_input_usd_per_mtok = "0.5"
output_usd_per_mtok = "2"

[[models]]
name = "large"
[[models.prices]]
effective_from = 2020-01-01
input_usd_per_mtok = "10"
output_usd_per_mtok = "20"
tiers = [
  {above_input_tokens = 200000, input_usd_per_mtok = "15", output_usd_per_mtok = "30"},
]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "models.toml").write_text(TOML)
    load_models.cache_clear()
    return Folder(tmp_path, "acme", SimpleNamespace(slug="acme"))


def package(**prices: object) -> list[SimpleNamespace]:
    return [seller("acme", **prices)]


def seller(slug: str, **prices: object) -> SimpleNamespace:
    """A provider of the package; what it doesn't know it finds with its neighbours, as genai-prices does."""
    models = {name: SimpleNamespace(id=name, prices=price, deprecated=False) for name, price in prices.items()}

    def find(name: str, *, all_providers: list[SimpleNamespace] | None = None) -> SimpleNamespace | None:
        others = [other for other in all_providers or () if other.id != slug]
        return models.get(name) or next((found for other in others if (found := other.find_model(name))), None)

    return SimpleNamespace(id=slug, find_model=find, models=list(models.values()))


def priced(first_day: date | None = None, **meters: object) -> ConditionalPrice:
    given = {name: value if isinstance(value, TieredPrices) else Decimal(str(value)) for name, value in meters.items()}
    return ConditionalPrice(
        constraint=StartDateConstraint(start_date=first_day) if first_day else None, prices=ModelPrice(**given)
    )


def found_in(folder: Folder, **prices: object) -> list[Difference]:
    return differences(folder, package(**prices), today=TODAY)


def tiered(base: str, above: str) -> TieredPrices:
    return TieredPrices(base=Decimal(base), tiers=[Tier(start=200_000, price=Decimal(above))])


def test_equal_prices_are_no_difference_and_neither_is_what_the_package_does_not_know(folder):
    small = ModelPrice(input_mtok=Decimal("1.0"), output_mtok=Decimal(2))
    large = ModelPrice(input_mtok=tiered("10", "15"), output_mtok=tiered("20", "30"), web_searches_kcount=Decimal(9))

    assert found_in(folder, small=small, large=large, other=small) == []
    assert differences(folder, [], today=TODAY) == []


def test_a_meter_that_is_new_is_a_difference_and_one_that_the_package_is_silent_of_is_none(folder):
    (difference,) = found_in(
        folder, small=ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2), cache_write_mtok=Decimal("1.25"))
    )

    assert difference.rows() == [("cache_write_usd_per_mtok", None, Decimal("1.25"))]
    take(folder.path / "models.toml", [difference])
    taken = load_models(folder.path).models["small"].price_on(TODAY)
    assert (taken.cache_write_usd_per_mtok, taken.cached_input_usd_per_mtok) == (Decimal("1.25"), Decimal("0.5"))


def test_a_model_that_is_sold_on_is_compared_with_the_price_of_its_maker(folder):
    cheaper = ModelPrice(input_mtok=Decimal("0.8"), output_mtok=Decimal(2))

    found = differences(folder, [seller("acme"), seller("maker", small=cheaper)], today=TODAY)

    assert [difference.model for difference in found] == ["small"]


def test_a_name_with_its_seller_is_compared_with_that_seller(folder):
    text = (folder.path / "models.toml").read_text().replace('"small"', '"small:shop"')
    (folder.path / "models.toml").write_text(text)
    cheaper = ModelPrice(input_mtok=Decimal("0.8"), output_mtok=Decimal(2))

    found = differences(folder, [seller("acme_shop", small=cheaper)], today=TODAY)

    assert [difference.model for difference in found] == ["small:shop"]


def test_models_that_only_one_of_both_knows_are_named(folder):
    price = ModelPrice(input_mtok=Decimal(1))
    theirs = seller("acme", large=price, newer=price, older=price, painter=ModelPrice(web_searches_kcount=Decimal(9)))
    for model in theirs.models:
        model.deprecated = model.id in {"older", "large"}

    assert gaps(folder, [theirs], today=TODAY) == Gaps("acme", lacking=("newer",), alone=("small",), retired=("large",))


def test_a_price_without_a_day_holds_from_today(folder):
    (difference,) = found_in(folder, small=ModelPrice(input_mtok=Decimal("0.8"), output_mtok=Decimal(2)))

    assert (difference.slug, difference.model, difference.effective_from) == ("acme", "small", TODAY)
    assert ("input_usd_per_mtok", Decimal(1), Decimal("0.8")) in difference.rows()


def test_dated_prices_hold_from_their_day_and_may_lie_ahead(folder):
    found = found_in(
        folder,
        small=[
            priced(input_mtok=99, output_mtok=99),
            priced(date(2026, 3, 1), input_mtok=1, cache_read_mtok="0.4", output_mtok=2),
            priced(date(2026, 9, 1), input_mtok=3, output_mtok=2),
        ],
    )

    assert [difference.effective_from for difference in found] == [date(2026, 3, 1), date(2026, 9, 1)]
    assert found[0].rows() == [("cached_input_usd_per_mtok", Decimal("0.5"), Decimal("0.4"))]


def test_a_tier_that_is_gone_is_a_difference(folder):
    (difference,) = found_in(folder, large=ModelPrice(input_mtok=Decimal(10), output_mtok=Decimal(20)))

    assert ("input_usd_per_mtok above 200000", Decimal(15), None) in difference.rows()


def test_what_is_taken_is_added_with_its_day_and_the_rest_stays(folder):
    price = ModelPrice(input_mtok=tiered("8", "12"), output_mtok=tiered("16", "24"))
    wanted = {"small": ModelPrice(input_mtok=Decimal("0.8"), output_mtok=Decimal(2)), "large": price}

    take(folder.path / "models.toml", found_in(folder, **wanted))

    text = (folder.path / "models.toml").read_text()
    models = load_models(folder.path).models
    assert text.startswith("# A comment that stays.")
    assert models["small"].price_on(date(2026, 5, 31)).input_usd_per_mtok == 1
    assert models["small"].price_on(TODAY).input_usd_per_mtok == Decimal("0.8")
    assert models["large"].price_on(TODAY).tiers[0]["output_usd_per_mtok"] == 24
    assert models["small"].context_window == 1000
    assert found_in(folder, **wanted) == []
    assert '\n\n[[models]]\nname = "large"' in text


def test_a_price_of_the_same_day_is_replaced(folder):
    for rate in ("0.8", "0.7"):
        found = found_in(folder, small=ModelPrice(input_mtok=Decimal(rate), output_mtok=Decimal(2)))
        take(folder.path / "models.toml", found)

    prices = load_models(folder.path).models["small"].prices
    assert [str(price.input_usd_per_mtok) for price in prices] == ["1", "0.7"]


def test_every_folder_agrees_with_the_installed_package():
    found = [
        difference
        for slug in get_registry().slugs()
        for difference in differences(get_registry().folder(slug), data.providers, today=datetime.now(UTC).date())
    ]

    assert found == []


@pytest.mark.parametrize("slug", get_registry().slugs())
def test_no_name_of_the_package_is_taken_for_a_model_of_another_price(slug: str):
    catalogue = load_models(get_registry().folder(slug).path)
    today = datetime.now(UTC).date()
    models = next((provider.models for provider in data.providers if provider.id == slug), ())
    pairs = [(model, catalogue.find(model.id)) for model in models]

    assert [
        difference
        for model, entry in pairs
        if entry is not None and entry.prices
        for difference in differences_of(slug, entry, model, today=today)
    ] == []


def test_the_command_says_so_and_exits_0(capsys):
    assert main(["prices", "--slug", "openai"]) == 0

    assert "agrees" in capsys.readouterr().err


def test_the_command_shows_a_table_exits_1_and_writes_where_it_is_told_to(tmp_path, monkeypatch, capsys):
    shelf = tmp_path / "openai"
    shutil.copytree(get_registry().folder("openai").path, shelf)
    text = (shelf / "models.toml").read_text()
    (shelf / "models.toml").write_text(text.replace('\ninput_usd_per_mtok = "0.4"', '\ninput_usd_per_mtok = "0.3"'))
    folder = Folder(shelf, "openai", get_registry().metadata("openai"))
    monkeypatch.setattr(get_registry(), "folder", lambda _: folder)
    load_models.cache_clear()

    assert main(["prices", "--slug", "openai"]) == 1
    shown = capsys.readouterr().out
    assert main(["prices", "--slug", "openai", "--apply"]) == 0
    assert main(["prices", "--slug", "openai"]) == 0

    assert "openai/gpt-4.1-mini from" in shown
    assert "0.3 -> 0.4" in " ".join(shown.split())


def test_the_command_names_models_that_only_one_of_both_knows_where_it_is_asked_to(capsys):
    assert main(["prices", "--slug", "cohere"]) == 0
    assert "only in" not in capsys.readouterr().out
    assert main(["prices", "--slug", "cohere", "--models"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert "cohere/command: only in genai-prices" in lines
    assert "cohere/embed-english-v3.0: only in models.toml" in lines


def test_an_unknown_folder_is_misuse(capsys):
    assert main(["prices", "--slug", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err

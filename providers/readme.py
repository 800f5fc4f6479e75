"""The generated tables in the READMEs of provider folders: settings, capabilities, models with their list prices.

They stand between two markers and come from `metadata.py` and `models.toml` alone, so that they can't drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import get_args

from providers.base.metadata import Capability, ProviderMetadata
from providers.base.models import ModelEntry, load_models
from providers.document import plain_decimal
from providers.folders import Folder
from providers.pricelist import ALWAYS
from providers.registry import get_registry

START = "<!-- generated: python -m providers docs -->"
END = "<!-- /generated -->"

_METERS = ("input_usd_per_mtok", "cached_input_usd_per_mtok", "cache_write_usd_per_mtok", "output_usd_per_mtok")


def refresh(*, is_check: bool = False) -> list[Path]:
    """Write the tables of every folder with a README again; the files that were out of date."""
    stale = []
    registry = get_registry()
    for slug in registry.slugs():
        folder = registry.folder(slug)
        path = folder.path / "README.md"
        if not path.is_file():
            continue
        old = path.read_text(encoding="utf-8")
        new = with_tables(old, tables(folder))
        if new != old:
            stale.append(path)
            if not is_check:
                path.write_text(new, encoding="utf-8")
    return stale


def with_tables(text: str, generated: str) -> str:
    """`text` with `generated` between its markers, which are added at the end where there are none."""
    before, marker, rest = text.partition(START)
    if not marker:
        return f"{text.rstrip()}\n\n{START}\n{generated}\n{END}\n"
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{generated}\n{END}{after}"


def tables(folder: Folder) -> str:
    models = load_models(folder.path).models.values()
    parts = [_settings(folder.metadata), _capabilities(folder.metadata, models)]
    if models:
        parts.append(_limits_and_prices(models))
    return "\n\n".join(parts)


def _settings(metadata: ProviderMetadata) -> str:
    variables = metadata.variables()
    rows = [
        (f"`{item.name}`", _code(item.env), "yes" if item.is_required else "no", item.help or item.label)
        for item in metadata.credentials
    ]
    rows.append(
        (
            "`base_url`",
            _code(variables.get("base_url", ())),
            "no" if metadata.base_url else "yes",
            f"`{metadata.base_url}` if left out" if metadata.base_url else "",
        )
    )
    rows += [
        (
            f"`{item.name}`",
            _code(variables.get(item.name, ())),
            "no",
            item.help or item.label,
        )
        for item in metadata.options
    ]
    return table(("setting", "environment", "required", "what"), rows)


def _capabilities(metadata: ProviderMetadata, models: Iterable[ModelEntry]) -> str:
    """What can be asked of the provider at all, and of each model that is listed."""
    names = [name for name in get_args(Capability) if name in metadata.capabilities]
    rows = [("the provider", *("yes" for _ in names))]
    rows += [(f"`{model.name}`", *("yes" if name in model.capabilities else "" for name in names)) for model in models]
    return f"What is passed on, and which model can do it:\n\n{table(('', *names), rows)}"


def _limits_and_prices(models: Iterable[ModelEntry]) -> str:
    rows = [row for model in models for row in _rows_of(model)]
    head = ("model", "context", "max output", "input", "cached input", "cache write", "output", "holds")
    return (
        "Limits in tokens, list prices in USD per million tokens. An empty field is unknown. Of several prices the last "
        f"one that has begun holds.\n\n{table(head, rows)}"
    )


def _rows_of(model: ModelEntry) -> Iterator[Sequence[str]]:
    """A model with its first price, then a line for each tier and for each later price."""
    about: tuple[str, ...] = (f"`{model.name}`", _tokens(model.context_window), _tokens(model.max_output_tokens))
    silent = ("",) * len(about)
    if not model.prices:
        yield (*about, *_figures({}), "")
    for price in sorted(model.prices, key=lambda listed: listed.effective_from):
        since = "" if price.effective_from == ALWAYS else f"from {price.effective_from.isoformat()}"
        yield (*about, *_figures({meter: getattr(price, meter) for meter in _METERS}), since)
        about = silent
        for tier in price.tiers:
            yield (*silent, *_figures(tier), f"{since} above {tier['above_input_tokens']:,} tokens in".strip())


def _figures(price: Mapping[str, Decimal | None]) -> Iterator[str]:
    for meter in _METERS:
        value = price.get(meter)
        yield "" if value is None else plain_decimal(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _tokens(count: int | None) -> str:
    return "" if count is None else f"{count:,}"

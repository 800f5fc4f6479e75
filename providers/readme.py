"""The generated tables in the READMEs of provider folders: settings, capabilities, models with their list prices.

They stand between two markers and come from `metadata.py` and `models.toml` alone, so that they can't drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from providers.base.metadata import ProviderMetadata
from providers.base.models import ListPrice, ModelEntry, load_models
from providers.document import plain_decimal
from providers.folders import Folder
from providers.registry import get_registry

START = "<!-- generated: python -m providers docs -->"
END = "<!-- /generated -->"


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
    parts = [_settings(folder.metadata), _capabilities(folder.metadata)]
    if models:
        parts.append(_models(models))
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


def _capabilities(metadata: ProviderMetadata) -> str:
    return f"Capabilities: {', '.join(sorted(metadata.capabilities))}."


def _models(models: Iterable[ModelEntry]) -> str:
    rows = []
    for model in models:
        price = max(model.prices, key=lambda listed: listed.effective_from, default=None)
        rows.append(
            (
                f"`{model.name}`",
                _tokens(model.context_window),
                _tokens(model.max_output_tokens),
                ", ".join(sorted(model.capabilities)),
                _usd(price, "input_usd_per_mtok"),
                _usd(price, "cached_input_usd_per_mtok"),
                _usd(price, "output_usd_per_mtok"),
                price.effective_from.isoformat() if price else "",
            )
        )
    head = ("model", "context", "max output", "capabilities", "input", "cached input", "output", "price from")
    return f"List prices in USD per million tokens.\n\n{table(head, rows)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _tokens(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _usd(price: ListPrice | None, name: str) -> str:
    value = getattr(price, name) if price else None
    return "" if value is None else plain_decimal(value)

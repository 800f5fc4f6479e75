"""The generated tables of the providers' READMEs: written where they are stale, between their markers, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from providers import ProviderRegistry, readme
from providers.readme import END, START, refresh, with_tables
from tests.providers.test_folders import write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One folder with a README that has no tables yet, in place of the process's own."""
    write(tmp_path)
    registry = ProviderRegistry(paths=[tmp_path])
    alone = SimpleNamespace(slugs=lambda: ["borrowed", "ollama"], folder=registry.folder)
    monkeypatch.setattr(readme, "get_registry", lambda: alone)
    (tmp_path / "borrowed" / "README.md").write_text("# Borrowed\n", encoding="utf-8")
    return tmp_path / "borrowed"


def test_stale_tables_are_named_by_a_check_and_written_otherwise(folder: Path):
    path = folder / "README.md"

    assert refresh(is_check=True) == [path]
    assert path.read_text(encoding="utf-8") == "# Borrowed\n"
    assert refresh() == [path]
    assert "| `base_url` |" in path.read_text(encoding="utf-8")
    assert refresh() == []


def test_a_folder_without_a_readme_has_no_tables(folder: Path):
    (folder / "README.md").unlink()

    assert refresh() == []
    assert not (folder / "README.md").exists()


def test_tables_stand_between_their_markers_and_what_is_around_them_stays():
    once = with_tables("Before.\n", "old")

    assert once == f"Before.\n\n{START}\nold\n{END}\n"
    assert with_tables(f"{once}After.\n", "new") == f"Before.\n\n{START}\nnew\n{END}\nAfter.\n"

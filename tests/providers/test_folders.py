"""Folders that lie elsewhere: what they may leave out, and that a broken one is named and stops no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers import LLMProviderConfig, ProviderRegistry
from providers.base.llm import BaseLLM
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.folders import HOME, create_folder_llm, find_folders

METADATA = """from providers.base.metadata import CredentialField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="{slug}", label="Borrowed", docs_url="https://example.com/docs", base_url="http://127.0.0.1:9/v1",
    credentials=(CredentialField(env=("BORROWED_API_KEY",)),), capabilities=frozenset({{"chat", "stream"}}),
)
"""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What the tests import under the provider layer's own name is gone afterwards."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("providers.borrowed"):
            del sys.modules[name]


def write(place: Path, name: str = "borrowed", **modules: str) -> None:
    """A folder with metadata, and with modules: `models` is the package of that name, `package` the folder's own."""
    folder = place / name
    (folder / "models").mkdir(parents=True)
    places = {"package": "__init__.py", "models": "models/__init__.py"}
    for module, text in {"metadata": METADATA.format(slug=name), **modules}.items():
        (folder / places.get(module, f"{module}.py")).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "metadata", "reason"),
    [
        pytest.param("borrowed_a", "METADATA = 1", "TypeError: METADATA must be a ProviderMetadata", id="no metadata"),
        pytest.param("borrowed_b", "raise RuntimeError('Oh')", "RuntimeError: Oh", id="code that fails"),
        pytest.param(
            "borrowed_c", METADATA.format(slug="other"),
            "ValueError: the slug 'other' must be the name of the folder", id="another name",
        ),
        pytest.param(
            "router", METADATA.format(slug="router"),
            "ValueError: the name is taken by a module of the provider layer", id="a name of ours",
        ),
    ],
)  # fmt: skip
def test_a_broken_folder_is_named_with_the_reason_and_stops_no_other(
    tmp_path: Path, name: str, metadata: str, reason: str
):
    write(tmp_path, name, metadata=metadata)

    found, broken = find_folders([tmp_path])

    assert broken == {name: reason}
    assert "openai" in found


def test_a_folder_may_not_take_the_place_of_one_of_ours(tmp_path: Path):
    write(tmp_path, "openai")

    found, broken = find_folders([tmp_path, tmp_path / "not there"])

    assert found["openai"].path == HOME / "openai"
    assert broken == {}


def test_a_folder_of_metadata_alone_speaks_openais_dialect(tmp_path: Path):
    write(tmp_path)
    registry = ProviderRegistry(paths=[tmp_path])

    folder = registry.folder("borrowed")
    provider = registry.create(LLMProviderConfig(kind="borrowed"))

    assert folder.provider_class() is OpenAICompatibleProvider
    assert provider.provider_type == "borrowed"
    assert folder.llm_class("m") is BaseLLM


def test_a_folder_offers_what_it_holds_and_what_every_folder_has(tmp_path: Path):
    write(tmp_path, package="GREETING = 'hello'")
    folder = ProviderRegistry(paths=[tmp_path]).folder("borrowed")

    assert folder.offer("GREETING") == "hello"
    assert folder.offer("BorrowedProvider").metadata is folder.metadata
    assert folder.offer("BorrowedBaseLLM").provider_class.folder == folder.path
    assert folder.offer("BorrowedConnector").metadata is folder.metadata


def test_a_folder_brings_classes_of_its_own_for_all_models_and_for_one(tmp_path: Path):
    write(
        tmp_path,
        connector="""
from providers.base.llm import BaseLLM
from providers.base.openai_compatible import OpenAICompatibleProvider

class General(BaseLLM): ...
BASE_LLM = General
PROVIDER = OpenAICompatibleProvider
""",
        models="from providers.base.llm import BaseLLM\nclass Own(BaseLLM): ...\nMODELS = {'big': Own}\n",
    )
    folder = ProviderRegistry(paths=[tmp_path]).folder("borrowed")

    assert folder.llm_class("big").__name__ == "Own"
    assert folder.llm_class("small").__name__ == "General"


def test_the_folder_that_was_read_last_holds_where_two_places_have_one_name(tmp_path: Path):
    first, second = tmp_path / "a", tmp_path / "b"
    write(first, package="PLACE = 'a'")
    write(second, package="PLACE = 'b'")

    places = [ProviderRegistry(paths=[place]).folder("borrowed").offer("PLACE") for place in (first, first, second)]

    assert places == ["a", "a", "b"]


def test_a_vendor_without_a_default_model_needs_one_named():
    with pytest.raises(ValueError, match="has no default model"):
        create_folder_llm("local", base_url="http://127.0.0.1:9/v1")

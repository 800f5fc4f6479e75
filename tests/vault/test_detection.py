import pytest

from llmadmin.vault.detection import provider_kind_of
from providers.registry import get_registry


def _claims():
    registry = get_registry()
    return [(kind, prefix) for kind in registry.slugs() for prefix in registry.metadata(kind).key_prefixes]


@pytest.mark.parametrize(("kind", "prefix"), _claims())
def test_a_pasted_key_finds_its_provider(kind, prefix):
    assert provider_kind_of(f"  {prefix}0000-fake-0000 ") == kind


@pytest.mark.parametrize("text", ["", " ", "hello", "test-key-alpha"])
def test_other_texts_find_none(text):
    assert provider_kind_of(text) is None

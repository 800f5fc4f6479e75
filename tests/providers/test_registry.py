from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import providers
from providers import LLMProviderConfig, ProviderRegistry, ProviderType, create_llm, create_provider
from providers.base.llm import BaseLLM
from providers.registry import UnknownProviderError, get_registry

ROOT = Path(providers.__file__).parents[1]
FOLDER = """
from providers.base.metadata import ProviderMetadata
METADATA = ProviderMetadata(slug="{slug}", label="{slug}", docs_url="https://docs.test", base_url="https://{slug}.test/v1")
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A directory with one provider folder, `zeta`, and one that can't be read, `broken`."""
    for slug, text in {"zeta": FOLDER.format(slug="zeta"), "broken": "raise RuntimeError('half written')"}.items():
        (tmp_path / slug).mkdir()
        (tmp_path / slug / "metadata.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_on_the_path_is_a_provider(shelf: Path):
    registry = ProviderRegistry(paths=[shelf])

    provider = registry.create(LLMProviderConfig(kind="zeta", api_key="test-key-alpha"))

    assert "zeta" in registry.slugs()
    assert (provider.provider_type, provider.connector.base_url()) == ("zeta", "https://zeta.test/v1")


def test_a_folder_named_by_the_environment_is_a_provider_of_the_process(shelf: Path):
    code = (
        "from providers import ProviderType, create_zeta_llm, ZetaConnector, create_llm;"
        "print(ProviderType.ZETA, ZetaConnector.__name__, create_llm('zeta/m', api_key='k').model)"
    )
    environment = {**os.environ, "LLM_PROVIDER_PATH": str(shelf)}

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT, check=False
    )

    assert done.stdout.split() == ["zeta", "ZetaConnector", "m"], done.stderr


def test_a_broken_folder_is_named_and_leaves_the_rest_working(shelf: Path):
    registry = ProviderRegistry(paths=[shelf])

    assert "openai" in registry.slugs()
    assert registry.broken == {"broken": "RuntimeError: half written"}
    with pytest.raises(UnknownProviderError, match="half written"):
        registry.factory("broken")


@pytest.mark.parametrize("name", ["router", "config", "openai"])
def test_a_folder_elsewhere_never_replaces_what_is_here(tmp_path: Path, name: str):
    import providers.router as ours

    (tmp_path / name).mkdir()
    (tmp_path / name / "metadata.py").write_text(FOLDER.format(slug=name), encoding="utf-8")
    registry = ProviderRegistry(paths=[tmp_path])

    assert registry.discover()["openai"].label == "OpenAI"
    assert sys.modules["providers.router"] is ours


def test_a_slug_must_be_its_folders_name(tmp_path: Path):
    (tmp_path / "eta").mkdir()
    (tmp_path / "eta" / "metadata.py").write_text(FOLDER.format(slug="other"), encoding="utf-8")
    registry = ProviderRegistry(paths=[tmp_path])

    assert "eta" not in registry.slugs()
    assert "must be the name of the folder" in registry.broken["eta"]


def test_an_unknown_type_is_answered_with_those_that_there_are():
    with pytest.raises(UnknownProviderError, match="openai"):
        create_provider("nonsense")


def test_provider_types_are_an_open_set_of_names():
    assert ProviderType.OPENAI == "openai"
    assert set(ProviderType) == set(get_registry().slugs())
    with pytest.raises(AttributeError):
        _ = ProviderType.NONSENSE


def test_every_folder_offers_its_names():
    for slug in get_registry().slugs():
        connector = next(getattr(providers, name) for name in names_of(slug, "Connector"))
        assert connector.metadata.slug == slug
        assert issubclass(next(getattr(providers, name) for name in names_of(slug, "BaseLLM")), BaseLLM)
        assert callable(getattr(providers, f"create_{slug}_llm"))


def names_of(slug: str, ending: str) -> list[str]:
    return [f"{slug.capitalize()}{ending}"]


def test_a_name_that_nobody_offers_is_an_attribute_error():
    with pytest.raises(AttributeError, match="create_nonsense_llm"):
        _ = providers.create_nonsense_llm


def test_what_is_not_given_comes_from_the_vendors_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-env")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://env.test/v1")

    from_env, given = (
        create_provider("openai"),
        create_provider("openai", api_key="test-key-given", base_url="https://given.test"),
    )

    assert (from_env.config.api_key, from_env.config.base_url) == ("test-key-env", "https://env.test/v1")
    assert (given.config.api_key, given.config.base_url) == ("test-key-given", "https://given.test")


def test_a_factory_makes_clients_of_its_type():
    factory = get_registry().factory("anthropic")

    assert factory.provider_type() == ProviderType.ANTHROPIC
    assert factory.default_config().base_url == "https://api.anthropic.com"
    assert factory.create_client(LLMProviderConfig(kind="anthropic", api_key="k")).provider_type == "anthropic"


def test_a_live_provider_is_found_by_its_name():
    provider = create_provider("local", name="lab", base_url="http://127.0.0.1:9/v1")
    providers.register_llm_provider(provider)

    assert providers.get_llm_provider("lab") is provider


async def test_providers_that_fail_to_start_leave_the_rest_working():
    registry = ProviderRegistry()
    registry.register(create_provider("local", name="good", base_url="http://127.0.0.1:9/v1"))
    registry.register(create_provider("local", name="bad"))

    failed = await registry.initialize()
    reports = await registry.health()
    await registry.shutdown()

    assert set(failed) == {"bad"}
    assert {name: report.step for name, report in reports.items()} == {"good": "refused", "bad": "address"}


def test_a_model_is_made_from_its_full_name():
    llm = create_llm("openai/gpt-4.1-mini", api_key="k")

    assert (llm.model, llm.provider.provider_type, llm.metadata.CONTEXT_WINDOW) == ("gpt-4.1-mini", "openai", 1_047_576)
    with pytest.raises(ValueError, match="provider/model"):
        create_llm("gpt-4.1-mini")


def test_importing_the_package_is_quick_and_needs_httpx_alone():
    code = (
        "import sys, time; start = time.process_time(); import providers; from providers import ChatRequest, create_provider;"
        "create_provider('openai', api_key='k');"
        "print([name for name in ('django', 'aiohttp', 'yaml', 'cryptography', 'celery') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.stdout.strip() == "[]", done.stderr

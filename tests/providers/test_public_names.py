from __future__ import annotations

import subprocess
import sys

import pytest

import providers


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize("name", providers.__all__)
def test_every_public_name_is_there(name):
    assert getattr(providers, name) is not None


def test_importing_the_package_loads_nothing_else():
    loaded = in_a_fresh_process(
        "import sys, providers; print(sorted(m for m in sys.modules if m.startswith(('providers', 'httpx', 'yaml'))))"
    )

    assert loaded == "['providers']"


def test_the_library_never_loads_django_nor_extras_it_does_not_need():
    loaded = in_a_fresh_process(
        "import sys, providers; [getattr(providers, name) for name in providers.__all__]; "
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'django', 'rest_framework', 'celery', 'llmadmin', 'yaml', 'cryptography', 'aiohttp'}))"
    )

    assert loaded == "[]"


def test_names_of_provider_folders_are_found_through_the_registry():
    from providers import OpenAIConnector, create_openai_llm

    assert callable(create_openai_llm)
    assert callable(OpenAIConnector)


def test_an_unknown_name_is_an_import_error():
    with pytest.raises(ImportError):
        from providers import NoSuchThing  # noqa: F401

"""A manager asked about what it does not have says so, and one may be made of the path of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from providers import LLMProviderManager
from providers.config import LLMConfig, UnknownNameError

LAB: dict[str, Any] = {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}}
ENDED: dict[str, Any] = {
    "targets": ["lab/small"], "deprecated": "Too old.", "sunset_at": "2020-01-01T00:00:00Z", "after_sunset": "refuse",
}  # fmt: skip


@pytest.fixture
def manager() -> LLMProviderManager:
    aliases = {"fast": "lab/small", "ended": ENDED, "replaced": {**ENDED, "replacement": "fast"}}
    return LLMProviderManager(LLMConfig(providers=LAB, models=[{"name": "small", "provider": "lab"}], aliases=aliases))


async def test_a_provider_that_is_not_there_is_an_unknown_name(manager: LLMProviderManager):
    with pytest.raises(UnknownNameError):
        manager.update_provider_config("nowhere", {"timeout_s": 5})
    with pytest.raises(UnknownNameError):
        manager.get_provider_status("nowhere")
    with pytest.raises(UnknownNameError):
        await manager.acheck_provider("nowhere")


@pytest.mark.parametrize(("alias", "instead"), [("ended", "Too old."), ("replaced", "Use 'fast' instead.")])
async def test_an_alias_that_has_ended_says_what_to_use_instead(manager: LLMProviderManager, alias: str, instead: str):
    with pytest.raises(UnknownNameError, match=f"The alias '{alias}' has ended. {instead}"):
        await manager.acall_model("ping", model_name=alias)


def test_a_manager_is_made_of_the_path_of_a_file(tmp_path: Path):
    path = tmp_path / "llm_config.yaml"
    path.write_text("providers: {lab: {kind: local, base_url: 'http://127.0.0.1:9/v1'}}\n", encoding="utf-8")

    manager = LLMProviderManager(path)

    assert manager.get_provider_status("lab")["base_url"] == "http://127.0.0.1:9/v1"

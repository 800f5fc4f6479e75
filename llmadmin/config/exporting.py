"""The config as a file that `apply` reads back to the same hash. API keys are named in it; their text only when asked for."""

from __future__ import annotations

from typing import Any

from llmadmin.accounts.permissions import SERVICES_MANAGE, guard_confirmed, require
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import acting, note_now
from llmadmin.catalog.origin import origin_of
from llmadmin.config import passphrases
from llmadmin.config.compiler import compile_config
from llmadmin.core.errors import ForbiddenError
from llmadmin.vault.opening import UnreadableKeyError, open_sealed, sealed_rows
from providers import yaml_text
from providers.config import LLMConfig
from providers.sources import parse_yaml

SECRETS_SCOPE = "secrets:read"


def export_yaml() -> str:
    """What the tables say now, in the format of `llm_config.yaml`."""
    return compile_config().to_yaml()


def export_document() -> dict[str, Any]:
    """The same, parsed, for JSON."""
    return parse_yaml(export_yaml())


def export_with_secrets(passphrase: str, *, by: Actor, why: str = "") -> tuple[str, list[str]]:
    """The same file with its API keys sealed by `passphrase`, and a sentence for each key that can't be read.

    For owners and admins who confirmed that it is them, and for service keys that may read secrets; audited with the names of
    the keys. Raises ForbiddenError, InvalidError.
    """
    require(by, SERVICES_MANAGE)
    if by.kind == "service" and SECRETS_SCOPE not in by.scopes:
        note_now(by, "refused", "secrets", "export", was_refused=True)
        raise ForbiddenError(f"The key of {by.label} has no scope {SECRETS_SCOPE}. Use a key of a service that has it.")
    with acting(by):
        guard_confirmed("export API keys")
    config = compile_config()
    secrets, notes = _opened_keys(config)
    section = passphrases.seal(secrets, passphrase)
    note_now(by, "reveal", "secrets", "export", after={"keys": sorted(secrets)}, why=why)
    return config.to_yaml() + yaml_text.write({passphrases.SECTION: section}), notes


def _opened_keys(config: LLMConfig) -> tuple[dict[str, dict[str, str]], list[str]]:
    found, notes = {}, []
    for row in sealed_rows():
        provider = config.providers.get(row.provider_slug)
        if provider is None or row.source_ref:
            continue  # what is off is not in the file, and a key that lies outside travels by its reference
        try:
            origin = origin_of(provider)
            text = open_sealed(row, origin=origin)
        except UnreadableKeyError as problem:
            notes.append(str(problem))
        else:
            found[f"{row.provider_slug}/{row.label}"] = {"api_key": text, "origin": origin}
    return found, notes

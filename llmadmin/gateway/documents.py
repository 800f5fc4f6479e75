"""The resolved config and the resolution of a name, as one reader may see them. REST answers come from here.

What a reader sees follows from the aliases that their key is granted; API keys are shown with the scope `secrets:read`
alone, and are opened for the one answer that holds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from llmadmin.core.errors import MissingError
from llmadmin.gateway.callers import Grant
from llmadmin.gateway.snapshot import MAX_DOCUMENTS, Document, Snapshot
from llmadmin.gateway.stops import is_stopped, mark_stopped, why_stopped
from providers.config import LLMConfig, Resolution, UnknownNameError
from providers.errors import LLMProviderError
from providers.registry import UnknownProviderError, get_registry
from providers.resolution import near_names

KINDS = ("alias", "agent", "model")


def config_document(snapshot: Snapshot, grant: Grant) -> dict[str, Any]:
    """The document of section 6 as this grant sees it. With `secrets:read` it holds plaintext API keys."""
    document = _visible(snapshot, grant)
    if grant.has_secrets:
        _fill_in_keys(document, snapshot)
    return document


def config_answer(snapshot: Snapshot, grant: Grant) -> Document:
    """The document as bytes with its ETag. Without secrets both are made once for a snapshot and a class of keys."""
    public = _public_answer(snapshot, grant)
    if not grant.has_secrets:
        return public
    return Document(orjson.dumps(config_document(snapshot, grant)), config_etag(snapshot, grant))


def config_etag(snapshot: Snapshot, grant: Grant) -> bytes:
    """The ETag of what this grant sees, without opening any key: their ciphertexts stand for them."""
    public = _public_answer(snapshot, grant)
    if not grant.has_secrets:
        return public.etag
    place = (_class_of(snapshot, grant), "secrets")
    known = snapshot.documents.get(place)
    if known is None:
        digest = hashlib.sha256(public.etag)
        for slug in sorted(snapshot.sealed):
            for key in snapshot.sealed[slug]:
                digest.update(key.id.bytes + hashlib.sha256(key.ciphertext).digest() + key.state.encode())
        known = _keep(snapshot, place, Document(b"", _etag(digest.hexdigest())))
    return known.etag


def resolve_document(snapshot: Snapshot, grant: Grant, kind: str, name: str) -> dict[str, Any]:
    """What `name` of `kind` (alias, agent or model) means: its targets in the order in which they would be tried.

    Raises MissingError for what does not exist or is not granted, naming near names that this grant may see.
    """
    config = snapshot.config
    resolution = _find(config, kind, name)
    if resolution is None or not grant.caller.may_call(resolution):
        seen = [one.removeprefix("agent:") for one in grant.caller.visible_names(config)]
        near = near_names(name, seen)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise MissingError(f"There is no {kind} '{name[:200]}'.{hint}")
    return {
        "version": snapshot.version,
        "requested": name,
        "targets": [
            {
                "model": target.name,
                "provider": target.provider,
                "name": target.model,
                "base_url": target.base_url or _default_base_url(config, target.provider),
                "params": dict(target.params),
                "why": target.why,
            }
            for target in ([] if is_stopped(grant.caller, snapshot) else resolution.targets)
            if why_stopped(snapshot, target.provider) is None
        ],
    }


def _find(config: LLMConfig, kind: str, name: str) -> Resolution | None:
    """The resolution of a name of this very kind; an alias is not found as a model, nor the other way round."""
    try:
        if kind == "alias":
            return config.resolve(name) if name in config.aliases else None
        if kind == "agent":
            name = name.removeprefix("agent:")
            return config.resolve(f"agent:{name}") if name in config.agents else None
        if name in config.models:
            found = config.resolve(name)
            return found if found.kind == "model" else None
        homes = config.models_by_bare_name.get(name, ())
        return config.resolve(homes[0].key) if len(homes) == 1 else None
    except UnknownNameError:
        return None


def _default_base_url(config: LLMConfig, provider: str) -> str | None:
    try:
        return get_registry().metadata(config.providers[provider].kind).base_url
    except UnknownProviderError:
        return None


def _class_of(snapshot: Snapshot, grant: Grant) -> object:
    """Grants of one class see the same: by the aliases they have, and whether a switch has stopped their service."""
    return grant.caller.aliases, snapshot.stops.services.get(grant.caller.service)


def _public_answer(snapshot: Snapshot, grant: Grant) -> Document:
    place = _class_of(snapshot, grant)
    known = snapshot.documents.get(place)
    if known is not None:
        return known
    body = orjson.dumps(_visible(snapshot, grant))
    return _keep(snapshot, place, Document(body, _etag(hashlib.sha256(body).hexdigest())))


def _keep(snapshot: Snapshot, name: object, document: Document) -> Document:
    if len(snapshot.documents) < MAX_DOCUMENTS:
        snapshot.documents[name] = document
    return document


def _etag(digest: str) -> bytes:
    return f'"{digest[:40]}"'.encode()


def _visible(snapshot: Snapshot, grant: Grant) -> dict[str, Any]:
    """The document as this grant sees it: what its aliases need, and what switches have left running."""
    document = _needed(snapshot.config, grant.caller.aliases)
    return mark_stopped(document, snapshot, grant.caller) if snapshot.stops else document


def _needed(config: LLMConfig, aliases: frozenset[str]) -> dict[str, Any]:
    """The document with what these aliases need and nothing else; empty `aliases` see everything."""
    document = config.to_document()
    if not aliases:
        return document
    kept_aliases = {name: entry for name, entry in document["aliases"].items() if name in aliases}
    kept_models = {target["model"] for entry in kept_aliases.values() for target in entry["targets"]}
    kept_models |= aliases & document["models"].keys()
    models = {name: entry for name, entry in document["models"].items() if name in kept_models}
    kept_providers = {entry["provider"] for entry in models.values()}
    default = document.get("default_model")
    return {
        **document,
        "default_model": default if default in kept_aliases or default in models else None,
        "providers": {name: entry for name, entry in document["providers"].items() if name in kept_providers},
        "models": models,
        "aliases": kept_aliases,
        "agents": {name: entry for name, entry in document["agents"].items() if entry["alias"] in kept_aliases},
    }


def _fill_in_keys(document: Mapping[str, Any], snapshot: Snapshot) -> None:
    """Put each key's plaintext beside its id. A key that can't be opened for where its provider points stays without."""
    for slug, provider in document["providers"].items():
        live = snapshot.providers.get(slug)
        if live is None:
            continue
        planned = {key.id: key for key in snapshot.keys_for(live, slug)}
        for entry in provider.get("keys", ()):
            key = planned.get(entry["id"])
            if key is None:
                continue
            try:
                entry["api_key"] = key.reveal()
            except LLMProviderError:
                entry["api_key"] = None

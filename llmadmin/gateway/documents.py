"""The resolved config as one reader may see it. REST answers come from here.

What a reader sees follows from the aliases that their key is granted; API keys are shown with the scope `secrets:read`
alone, and are opened for the one answer that holds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from llmadmin.gateway.callers import Grant
from llmadmin.gateway.snapshot import MAX_DOCUMENTS, Document, Snapshot
from llmadmin.gateway.stops import mark_stopped
from providers.config import LLMConfig
from providers.errors import LLMProviderError


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
                digest.update(key.id.bytes + hashlib.sha256(key.ciphertext).digest())
                digest.update(f"{key.state} {key.entered_at}".encode())
        known = _keep(snapshot, place, Document(b"", _etag(digest.hexdigest())))
    return known.etag


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
    kept_models |= {entry["canary"]["model"] for entry in kept_aliases.values() if "canary" in entry}
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

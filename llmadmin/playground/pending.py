"""Runs that were started and whose answer nobody reads yet: few for each person, and gone after two minutes.

They lie in the cache, since the page that reads a run may be served by another process than the form that started it.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.core.cache import cache

from llmadmin.audit.actor import Actor
from llmadmin.core.errors import MissingError

EXPIRES_S = 120
MOST_OF_ONE_PERSON = 16


def keep(actor: Actor, body: dict[str, Any]) -> str:
    """Keep a run until it is taken, and return its id. The oldest of too many is forgotten."""
    run_id = secrets.token_urlsafe(18)
    cache.set(_key(run_id), {"owner": _owner(actor), "body": body}, EXPIRES_S)
    waiting: list[str] = [*cache.get(_list_key(actor), []), run_id]
    cache.delete_many([_key(old) for old in waiting[:-MOST_OF_ONE_PERSON]])
    cache.set(_list_key(actor), waiting[-MOST_OF_ONE_PERSON:], EXPIRES_S)
    return run_id


def take(actor: Actor, run_id: str) -> dict[str, Any]:
    """The body of a run, once, for whoever started it. Raises MissingError."""
    kept = cache.get(_key(run_id))
    is_mine = kept is not None and kept["owner"] == _owner(actor)
    if not is_mine or not cache.add(f"{_key(run_id)}:taken", 1, EXPIRES_S):
        raise MissingError("This run is over or was never started. Run it again.")
    cache.delete(_key(run_id))
    body: dict[str, Any] = kept["body"]
    return body


def _owner(actor: Actor) -> str:
    return f"{actor.kind}:{actor.person_id or actor.label}"


def _key(run_id: str) -> str:
    return f"playground:run:{run_id[:64]}"


def _list_key(actor: Actor) -> str:
    return f"playground:waiting:{_owner(actor)}"

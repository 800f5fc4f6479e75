"""Changing aliases, agents and the default. Each function runs inside `config.change` and notes what it did."""

from __future__ import annotations

from llmadmin.routing.services.agents import create_agent, delete_agent, update_agent
from llmadmin.routing.services.aliases import create_alias, delete_alias, drop_canary, promote_canary, update_alias
from llmadmin.routing.services.canaries import promoted
from llmadmin.routing.services.default import set_default

__all__ = [
    "create_agent",
    "create_alias",
    "delete_agent",
    "delete_alias",
    "drop_canary",
    "promote_canary",
    "promoted",
    "set_default",
    "update_agent",
    "update_alias",
]

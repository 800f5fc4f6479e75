"""Who calls: the service behind a key, and what that key is granted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from llmadmin.accounts.selectors import AdmissionRow
from providers.config import LLMConfig, Resolution

CALL = "gateway:call"
READ_CONFIG = "config:read"
READ_SECRETS = "secrets:read"
READ_USAGE = "usage:read"
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever makes a call. `aliases` limits what may be called; empty means everything."""

    service: str
    team: str = ""
    scopes: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    key_id: str | None = None
    label: str = ""
    """A person's name where one acts through a service of ours, as in the playground."""

    def may_call(self, resolution: Resolution) -> bool:
        """Whether this name is granted: by its alias, or by the name itself."""
        if not self.aliases:
            return True
        return (resolution.alias or resolution.targets[0].name) in self.aliases or resolution.requested in self.aliases

    def visible_names(self, config: LLMConfig) -> list[str]:
        """What this caller may call, as it would be written in `model`."""
        if not self.aliases:
            return [*config.aliases, *(f"agent:{name}" for name in config.agents), *config.models]
        agents = [f"agent:{agent.name}" for agent in config.agents.values() if agent.alias in self.aliases]
        named = [name for name in (*config.aliases, *config.models) if name in self.aliases]
        return [*named, *agents]


@dataclass(frozen=True, slots=True)
class Grant:
    """One live service key in the admission index."""

    caller: Caller
    expires_at: datetime | None
    expires_s: float
    """The same moment in seconds since the epoch; infinite where the key does not expire."""

    @property
    def has_secrets(self) -> bool:
        return READ_SECRETS in self.caller.scopes

    @classmethod
    def from_row(cls, row: AdmissionRow) -> Grant:
        caller = Caller(
            service=row.service_name,
            team=row.team,
            scopes=row.scopes,
            aliases=row.aliases,
            key_id=str(row.key_id),
            label=row.service_name,
        )
        return cls(caller, row.expires_at, row.expires_at.timestamp() if row.expires_at else float("inf"))


def grant_of_person(label: str) -> Grant:
    """What a signed-in person who may view the config sees of it: everything but secrets."""
    caller = Caller(service="", scopes=frozenset({READ_CONFIG}), label=label)
    return Grant(caller, None, float("inf"))

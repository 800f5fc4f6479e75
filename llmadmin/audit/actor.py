"""Who acts: a person, a service, a command at the console, or llmadmin itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever stands behind a change or a read. `accounts.actors` makes them; `accounts.permissions` says what they may."""

    kind: str
    """`person`, `service`, `command` or `system`."""
    label: str
    person_id: int | None = None
    role: str = ""
    """A value of `accounts.models.Role`, or "" for whoever is no person."""
    scopes: frozenset[str] = field(default_factory=frozenset)
    ip_address: str | None = None
    request_id: str = ""
    source: str = "system"
    """`ui`, `api`, `file` or `system`."""
    is_fresh: bool = True
    """False for a person whose session last proved some time ago that it is them; `accounts.step_up` says how long."""
    is_held: bool = False
    """True for a person who must set up a second factor before they may do anything else."""

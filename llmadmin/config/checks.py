"""What is looked at before a config is published. Rooms above add theirs when they start.

A *check* refuses: it raises a `DomainError` whose sentence says what to do, and the change is undone. A *lookout* warns: the
config is published all the same, and whoever saves it is told first. Refused is only what contradicts itself. What would not
work but may be meant (a provider switched off at night, an alias before its key) is warned of, since a refusal would stand in
the way of the very person who is mending something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llmadmin.config.tables import Tables
from providers.config import LLMConfig

WARNING, NOTE = "warning", "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a config that would not work (`warning`: calls fail) or is worth knowing (`note`: they go on)."""

    code: str
    level: str
    object: str
    name: str
    message: str

    @property
    def about(self) -> tuple[str, str, str]:
        """What it is, wherever and in whatever words it is said."""
        return self.code, self.object, self.name

    def to_json(self) -> dict[str, str]:
        return asdict(self)


Check = Callable[[LLMConfig], None]
Lookout = Callable[[Tables, LLMConfig], Iterable[Finding]]
PUBLISH_CHECKS: list[Check] = []
LOOKOUTS: list[Lookout] = []


def register(check: Check) -> Check:
    """Add a publish check, once; usable as a decorator."""
    if check not in PUBLISH_CHECKS:
        PUBLISH_CHECKS.append(check)
    return check


def register_lookout(lookout: Lookout) -> Lookout:
    """Add a lookout, once; usable as a decorator."""
    if lookout not in LOOKOUTS:
        LOOKOUTS.append(lookout)
    return lookout


def run(config: LLMConfig) -> None:
    for check in PUBLISH_CHECKS:
        check(config)


def findings(rows: Tables, config: LLMConfig) -> list[Finding]:
    """All that is worth saying of a config, warnings first."""
    found = [finding for lookout in LOOKOUTS for finding in lookout(rows, config)]
    return sorted(found, key=lambda finding: finding.level != WARNING)


def unknown_before(found: Sequence[Finding], before: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Those that the version before did not have."""
    known = {(one["code"], one["object"], one["name"]) for one in before}
    return [finding for finding in found if finding.about not in known]

"""Checks that a config must pass before it is published. Rooms above add theirs when they start.

A check takes the new config and raises a `DomainError` whose sentence says what to do; the change is then undone.
"""

from __future__ import annotations

from collections.abc import Callable

from providers.config import LLMConfig

Check = Callable[[LLMConfig], None]
PUBLISH_CHECKS: list[Check] = []


def register(check: Check) -> Check:
    """Add a publish check, once; usable as a decorator."""
    if check not in PUBLISH_CHECKS:
        PUBLISH_CHECKS.append(check)
    return check


def run(config: LLMConfig) -> None:
    for check in PUBLISH_CHECKS:
        check(config)

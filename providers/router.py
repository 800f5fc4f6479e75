"""Execute a plan: key, retry, fallback and deadline, with an attempt for every try."""

from __future__ import annotations

from providers.plan import Attempt, Outcome, Plan, PlannedKey, PlannedTarget

__all__ = ["Attempt", "Outcome", "Plan", "PlannedKey", "PlannedTarget"]

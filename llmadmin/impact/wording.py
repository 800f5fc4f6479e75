"""Roles of targets in words, for whoever asks why."""

from __future__ import annotations


def reason_of(role: str, strategy: str, *, place: int, count: int, share: float | None) -> str:
    """Why a target stands where it does. `place` counts from 0, `count` are the targets that are not cooling down."""
    if role == "postponed":
        return "It failed lately and is left alone for a while: asked after all others."
    if role == "fails":
        return "It has no API key that can be used, so each call fails here and goes on to the next."
    if strategy == "canary":
        return f"On trial: {100 * (share or 0):g} % of the calls try it first, and go on to the targets below where it fails."
    if count == 1:
        return "The only target that can answer."
    return _of_strategy(strategy, place=place, share=share)


def _of_strategy(strategy: str, *, place: int, share: float | None) -> str:
    match strategy:
        case "weighted":
            return (
                f"Takes {share:.0%} of the calls, and stands in for the others."
                if share
                else "Asked when all others fail."
            )
        case "round_robin":
            return "Takes its turn with the others."
        case "least_latency":
            return "The fastest lately, so it goes first." if place == 0 else "Slower lately; it may become the first."
        case "cheapest":
            return "The cheapest that can answer." if place == 0 else "Dearer; asked when those before it fail."
    return "First choice." if place == 0 else f"Fallback {place}, asked when those before it fail."

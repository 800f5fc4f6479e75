"""Answers kept for repeats: which calls may be answered from the cache, and how a kept answer is told again.

An alias asks for it with `cache_ttl_s`. Its answers are shared by everybody who may call it, and by nobody else: the
alias, the agent, the targets with their parameters, the side of a canary and the config's version are part of the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from llmadmin.gateway.calls import Call
from providers.cache import cache_key
from providers.cost import price_usage
from providers.router import PlannedTarget
from providers.types import ChatChunk, ChatRequest, ChatResponse, ToolCallDelta

ORIGIN = "gateway"
"""Only programs are answered from the cache: who tries a model in the playground wants to see the model."""

_FINISHED = frozenset({"stop", "length", "tool_calls"})
_HARD_TO_RETELL = ("modalities", "audio", "web_search_options", "plugins")
"""What brings more into an answer than text and tool calls, so that a stream can't be told from a whole answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to one call belongs, and for how long it holds."""

    key: str
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer from the cache and the target that once gave it."""

    response: ChatResponse
    target: PlannedTarget


def place_for(call: Call, request: ChatRequest) -> Place | None:
    """The place of a call's answer, or None where its alias keeps none or this answer could not be told again."""
    resolution = call.resolution
    if resolution.cache_ttl_s <= 0 or call.entry.origin != ORIGIN:
        return None
    if call.entry.is_stream and not _can_be_retold(request):
        return None
    targets = [(target.name, target.base_url, sorted(target.params.items())) for target in resolution.targets]
    headers = sorted(resolution.headers.items())
    settled = (call.snapshot.version, resolution.alias, resolution.agent, targets, headers, call.plan.side)
    try:
        key = cache_key(replace(request, model=""), scope=repr(settled))
    except (TypeError, ValueError, RecursionError):
        return None  # what can't be written down can't be sent either; whoever sends it says so
    return Place(key, resolution.cache_ttl_s)


def find(call: Call, place: Place | None) -> Kept | None:
    """The kept answer, its call marked as a hit; None means that the provider is to be asked."""
    if place is None:
        return None
    call.cache = b"miss"
    response = call.runtime.cache.get(place.key)
    target = next((t for t in call.plan.every_target if response is not None and t.name == response.provider), None)
    if response is None or target is None:
        return None
    _mark_as_hit(call, response, target)
    return Kept(replace(response, provider=target.provider_name), target)


def keep(call: Call, place: Place | None, response: ChatResponse, target: PlannedTarget) -> None:
    """Keep an answer that is whole and says something."""
    if place is not None and response.finish_reason in _FINISHED and (response.text or response.tool_calls):
        call.runtime.cache.put(place.key, replace(response, provider=target.name), ttl_s=place.ttl_s)


def _mark_as_hit(call: Call, response: ChatResponse, target: PlannedTarget) -> None:
    """The record of a hit: no attempts, no tokens, no cost, and in its tags what the repeat would have cost."""
    call.cache = b"hit"
    entry = call.entry
    entry.is_cache_hit = True
    entry.provider, entry.model = target.provider_name, target.name
    if response.usage is not None:
        entry.tags["cache_saved_tokens"] = response.usage.total_tokens
        saved_usd = price_usage(response.usage, target.price)
        if saved_usd is not None:
            entry.tags["cache_saved_usd"] = format(saved_usd, "f")


def _can_be_retold(request: ChatRequest) -> bool:
    is_single = request.n in (None, 1) and not request.logprobs
    return is_single and not any(request.extra.get(name) for name in _HARD_TO_RETELL)


class KeptStream:
    """A kept answer as a stream: one piece with everything, one with the end."""

    def __init__(self, kept: Kept) -> None:
        self.target = kept.target
        self._chunks = _retell(kept.response)

    async def open(self) -> None:
        """There is nothing to wait for."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatChunk:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._chunks = iter(())


def _retell(response: ChatResponse) -> Iterator[ChatChunk]:
    calls = [
        ToolCallDelta(index, call.id, call.name, call.arguments, call.extra_content)
        for index, call in enumerate(response.tool_calls)
    ]
    yield ChatChunk(
        text=response.text,
        reasoning=response.reasoning,
        tool_calls=calls,
        id=response.id,
        model=response.model,
    )
    yield ChatChunk(finish_reason=response.finish_reason, usage=response.usage, id=response.id, model=response.model)

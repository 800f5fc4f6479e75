"""Puts the chunks of one stream into order: one finish reason, usage at the end, tool calls with sound indices."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers import jsontext
from providers.base.openai_wire import made_up_id
from providers.types import ChatChunk, ToolCallDelta, Usage


class ChunkOrder:
    """What has been seen of one stream, and what that means for the next chunk."""

    def __init__(self) -> None:
        self.is_done = False
        """`[DONE]` came."""
        self._has_chunks = False
        self._has_finished = False
        self._usage: tuple[Usage, str | None] | None = None
        self._calls = ToolCallOrder()

    @property
    def is_complete(self) -> bool:
        """Whether the stream held an answer and said that it ends: some vendors send no `[DONE]`, some no finish reason."""
        return self._has_finished or (self.is_done and self._has_chunks)

    def settle(self, chunk: ChatChunk) -> ChatChunk:
        """`chunk`, mended in place."""
        self._has_chunks = True
        if chunk.tool_calls:
            self._calls.settle(chunk.tool_calls, response_id=chunk.id)
        if chunk.finish_reason is not None:
            if self._has_finished:
                chunk.finish_reason = None
            self._has_finished = True
            if chunk.finish_reason == "stop" and self._calls.has_any:  # some vendors tell the two ends not apart
                chunk.finish_reason = "tool_calls"
            chunk.tool_calls += self._calls.complete()
        if chunk.usage is not None:
            # Some vendors repeat a growing usage in every chunk, or tell it twice at the end: only the last one counts.
            self._usage = (chunk.usage, chunk.cost_usd)
            chunk.usage = chunk.cost_usd = None
        return chunk

    def finish(self) -> list[ChatChunk]:
        """What is left when the stream has ended: the usage, and the finish reason where the vendor gave none."""
        last = ChatChunk()
        if not self._has_finished:
            last.finish_reason = "tool_calls" if self._calls.has_any else "stop"
            last.tool_calls = self._calls.complete()
        if self._usage is not None:
            last.usage, last.cost_usd = self._usage
        return [] if self._has_finished and self._usage is None else [last]


@dataclass(slots=True)
class _Call:
    """What one call is made of so far."""

    id: str | None
    name: str | None
    arguments: list[str] = field(default_factory=list)

    def is_whole(self) -> bool:
        """Whether the arguments so far are JSON by themselves."""
        if not self.arguments or not self.arguments[-1].rstrip().endswith("}"):
            return False
        try:
            jsontext.parse("".join(self.arguments))
        except ValueError:
            return False
        return True


class ToolCallOrder:
    """Gives each streamed tool call an index, a name and an id of its own.

    Vendors leave the index out (the piece belongs to its id, or to the last call), or use one index for several calls:
    the same index with a new id and a name starts a new call, and where there are no ids so do another name or arguments
    that begin again after whole ones (Gemini's OpenAI endpoint).
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._ours_by_theirs: dict[int, int] = {}

    @property
    def has_any(self) -> bool:
        return bool(self._calls)

    def settle(self, pieces: list[ToolCallDelta], *, response_id: str = "") -> None:
        for piece in pieces:
            ours = self._find(piece)
            if ours is None:
                ours = self._begin(piece, response_id)
            else:
                self._go_on(self._calls[ours], piece)
            if piece.index >= 0:
                self._ours_by_theirs[piece.index] = ours
            piece.index = ours
            if piece.arguments:
                self._calls[ours].arguments.append(piece.arguments)

    def complete(self) -> list[ToolCallDelta]:
        """Empty arguments for the calls that never got any, so that the pieces add up to JSON."""
        bare = [index for index, call in enumerate(self._calls) if not call.arguments]
        for index in bare:
            self._calls[index].arguments.append("{}")
        return [ToolCallDelta(index=index, arguments="{}") for index in bare]

    def _begin(self, piece: ToolCallDelta, response_id: str) -> int:
        index = len(self._calls)
        if piece.name is None and piece.id is None and self._calls:  # one tool called twice, and named once
            piece.name = self._calls[-1].name
        piece.id = piece.id or made_up_id(response_id, index)
        self._calls.append(_Call(piece.id, piece.name))
        return index

    @staticmethod
    def _go_on(call: _Call, piece: ToolCallDelta) -> None:
        """A further piece says nothing twice: clients add the pieces of ids and names up."""
        piece.id = None
        if call.name is None:
            call.name = piece.name
        else:
            piece.name = None

    def _find(self, piece: ToolCallDelta) -> int | None:
        """Our index of the call that the piece goes on with, or None where it begins one."""
        if piece.index >= 0:
            ours = self._ours_by_theirs.get(piece.index)
            if ours is None:
                return None
            if piece.id is None:
                return None if self._begins_again(self._calls[ours], piece) else ours
            return None if piece.id != self._calls[ours].id and piece.name is not None else ours
        if piece.id is not None:
            return next((index for index, call in enumerate(self._calls) if call.id == piece.id), None)
        if not self._calls or self._begins_again(self._calls[-1], piece):
            return None
        return len(self._calls) - 1

    @staticmethod
    def _begins_again(call: _Call, piece: ToolCallDelta) -> bool:
        """Whether a piece without an id is of another call than the one at its place."""
        if piece.name is not None and call.name is not None and piece.name != call.name:
            return bool(call.arguments) or piece.index < 0
        return piece.arguments.startswith("{") and call.is_whole()

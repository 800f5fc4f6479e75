"""Puts the chunks of one stream into order: one finish reason, usage at the end, tool calls with sound indices."""

from __future__ import annotations

from providers.types import ChatChunk, ToolCallDelta, Usage


class ChunkOrder:
    """What has been seen of one stream, and what that means for the next chunk."""

    def __init__(self) -> None:
        self.is_done = False
        """`[DONE]` came."""
        self._has_chunks = False
        self._has_finished = False
        self._held_usage: tuple[Usage, str | None] | None = None
        self._calls = ToolCallOrder()

    @property
    def is_complete(self) -> bool:
        """Whether the stream held an answer and said that it ends: some vendors send no `[DONE]`, some no finish reason."""
        return self._has_finished or (self.is_done and self._has_chunks)

    def settle(self, chunk: ChatChunk) -> ChatChunk:
        """`chunk`, mended in place."""
        self._has_chunks = True
        if chunk.tool_calls:
            self._calls.settle(chunk.tool_calls)
        if chunk.finish_reason is not None:
            if self._has_finished:
                chunk.finish_reason = None
            self._has_finished = True
            if chunk.finish_reason == "stop" and self._calls.has_any:  # some vendors tell the two ends not apart
                chunk.finish_reason = "tool_calls"
            chunk.tool_calls += self._calls.complete()
        if chunk.usage is not None:
            if self._has_finished:
                self._held_usage = None
            else:
                # Some vendors repeat a growing usage in every chunk: only the last one counts.
                self._held_usage = (chunk.usage, chunk.cost_usd)
                chunk.usage = chunk.cost_usd = None
        return chunk

    def finish(self) -> list[ChatChunk]:
        """What is left when the stream has ended: a usage that no later one replaced."""
        if self._held_usage is None:
            return []
        usage, cost_usd = self._held_usage
        return [ChatChunk(usage=usage, cost_usd=cost_usd)]


class ToolCallOrder:
    """Gives each streamed tool call an index of its own.

    Vendors leave the index out (the piece belongs to its id, or to the last call), or use one index for several calls
    (the same index with a new id and a name starts a new call).
    """

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._has_arguments: list[bool] = []
        self._ours_by_theirs: dict[int, int] = {}

    @property
    def has_any(self) -> bool:
        return bool(self._ids)

    def settle(self, pieces: list[ToolCallDelta]) -> None:
        for piece in pieces:
            ours = self._find(piece)
            if ours is None:
                ours = len(self._ids)
                self._ids.append(piece.id)
                self._has_arguments.append(False)
            elif piece.id == self._ids[ours]:
                piece.id = piece.name = None
            if piece.index >= 0:
                self._ours_by_theirs[piece.index] = ours
            piece.index = ours
            self._has_arguments[ours] |= bool(piece.arguments)

    def complete(self) -> list[ToolCallDelta]:
        """Empty arguments for the calls that never got any, so that the pieces add up to JSON."""
        bare = [index for index, has_arguments in enumerate(self._has_arguments) if not has_arguments]
        for index in bare:
            self._has_arguments[index] = True
        return [ToolCallDelta(index=index, arguments="{}") for index in bare]

    def _find(self, piece: ToolCallDelta) -> int | None:
        if piece.index < 0:
            if piece.id is not None:
                return self._ids.index(piece.id) if piece.id in self._ids else None
            return len(self._ids) - 1 if self._ids else None
        ours = self._ours_by_theirs.get(piece.index)
        if ours is None or piece.id is None or piece.id == self._ids[ours]:
            return ours
        if piece.name is None and self._ids[ours] is None:
            self._ids[ours] = piece.id
            return ours
        return None if piece.name is not None else ours

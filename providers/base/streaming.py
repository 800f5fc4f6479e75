"""Incremental decoders for streamed answers: server-sent events and lines of JSON.

They take bytes in whatever pieces the network makes of them, also in the middle of a character or of a line end.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

MAX_LINE_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


Piece = TypeVar("Piece")


class StreamDecoder(Protocol[Piece]):
    """Turns bytes into the pieces of a stream."""

    def feed(self, piece: bytes) -> list[Piece]:
        """The pieces that `piece` completes. Raises `LineTooLongError`."""
        ...

    def close(self) -> list[Piece]:
        """What is left when no more bytes come."""
        ...


class LineTooLongError(ValueError):
    """A line of a stream is longer than any vendor writes; reading on would only fill the memory."""


class ServerEvent(NamedTuple):
    """One server-sent event; `data` is undecoded, since the JSON parser takes bytes."""

    event: str
    data: bytes


class LineDecoder:
    """Cuts bytes into lines at LF, CR LF or CR, without their ends."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._max_line_bytes = max_line_bytes

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that `piece` completes. Raises `LineTooLongError`."""
        if b"\n" not in piece and b"\r" not in piece and not self._ends_with_cr():
            self._keep(piece)
            return []
        text = b"".join((*self._rest, piece))
        lines = text.splitlines(keepends=True)
        self._rest, self._rest_bytes = [], 0
        # A CR at the very end may be the first half of CR LF, so its line waits for what follows.
        if lines and not lines[-1].endswith(b"\n"):
            self._keep(lines.pop())
        return [line.rstrip(b"\r\n") for line in lines]

    @property
    def is_empty(self) -> bool:
        """Whether no line has begun."""
        return not self._rest

    def close(self) -> list[bytes]:
        """The last line, which no line end followed."""
        text = b"".join(self._rest)
        self._rest, self._rest_bytes = [], 0
        return [text.rstrip(b"\r")] if text else []

    def _ends_with_cr(self) -> bool:
        return bool(self._rest) and self._rest[-1].endswith(b"\r")

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._rest.append(piece)
        self._rest_bytes += len(piece)
        if self._rest_bytes > self._max_line_bytes:
            raise LineTooLongError(f"a line of the stream is longer than {self._max_line_bytes} bytes")


class SSEDecoder:
    """Reads server-sent events. Comment lines and fields other than `event` and `data` are skipped.

    Some servers answer a request for a stream with one plain body; it is kept as `plain_body`.
    """

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineDecoder(max_line_bytes=max_line_bytes)
        self._stray: list[bytes] = []
        self._max_event_bytes = max_line_bytes
        self._event = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._is_first = True
        self._is_between_events = False
        """The next byte begins an event."""
        self._has_events = False

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that `piece` completes. Raises `LineTooLongError`."""
        if self._is_between_events and piece.endswith(b"\n\n") and len(piece) <= self._max_event_bytes:
            return self._read_whole(piece)
        events: list[ServerEvent] = []
        for line in self._lines.feed(piece):
            self._take(line, events)
        self._is_between_events = self._lines.is_empty and not (self._is_first or self._data or self._event)
        return events

    def close(self) -> list[ServerEvent]:
        """The last event, where the vendor left out the empty line after it."""
        events: list[ServerEvent] = []
        for line in self._lines.close():
            self._take(line, events)
        self._take(b"", events)
        return events

    @property
    def plain_body(self) -> bytes:
        """The lines that were no events, where no event ever came."""
        return b"" if self._has_events else b"\n".join(self._stray)

    def _read_whole(self, piece: bytes) -> list[ServerEvent]:
        """The events that begin and end with `piece`, as nearly all do; those of one line are not cut into lines."""
        if piece.startswith(b"data: ") and piece.find(b"\n") == len(piece) - 2 and b"\r" not in piece:
            self._has_events = True
            return [ServerEvent("", piece[6:-2])]
        events: list[ServerEvent] = []
        for block in piece[:-2].split(b"\n\n"):
            if block.startswith(b"data: ") and b"\n" not in block and b"\r" not in block:
                self._has_events = True
                events.append(ServerEvent("", block[6:]))
            else:
                for line in block.splitlines():
                    self._take(line, events)
                self._take(b"", events)
        return events

    def _take(self, line: bytes, events: list[ServerEvent]) -> None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append(ServerEvent(self._event, b"\n".join(self._data)))
                self._has_events = True
            if self._data or self._event:
                self._event, self._data, self._data_bytes = "", [], 0
        elif line.startswith(b"data:"):
            value = line[5:]
            self._note_size(len(value))
            self._data.append(value[1:] if value.startswith(b" ") else value)
        elif line.startswith(b"event:"):
            self._event = line[6:].strip().decode("utf-8", "replace")
        elif line.startswith(b"error:"):  # llama.cpp's server names the field by what it says
            self._event = "error"
            self._note_size(len(line))
            self._data.append(line[6:].strip())
        elif not self._has_events and not line.startswith((b":", b"id:", b"retry:")):
            self._note_size(len(line))
            self._stray.append(line)

    def _note_size(self, size: int) -> None:
        self._data_bytes += size + 1
        if self._data_bytes > self._max_event_bytes:
            raise LineTooLongError(f"an event of the stream is longer than {self._max_event_bytes} bytes")


class NDJSONDecoder:
    """Reads one JSON text a line; empty lines are skipped."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineDecoder(max_line_bytes=max_line_bytes)

    def feed(self, piece: bytes) -> list[bytes]:
        return [line for line in self._lines.feed(piece) if line.strip()]

    def close(self) -> list[bytes]:
        return [line for line in self._lines.close() if line.strip()]

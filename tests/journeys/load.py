"""Callers that never stop: threads with the official SDK, plain and streaming, and a list of what went wrong for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

import httpx
import openai

from tests.journeys.stand import HELLO, until


class Load:
    """Calls one alias over and over while the `with` block lasts. `answered` counts whole answers, `failed` names the rest."""

    def __init__(self, client: Callable[[], openai.OpenAI], alias: str, *, callers: int = 6) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._client = client
        self._alias = alias
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._go_on, args=(place,), daemon=True) for place in range(callers)]

    def go_on_for(self, calls: int) -> None:
        """Return once so many more calls were answered."""
        target = self.answered + calls
        until(lambda: self.answered >= target, f"{calls} more calls are answered", within_s=60)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _go_on(self, place: int) -> None:
        client = self._client()
        while not self._stop.is_set():
            try:
                text = _stream(client, self._alias) if place % 2 else _whole(client, self._alias)
                with self._lock:
                    self.answered += bool(text)
            except (openai.APIError, httpx.HTTPError) as error:
                with self._lock:
                    self.failed.append(f"{type(error).__name__}: {error}"[:300])


def _whole(client: openai.OpenAI, alias: str) -> str:
    return client.chat.completions.create(model=alias, messages=HELLO).choices[0].message.content or ""


def _stream(client: openai.OpenAI, alias: str) -> str:
    with client.chat.completions.create(model=alias, messages=HELLO, stream=True) as stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

"""How many tokens a text is likely to be, for calls whose provider doesn't say: cut streams, callers who hung up.

Four bytes of UTF-8 make a token, which is close for English and a little high for code. Records that rest on it say so:
their settlement is `estimated` or `aborted`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers.types import ChatRequest, Usage

BYTES_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
TOKENS_PER_ATTACHMENT = 300
"""What an image or a file is taken for; vendors count from 85 to several thousand."""


def tokens_of_bytes(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)


def tokens_of_text(text: str) -> int:
    return tokens_of_bytes(len(text.encode("utf-8", "surrogatepass")))


def tokens_of_prompt(messages: Sequence[Mapping[str, Any]]) -> int:
    """The input of a chat."""
    return sum(TOKENS_PER_MESSAGE + _tokens_of_content(message.get("content")) for message in messages)


def estimate(request: ChatRequest, *, output_bytes: int) -> Usage:
    """The meters of a chat whose answer was that long, reasoning and tool arguments included."""
    return Usage(input_tokens=tokens_of_prompt(request.messages), output_tokens=tokens_of_bytes(output_bytes))


def _tokens_of_content(content: object) -> int:
    if isinstance(content, str):
        return tokens_of_text(content)
    if not isinstance(content, list):
        return 0
    texts = (part.get("text") if isinstance(part, Mapping) else None for part in content)
    return sum(tokens_of_text(text) if isinstance(text, str) else TOKENS_PER_ATTACHMENT for text in texts)

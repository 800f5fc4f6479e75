"""Runs where the vendors' SDKs are installed: reads requests from standard input, one JSON a line, and says what an SDK's own
models find wrong with each. Nothing of this project is imported."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cohere.types import ChatMessageV2, ResponseFormatV2, ToolV2
from cohere.v2.client import V2Client
from google.genai import types as genai
from huggingface_hub import ChatCompletionInput
from mistralai.client import models as mistral
from ollama import _types as ollama
from pydantic import BaseModel, TypeAdapter, ValidationError

Body = Mapping[str, Any]

GOOGLE_CHAT: dict[str, Any] = {
    "contents": list[genai.Content],
    "systemInstruction": genai.Content,
    "generationConfig": genai.GenerationConfig,
    "tools": list[genai.Tool],
    "toolConfig": genai.ToolConfig,
    "safetySettings": list[genai.SafetySetting],
    "cachedContent": str,
    "labels": dict[str, str],
}
COHERE_CHAT: dict[str, Any] = {
    "messages": list[ChatMessageV2],
    "tools": list[ToolV2],
    "response_format": ResponseFormatV2,
}


def google_chat(body: Body) -> Iterable[str]:
    for name, value in body.items():
        if name not in GOOGLE_CHAT:
            yield f"{name}: not a field"
        else:
            yield from misfits(GOOGLE_CHAT[name], value, name)


def google_embedding(body: Body) -> Iterable[str]:
    for place, request in enumerate(body["requests"]):
        rest = dict(request)
        yield from misfits(genai.Content, rest.pop("content"), f"requests.{place}.content")
        yield from ([] if rest.pop("model").startswith("models/") else [f"requests.{place}.model: no resource name"])
        yield from misfits(genai.EmbedContentConfig, rest, f"requests.{place}")


def cohere_chat(body: Body) -> Iterable[str]:
    known = inspect.signature(V2Client.chat).parameters.keys() | {"stream"}
    yield from (f"{name}: not a field" for name in body if name not in known)
    for name in COHERE_CHAT.keys() & body.keys():
        yield from misfits(COHERE_CHAT[name], body[name], name)


def cohere_embedding(body: Body) -> Iterable[str]:
    known = inspect.signature(V2Client.embed).parameters
    return (f"{name}: not a field" for name in body if name not in known)


def huggingface_chat(body: Body) -> Iterable[str]:
    ChatCompletionInput.parse_obj_as_instance(dict(body))
    known = ChatCompletionInput.__dataclass_fields__
    return (f"{name}: not a field" for name in body if name not in known)


def ollama_chat(body: Body) -> Iterable[str]:
    """Its request takes any mapping for a message, so messages are looked at by themselves; a picture goes out as its value."""
    yield from misfits(ollama.ChatRequest, body, "")
    for place, message in enumerate(body["messages"]):
        pictures = {"images": [{"value": picture} for picture in message["images"]]} if message.get("images") else {}
        yield from misfits(ollama.Message, {**message, **pictures}, f"messages.{place}")


def of(model: Any) -> Callable[[Body], Iterable[str]]:
    return lambda body: misfits(model, body, "")


def mistral_chat(body: Body) -> Iterable[str]:
    return misfits(
        mistral.ChatCompletionStreamRequest if body.get("stream") else mistral.ChatCompletionRequest, body, ""
    )


JUDGES: dict[str, Callable[[Body], Iterable[str]]] = {
    "google chat": google_chat,
    "google embedding": google_embedding,
    "cohere chat": cohere_chat,
    "cohere embedding": cohere_embedding,
    "mistral chat": mistral_chat,
    "mistral embedding": of(mistral.EmbeddingRequest),
    "ollama chat": ollama_chat,
    "ollama embedding": of(ollama.EmbedRequest),
    "huggingface chat": huggingface_chat,
}


def misfits(model: Any, value: Any, place: str) -> Iterable[str]:
    """Wrong and missing fields, and those that the model doesn't know."""
    try:
        found = TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        return [f"{place}.{'.'.join(map(str, line['loc']))}: {line['msg']}" for line in error.errors()]
    return list(dropped(value, found, place))


def dropped(sent: Any, kept: Any, place: str) -> Iterable[str]:
    """The names in `sent` that no field of the models in `kept` took."""
    if isinstance(kept, BaseModel) and isinstance(sent, Mapping):
        fields = {field.alias or name: name for name, field in type(kept).model_fields.items()}
        for name, value in sent.items():
            attribute = fields.get(name, name if name in type(kept).model_fields else None)
            if attribute is None:
                yield f"{place}.{name}: not a field"
            else:
                yield from dropped(value, getattr(kept, attribute), f"{place}.{name}")
    elif isinstance(kept, (list, tuple)) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip(sent, kept, strict=True)):
            yield from dropped(one, other, f"{place}.{index}")


def main() -> None:
    for line in sys.stdin:
        kind, body = json.loads(line)
        sys.stdout.write(json.dumps(sorted(JUDGES[kind](body))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

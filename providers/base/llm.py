"""`BaseLLM`: one model, ready to be asked. For code that thinks in models rather than in providers."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, ClassVar

from providers.base.connector import BaseConnector
from providers.base.metadata import ModelMetadata
from providers.base.models import metadata_class_for
from providers.base.provider import LLMProvider
from providers.types import ChatRequest, ChatResponse, Message

_REQUEST_FIELDS = frozenset(f.name for f in fields(ChatRequest)) - {"model", "messages", "extra", "headers"}
_IMAGE_TYPES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))


class BaseLLM:
    """One model of one provider.

    Most models need no class of their own: their metadata says what is different. A model that does overrides
    `_transform_parameters`, or adds methods, in its folder's `models/`.
    """

    provider_class: ClassVar[type[LLMProvider] | None] = None
    """Who speaks for the connector that the constructor is given; left at None it is found by the connector's slug."""

    def __init__(
        self,
        connector: BaseConnector | LLMProvider,
        metadata: type[ModelMetadata] | None = None,
        *,
        model: str | None = None,
    ) -> None:
        self.provider = connector if isinstance(connector, LLMProvider) else self._provider_for(connector)
        self.metadata = metadata or self._metadata_of(model or "")
        self.model = model or self.metadata.NAME
        if not self.model:
            raise ValueError("A model is needed: give its name, or metadata with a NAME.")

    async def get_answer(
        self, messages: Sequence[Message] | str, ctx: Mapping[str, Any] | object | None = None, **params: Any
    ) -> ChatResponse:
        """Ask the model. `params` are named as in OpenAI's API; those that we don't know go through untouched.

        `ctx` is the application's own; of a mapping, `user`, `headers`, `timeout_s` and `api_key` go with the call.
        Raises the error tree.
        """
        context = ctx if isinstance(ctx, Mapping) else {}
        request = self.build_request(messages, params)
        request.user = request.user or context.get("user")
        request.headers = context.get("headers") or {}
        return await self.provider.chat_completion(
            request, api_key=context.get("api_key"), timeout_s=context.get("timeout_s")
        )

    async def generate_with_vision(
        self,
        prompt: str,
        images: Sequence[str | bytes],
        ctx: Mapping[str, Any] | object | None = None,
        *,
        context: Mapping[str, Any] | object | None = None,
        **params: Any,
    ) -> ChatResponse:
        """Ask about pictures, given as URLs (`https:` or `data:`) or as bytes. `context` is another name of `ctx`."""
        parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
        parts += [{"type": "image_url", "image_url": {"url": _image_url(image)}} for image in images]
        return await self.get_answer(
            [{"role": "user", "content": parts}], ctx if ctx is not None else context, **params
        )

    def build_request(self, messages: Sequence[Message] | str, params: Mapping[str, Any]) -> ChatRequest:
        """The request for `messages`, with parameters checked and transformed."""
        wanted = {name: value for name, value in params.items() if value is not None}
        self.metadata.validate_params(wanted)
        ready = self._transform_parameters(wanted)
        known = {name: value for name, value in ready.items() if name in _REQUEST_FIELDS}
        extra = {name: value for name, value in ready.items() if name not in _REQUEST_FIELDS}
        spoken = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        return ChatRequest(model=self.model, messages=spoken, extra=extra, **known)

    def _transform_parameters(self, params: dict[str, Any]) -> dict[str, Any]:
        """`params` as this model takes them: what its metadata says of names and fixed values."""
        return self.metadata.PARAMETERS.apply(params, model=self.model)

    def _provider_for(self, connector: BaseConnector) -> LLMProvider:
        if self.provider_class is not None:
            return self.provider_class(connector.config, connector=connector)
        from providers.registry import get_registry

        return get_registry().provider_for(connector)

    def _metadata_of(self, model: str) -> type[ModelMetadata]:
        entry = self.provider.models.find(model)
        if entry is None:
            return ModelMetadata
        return metadata_class_for(entry, day=datetime.now(UTC).date())


def _image_url(image: str | bytes) -> str:
    if isinstance(image, str):
        return image
    kind = next((kind for start, kind in _IMAGE_TYPES if image.startswith(start)), "image/png")
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"

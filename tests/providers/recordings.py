"""Reads the recordings of provider traffic and builds from each the call that a user of the library would have made.

What the files hold is described in the recordings' README. The vendor's own request is translated back to ours, so that
what we send can be compared with what was sent then.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from providers import ChatRequest, CompletionRequest, EmbeddingRequest
from tests.providers import anthropic_requests, cohere_requests, google_requests, ollama_requests

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "openai": "openai",
    "openrouter": "openrouter",
    "openai_compatible": "local",
    "ollama": "ollama",
    "anthropic": "anthropic",
    "gemini": "google",
    "cohere": "cohere",
    "mistral": "mistral",
    "azure_openai": "azure",
    "huggingface": "huggingface",
    "portkey": "portkey",
    "vllm": "vllm",
}
"""Folder of the recordings → slug of the provider that speaks that dialect."""

NOT_SPOKEN = {
    "openai.responses", "ollama.generate", "ollama.embeddings", "cohere.chat_v1", "cohere.embed_v1",
    "hf.text_generation", "hf.feature_extraction",
}  # fmt: skip
"""APIs that the design leaves out; so are Gemini's streams that are one JSON array."""


def recordings_dir() -> Path:
    return Path(os.environ.get("RECORDINGS_DIR") or ROOT.parent / "shared" / "recordings")


@dataclass(frozen=True)
class Recording:
    """One exchange. `slug` is our provider for it."""

    name: str
    slug: str
    data: dict[str, Any]

    @property
    def api(self) -> str:
        return str(self.data["api"])

    @property
    def sent(self) -> dict[str, Any]:
        """The recorded request body; the model of OpenAI's oldest embedding path stands in its URL."""
        body = dict(self.data["request"]["json"] or {})
        engine = re.search(r"/(?:engines|deployments)/([^/]+)/", self.data["request"]["url"])
        return {"model": engine[1], **body} if engine else body

    @property
    def path(self) -> str:
        """The path that the call should go to. Keys in a recorded query are the caller's mistake, and no part of it."""
        parts = urlsplit(self.data["request"]["url"])
        query = f"?{parts.query}" if parts.query == "alt=sse" else ""
        return re.sub(r"/engines/[^/]+", "", parts.path) + query

    @property
    def settings(self) -> dict[str, Any]:
        """What of the recorded address and headers is a setting of the provider with us."""
        if self.slug == "azure":
            parts = urlsplit(self.data["request"]["url"])
            deployment = re.search(r"/deployments/([^/]+)/", parts.path)
            versions = parse_qs(parts.query).get("api-version", [None])
            return {"deployment_name": deployment[1] if deployment else "m", "api_version": versions[0]}
        headers: dict[str, str] = self.data["request"]["headers"]
        options = ("provider", "custom_host") if self.slug == "portkey" else ()
        return {name: headers[f"x-portkey-{name.replace('_', '-')}"] for name in options}

    @property
    def model_in_path(self) -> str:
        """The model of a call to Gemini."""
        found = re.search(r"/models/([^:]+):", self.path)
        return found[1] if found else ""

    @property
    def expect(self) -> dict[str, Any]:
        return dict(self.data["expect"])

    @property
    def response(self) -> dict[str, Any]:
        return dict(self.data["response"])

    @property
    def is_stream(self) -> bool:
        return bool(self.response["is_stream"] or self.sent.get("stream")) or "stream" in self.api

    @property
    def is_failure(self) -> bool:
        return "error" in self.expect or "stream_error" in self.expect or self.expect.get("finish_reason") == "ERROR"

    @property
    def base_path(self) -> str:
        """What of the recorded path belongs to the base URL: all but what the API itself adds."""
        if self.slug in ("google", "cohere", "azure"):
            return ""
        for ending in ("/chat/completions", "/completions", "/embeddings", "/models", "/v1/messages", "/api/chat"):
            if self.path.endswith(ending):
                return self.path.removesuffix(ending)
        raise AssertionError(f"{self.name} was sent to an unexpected path: {self.path}")

    def headers(self) -> dict[str, str]:
        """The vendor's own headers of the recorded request, as a caller would pass them."""
        headers: dict[str, str] = self.data["request"]["headers"]
        return {name: value for name, value in headers.items() if name in ("http-referer", "x-title", "anthropic-beta")}

    def request(self) -> Any:
        """The call as a user of the library would write it."""
        body = {name: value for name, value in self.sent.items() if name not in ("stream", "stream_options")}
        if self.slug in ("azure", "portkey"):  # some of these name no model, where ours must
            body = {"model": "m", **body}
        if self.api == "gemini.batchEmbedContents":
            return google_embedding(self.model_in_path, body)
        if self.api.startswith("gemini."):
            body = google_requests.to_openai(self.model_in_path, body)
        elif self.api == "cohere.chat":
            body = cohere_requests.to_openai(body)
        elif self.slug == "mistral" and "random_seed" in body:
            body["seed"] = body.pop("random_seed")
        if self.api == "anthropic.messages":
            body = anthropic_requests.to_openai(body)
        elif self.api == "ollama.chat":
            body = ollama_requests.to_openai(body)
        if self.api.endswith((".chat", ".messages", "Content")):
            request: Any = ChatRequest.from_openai(body)
        else:
            kind = EmbeddingRequest if self.api == "openai.embeddings" else CompletionRequest
            known = {name: body.pop(name) for name in list(body) if name in kind.__dataclass_fields__}
            request = kind(**known, extra=body)
        request.headers = self.headers()
        return request


def google_embedding(model: str, body: dict[str, Any]) -> EmbeddingRequest:
    requests = body["requests"]
    texts = [part["text"] for request in requests for part in request["content"]["parts"]]
    return EmbeddingRequest(model=model, input=texts, dimensions=requests[0].get("outputDimensionality"))


def load() -> list[Recording]:
    """Every recording of this issue's providers whose API we speak."""
    found = []
    for folder, slug in FOLDERS.items():
        for path in sorted((recordings_dir() / folder).glob("*.json")):
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["api"] not in NOT_SPOKEN and data["response"].get("stream_format") != "json-array":
                found.append(Recording(f"{folder}/{path.stem}", slug, data))
    return found

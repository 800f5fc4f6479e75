"""What a vendor says went wrong: finds its words in a parsed body, whatever shape it says them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from providers import jsontext
from providers.errors import LLMProviderError

ErrorKind = type[LLMProviderError]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a vendor says went wrong, whatever shape it says it in.

    `kind` is set where the vendor's words say more than its status does; `retry_after_s` where it tells the wait in the body.
    """

    message: str = ""
    type: str = ""
    code: str = ""
    status: int | None = None
    request_id: str | None = None
    kind: ErrorKind | None = None
    retry_after_s: float | None = None


def read_complaint(payload: Any) -> Complaint | None:
    """Find the vendor's words in a parsed body: OpenAI's, Anthropic's, FastAPI's and other common shapes."""
    if isinstance(payload, list):
        payload = payload[0] if payload else None
    if not isinstance(payload, Mapping):
        return None
    inner = payload.get("error")
    outer_id = _text(payload.get("request_id")) or None
    if isinstance(inner, Mapping):
        return Complaint(
            message=_words(inner.get("message")) or _detail(inner) or _json_text(inner),
            type=_text(inner.get("type")) or _text(inner.get("status")),
            code=_text(inner.get("code")),
            status=_status_in(inner),
            request_id=outer_id or _text(inner.get("request_id")) or None,
        )
    flat = Complaint(
        message=_words(payload.get("message")) or _detail(payload),
        type=_text(payload.get("type")) or _text(payload.get("error_type")),
        code=_text(payload.get("code")),
        status=_status_in(payload),
        request_id=outer_id,
    )
    if isinstance(inner, str) and inner and flat.message:
        # The name of the error stands beside its words: {"error": "Unauthorized", "message": …}.
        return replace(flat, code=flat.code or inner)
    if inner and inner is not True:
        return replace(flat, message=_words(inner))
    return flat if flat.message or inner else None


def holds_error(payload: Mapping[str, Any]) -> bool:
    """Whether a body that came with status 200 is a failure after all."""
    return bool(payload.get("error")) or payload.get("object") == "error" or payload.get("type") == "error"


def _detail(payload: Mapping[str, Any]) -> str:
    """FastAPI's `detail` (text, or a list of places and messages) and bare `errors` lists."""
    return _words(payload.get("detail") or payload.get("errors") or payload.get("metadata"))


def _words(said: Any) -> str:
    """Text as it is, a list's entries one after the other; of an object the `detail` within, where it has one (Mistral)."""
    if isinstance(said, Mapping) and isinstance(said.get("detail"), str | list):
        said = said["detail"]
    return "; ".join(map(_item, said)) if isinstance(said, list) else _text(said)


def _item(item: Any) -> str:
    """One entry of a list of complaints; FastAPI's begin with the place: `body.messages: Field required`."""
    if not isinstance(item, Mapping):
        return _text(item)
    message = _text(item.get("msg")) or _text(item.get("message"))
    place = item.get("loc")
    if not message:
        return _json_text(item)
    return f"{'.'.join(map(str, place))}: {message}" if isinstance(place, list) else message


def _status_in(inner: Mapping[str, Any]) -> int | None:
    for name in ("status", "code", "status_code", "http_status"):
        value = inner.get(name)
        if isinstance(value, str) and value.isdigit():
            value = int(value[:4])
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    return value if isinstance(value, str) else _json_text(value)


def _json_text(value: Any) -> str:
    try:
        return jsontext.write_text(value)
    except (TypeError, ValueError):
        return ""  # it nests too deeply to be shown

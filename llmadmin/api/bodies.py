"""Reading request bodies: bounded in size and depth, and free of what no database can hold."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from llmadmin.core.errors import InvalidError
from providers import yaml_text
from providers.config import ConfigError

NO_NUL = "Leave the character NUL out: no database keeps it."


class TooLargeError(APIException):
    """The body is longer than `LLMADMIN_MAX_BODY_BYTES`."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body is too large."


class JSONBody(BaseParser):
    """JSON as RFC 8259 has it: UTF-8, no half surrogate pairs, no NaN, nested at most 1,000 deep."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = bounded(stream)
        if not body.strip():
            return {}
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as problem:
            raise ParseError(f"This is no JSON that can be read: {problem}.") from None
        if b"\\u0000" in body:
            _refuse_nul(found)
        return found


class YAMLBody(BaseParser):
    """YAML without tags that make objects, whatever media type it comes under, as curl sends files as forms."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = bounded(stream)
        try:
            return yaml_text.parse(body.decode("utf-8"), name="body")
        except UnicodeDecodeError:
            raise ParseError("This is no YAML that can be read. Send UTF-8.") from None
        except ConfigError as problem:
            raise ParseError(f"This is no YAML that can be read: {problem.fields['body']}") from None


def bounded(stream: Any) -> bytes:
    """The whole body. Raises TooLargeError as soon as it is longer than allowed."""
    most: int = settings.MAX_BODY_BYTES
    body: bytes = stream.read(most + 1)
    if len(body) > most:
        raise TooLargeError(f"The body is longer than {most} bytes. Send less, or in parts.")
    return body


def _refuse_nul(document: Any) -> None:
    """Name the first value that holds NUL."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and "\x00" in value:
            raise _nul_at(path)
        if isinstance(value, dict):
            if any("\x00" in name for name in value):
                raise _nul_at(path)
            waiting += [(f"{path}.{name}" if path else name, inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}.{place}" if path else str(place), inner) for place, inner in enumerate(value)]


def _nul_at(path: str) -> InvalidError:
    return InvalidError(f"{path or 'body'}: {NO_NUL}", fields={path or "body": NO_NUL})

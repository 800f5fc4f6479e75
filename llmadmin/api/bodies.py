"""Reading request bodies: bounded in size and depth, and free of what no database can hold."""

from __future__ import annotations

from typing import Any

import orjson
import yaml
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from llmadmin.core.errors import InvalidError

MAX_VALUES = 500_000
NO_NUL = "Leave the character NUL out: no database keeps it."
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
            found = _loaded(body.decode("utf-8"))
        except yaml.MarkedYAMLError as problem:
            line = f" (line {problem.problem_mark.line + 1})" if problem.problem_mark else ""
            raise ParseError(f"This is no YAML that can be read: {problem.problem or problem.context}{line}.") from None
        except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
            raise ParseError("This is no YAML that can be read. Send UTF-8, with values that YAML allows.") from None
        return found


def bounded(stream: Any) -> bytes:
    """The whole body. Raises TooLargeError as soon as it is longer than allowed."""
    most: int = settings.MAX_BODY_BYTES
    body: bytes = stream.read(most + 1)
    if len(body) > most:
        raise TooLargeError(f"The body is longer than {most} bytes. Send less, or in parts.")
    return body


def _loaded(text: str) -> Any:
    """The document, once its aliases (`*name`) are known not to make it huge or endless."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _size_of(root, {})
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _size_of(node: Any, known: dict[int, int]) -> int:
    """How many values the node stands for with its aliases written out."""
    if id(node) in known:
        if known[id(node)] == 0:
            raise ParseError("This YAML holds itself through one of its aliases (*name). Write it out.")
        return known[id(node)]
    known[id(node)] = 0
    inner: list[Any] = []
    if isinstance(node, yaml.MappingNode):
        inner = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    total = 1 + sum(_size_of(part, known) for part in inner)
    if total > MAX_VALUES:
        raise ParseError(f"This YAML holds more than {MAX_VALUES} values. Send less, or in parts.")
    known[id(node)] = total
    return total


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

"""JSON text to values and back, with orjson where it is installed."""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ImportError:  # pragma: no cover - orjson is optional for users of the library
    orjson = None  # type: ignore[assignment]

_BOM = b"\xef\xbb\xbf"


def parse(text: bytes | str) -> Any:
    """The value of JSON `text`. Raises ValueError for anything that isn't JSON, however deeply it nests."""
    try:
        return orjson.loads(text) if orjson is not None else json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON nests too deeply") from error
    except ValueError:
        if text[:3] != _BOM:
            raise
        return parse(text[3:])


def write(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8. Raises TypeError or ValueError for values that JSON does not know."""
    if orjson is not None:
        try:
            return orjson.dumps(value)
        except orjson.JSONEncodeError as error:
            # orjson reads what nests deeper than it writes, and refuses keys that are numbers (token ids in `logit_bias`).
            if not any(words in str(error) for words in ("64-bit", "Recursion", "Dict key")):
                raise TypeError(str(error)) from error
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError as error:
        raise ValueError("JSON nests too deeply") from error


def write_text(value: Any) -> str:
    return write(value).decode()

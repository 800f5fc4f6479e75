"""What people may type into the fields of configuration: each cleaner returns the value to keep, or says what to do."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from unicodedata import category
from urllib.parse import urlsplit

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from llmadmin.core.errors import InvalidError
from llmadmin.core.fields import NAME, SLUG, Source
from providers.addresses import AddressPolicy, AddressRefusedError
from providers.errors import ERROR_CLASS_NAMES
from providers.redact import redact

Cleaner = Callable[[Any], Any]
MAX_HEADERS = 50
MAX_JSON_BYTES = 16_384
MAX_USD_PER_MTOK = Decimal(1_000_000)
PUT_THE_KEY = "Put the key under API keys, where it is kept encrypted."

_HEADER_NAME = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")
_SECRET_NAME = re.compile(
    r"(^|[-_])(authorization|api[-_]?key|apikey|access[-_]?token|auth[-_]?token|secret|secret[-_]?key|password|cookie)$",
    re.IGNORECASE,
)
_CALLERS_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-encoding"})


class FieldError(ValueError):
    """One field can't be taken. `path` leads into it, where it has parts."""

    def __init__(self, sentence: str, *, path: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.path = path

    def under(self, name: str) -> str:
        return f"{name}.{self.path}" if self.path else name


def clean(values: Mapping[str, Any], cleaners: Mapping[str, Cleaner], *, noun: str) -> dict[str, Any]:
    """Every value cleaned. Raises InvalidError with a sentence for each field that can't be taken."""
    cleaned, problems = {}, {}
    for name, value in values.items():
        if name not in cleaners:
            problems[name] = f"{noun} has no field '{name}'. Leave it out."
            continue
        try:
            cleaned[name] = cleaners[name](value)
        except FieldError as problem:
            problems[problem.under(name)] = problem.sentence
    if problems:
        raise invalid(problems)
    return cleaned


def invalid(problems: Mapping[str, str]) -> InvalidError:
    """The error whose message names each field before its sentence."""
    return InvalidError(" ".join(f"{path}: {sentence}" for path, sentence in problems.items()), fields=problems)


def text(*, most: int, is_required: bool = False) -> Cleaner:
    def cleaned(value: Any) -> str:
        if value is None and not is_required:
            return ""
        if not isinstance(value, str):
            raise FieldError("Give text.")
        found = value.strip()
        if is_required and not found:
            raise FieldError("Is needed.")
        if len(found) > most:
            raise FieldError(f"Use at most {most} characters.")
        if any(category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in found):
            raise FieldError("Leave control characters out.")
        return found

    return cleaned


def optional_text(*, most: int) -> Cleaner:
    """Text, or None for what is empty."""
    clean_text = text(most=most)
    return lambda value: clean_text(value) or None


def slug(value: Any) -> str:
    return _matching(SLUG, value)


def name(value: Any) -> str:
    return _matching(NAME, value)


def _matching(validator: RegexValidator, value: Any) -> str:
    try:
        validator(value)
    except ValidationError:
        raise FieldError(str(validator.message)) from None
    if not isinstance(value, str) or value != value.strip():
        raise FieldError(str(validator.message))
    return value


def model_name(value: Any) -> str:
    """A vendor's own name, which may hold slashes and colons but no white space."""
    found: str = text(most=200, is_required=True)(value)
    if re.search(r"\s", found):
        raise FieldError("Write the model's name as the provider does, without spaces.")
    return found


def whole(*, least: int, most: int, is_optional: bool = False) -> Cleaner:
    def cleaned(value: Any) -> int | None:
        if is_optional and value in (None, ""):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != int(value):
            raise FieldError("Give a whole number.")
        if not least <= value <= most:
            raise FieldError(f"Choose between {least} and {most}.")
        return int(value)

    return cleaned


def number(*, above: float | None = None, least: float = 0, most: float) -> Cleaner:
    def cleaned(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
            raise FieldError("Give a number.")
        if above is not None and not above < value <= most:
            raise FieldError(f"Choose a number above {above:g}, at most {most:g}.")
        if not least <= value <= most:
            raise FieldError(f"Choose between {least:g} and {most:g}.")
        return float(value)

    return cleaned


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldError("Give true or false.")
    return value


def source(value: Any) -> str:
    if value not in Source.values:
        raise FieldError(f"Choose one of {', '.join(Source.values)}.")
    return str(value)


def address(value: Any) -> str:
    """An http(s) address without credentials, query or fragment; a slash at its end is dropped. Empty stays empty."""
    found: str = text(most=500)(value)
    if not found:
        return ""
    refused = _refusal_of(found)
    if refused:
        raise FieldError(refused)
    return found.rstrip("/")


def _refusal_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "Give an address such as https://api.example.com/v1; this one can't be read."
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or re.search(r"[\s\\]", url):
        return (
            "Give an address that begins with http:// or https:// and names a host, such as https://api.example.com/v1."
        )
    if "@" in parts.netloc:
        return f"Leave user names and passwords out of the address. {PUT_THE_KEY}"
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "Give the address without ? and #; what stands there belongs under options or headers."
    if "${" in url:
        return "Give the address itself: ${NAME} is expanded by the command line only."
    try:
        AddressPolicy(allow_private=True).check_host(parts.hostname)
    except AddressRefusedError as refused:
        return f"Choose another address: {refused}"
    return ""


def headers(value: Any) -> dict[str, str]:
    """HTTP headers as an object of texts; none that holds a key, none that belongs to the connection."""
    if value in (None, ""):
        return {}
    if not isinstance(value, Mapping):
        raise FieldError('Give headers as an object of texts, such as {"X-Team": "lab"}.')
    if len(value) > MAX_HEADERS:
        raise FieldError(f"Give at most {MAX_HEADERS} headers.")
    for key, held in value.items():
        problem = _header_problem(key, held)
        if problem:
            raise FieldError(problem, path=str(key)[:128])
    _check_size(value)
    return {key: held.strip() for key, held in value.items()}


def _header_problem(key: Any, held: Any) -> str:
    if not isinstance(key, str) or not _HEADER_NAME.match(key):
        return "Is no header name. Use letters, digits and -."
    if not isinstance(held, str):
        return "Give the header's value as text."
    if key.lower() in _CALLERS_HEADERS:
        return "Belongs to the connection and can't be set. Leave it out."
    if looks_secret(key, held):
        return PUT_THE_KEY
    if not held.isascii() or not held.isprintable():
        return "Use printable ASCII characters only."
    return "Give the value itself: ${NAME} is expanded by the command line only." if "${" in held else ""


def looks_secret(key: str, held: Any) -> bool:
    """Whether the name says that it holds a key, or the text looks like one."""
    if not isinstance(held, str) or not held:
        return False
    return bool(_SECRET_NAME.search(key)) or redact(held) != held


def json_object(value: Any) -> dict[str, Any]:
    """A JSON object, bounded in size and without keys in it."""
    if value in (None, ""):
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise FieldError('Give a JSON object, such as {"temperature": 0.2}.')
    _check_size(value)
    secret = next(iter(_secret_paths(value)), "")
    if secret:
        raise FieldError(PUT_THE_KEY, path=secret)
    return dict(value)


def _secret_paths(value: Any, path: str = "", key: str = "") -> Iterable[str]:
    if isinstance(value, Mapping):
        for inner, held in value.items():
            yield from _secret_paths(held, f"{path}.{inner}" if path else str(inner), str(inner))
    elif isinstance(value, list | tuple):
        for place, held in enumerate(value):
            yield from _secret_paths(held, f"{path}.{place}" if path else str(place), key)
    elif looks_secret(key, value):
        yield path


def _check_size(value: Any) -> None:
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        orjson.dumps(value)  # refuses whole numbers of more than 64 bits, which most readers of the document can't take
    except (TypeError, ValueError, RecursionError):
        raise FieldError(
            "Use what JSON can hold: texts, finite numbers of at most 64 bits, true, false, null, lists, objects."
        ) from None
    if len(written) > MAX_JSON_BYTES:
        raise FieldError(f"Use at most {MAX_JSON_BYTES // 1024} kB.")
    if b"\\u0000" in written:
        raise FieldError("Leave the character NUL out: no database keeps it.")


def words(*, most: int = 50) -> Cleaner:
    """A list of short texts, each once, in the given order."""

    def cleaned(value: Any) -> list[str]:
        given = [] if value is None else value
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            raise FieldError("Give a list of texts.")
        found = list(given)
        if len(found) > most or not all(isinstance(word, str) and 0 < len(word) <= 64 for word in found):
            raise FieldError(f"Give at most {most} texts of at most 64 characters.")
        return list(dict.fromkeys(found))

    return cleaned


def error_classes(value: Any) -> list[str] | None:
    """Sorted names of error classes, or None for what the errors say of themselves."""
    if value is None:
        return None
    found = sorted(words()(value))
    unknown = [word for word in found if word not in ERROR_CLASS_NAMES]
    if unknown:
        raise FieldError(f"Choose from {', '.join(ERROR_CLASS_NAMES)}; {', '.join(unknown)} is none of them.")
    return found


def money(value: Any) -> Decimal | None:
    """US dollars for a million tokens, at most 12 places, or None for what is not known."""
    if value in (None, ""):
        return None
    try:
        amount = Decimal(str(value).strip()) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise FieldError('Give US dollars for a million tokens, such as "0.40".')
    if amount < 0:
        raise FieldError("A price can't be negative. Enter 0 for what is free.")
    if amount > MAX_USD_PER_MTOK:
        raise FieldError(f"Give at most {MAX_USD_PER_MTOK} US dollars for a million tokens.")
    if amount != round(amount, 12):
        raise FieldError("Give at most 12 places after the point.")
    return abs(amount)


def moment(value: Any) -> dt.datetime:
    """A moment in UTC; a day means its first moment, and what names no zone is UTC."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value) or parse_date(value)
        except ValueError:
            value = None
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time(), tzinfo=dt.UTC)
    if not isinstance(value, dt.datetime):
        raise FieldError("Give a moment such as 2026-01-31T00:00:00Z.")
    aware = timezone.make_aware(value, dt.UTC) if timezone.is_naive(value) else value
    try:
        return aware.astimezone(dt.UTC)
    except OverflowError:
        raise FieldError("Give a moment such as 2026-01-31T00:00:00Z; this one lies beyond the calendar.") from None

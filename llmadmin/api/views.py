"""What every call of the REST API shares: JSON out, whatever the caller accepts, and nothing unreadable let in."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.http import Http404
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from llmadmin.api.bodies import JSONBody, TooLargeError
from llmadmin.audit.actor import Actor
from llmadmin.catalog.fields import FieldError, moment
from llmadmin.core.errors import InvalidError

if TYPE_CHECKING:
    from rest_framework.views import APIView
else:
    APIView = object

MAX_REASON = 500
PAGED = frozenset({"cursor", "page_size"})
_ZONE_AFTER_SPACE = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$")
"""In an address "+" means a space, so a zone such as +01:00 arrives with one."""


class AlwaysJSON(BaseContentNegotiation):
    """The API speaks JSON. A caller whose `Accept` names something else gets it too, rather than a 406 without words."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((one for one in parsers if one.media_type in (kind, "*/*")), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class RestView(APIView):
    """Comes before the framework's own class in the bases of every view.

    `query_names` are the names that may stand behind `?`, by action or method; others are refused, since a misspelt
    filter or `?dryrun=1` must not do the opposite of what was meant.
    """

    parser_classes = [JSONBody]
    content_negotiation_class = AlwaysJSON
    metadata_class = None
    query_names: ClassVar[Mapping[str, frozenset[str]]] = {}

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        # The framework takes a body without a length, as "Transfer-Encoding: chunked" sends it, for none at all.
        if not request.META.get("CONTENT_LENGTH") and request.META.get("HTTP_TRANSFER_ENCODING"):
            request.META["CONTENT_LENGTH"] = str(settings.MAX_BODY_BYTES)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isascii() or not length.isdigit() or int(length[:12]) > settings.MAX_BODY_BYTES:
            raise TooLargeError(f"The body is longer than {settings.MAX_BODY_BYTES} bytes. Send less, or in parts.")
        if not all(_is_plain(part) for part in kwargs.values()):
            raise Http404
        self._check_query(request)

    def _check_query(self, request: Request) -> None:
        act = getattr(self, "action", None) or (request.method or "").lower()
        known = self.query_names.get(act, frozenset())
        for name, values in request.query_params.lists():
            if name not in known:
                there = f"There is {', '.join(sorted(known))}." if known else "This call takes none."
                raise InvalidError.of(**{shown_name(name): f"There is no such query parameter. {there}"})
            if len(values) > 1:
                raise InvalidError.of(**{name: "Give it once."})
            if not _is_plain(values[0]):
                raise InvalidError.of(**{name: "Leave the character NUL out."})


def actor_of(request: Request) -> Actor:
    """Whoever calls, as `authentication` found them."""
    actor: Any = request.auth
    return actor  # type: ignore[no-any-return]


def reason_of(request: Request) -> str:
    """What `X-Change-Reason` says. Headers come as Latin-1; whoever writes other scripts sends UTF-8."""
    given = request.headers.get("X-Change-Reason", "")
    with contextlib.suppress(UnicodeError):
        given = given.encode("latin-1").decode("utf-8")
    return "".join(letter for letter in given if letter.isprintable())[:MAX_REASON].strip()


def flag_of(request: Request, name: str) -> bool:
    """Whether it is set. Without a value it is neither: what was meant as a rehearsal must not be the real thing."""
    text = request.query_params.get(name, "0").lower()
    if text in ("0", "false", "no"):
        return False
    if text in ("1", "true", "yes"):
        return True
    raise InvalidError.of(**{name: "Give 1 or 0."})


def moment_of(request: Request, name: str) -> dt.datetime | None:
    """The moment that a query parameter names, None without it. Raises InvalidError."""
    text = request.query_params.get(name, "")
    try:
        return moment(_ZONE_AFTER_SPACE.sub(r"\1+\2", text)) if text else None
    except (FieldError, OverflowError):
        raise InvalidError.of(**{name: "Give a moment such as 2026-01-31T00:00:00Z."}) from None


def shown_name(name: str, *, most: int = 64) -> str:
    """A name that a caller made up, fit to be said back."""
    return "".join(letter if letter.isprintable() else "�" for letter in name[:most]) or "?"


def _is_plain(text: Any) -> bool:
    return not isinstance(text, str) or ("\x00" not in text and not any("\ud800" <= one <= "\udfff" for one in text))

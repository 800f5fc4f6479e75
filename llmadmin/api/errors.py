"""Every failure as `{"error": {"type", "code", "message", "request_id", "fields"?}}`, with nothing internal in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from llmadmin.api.views import shown_name
from llmadmin.core import request_id
from llmadmin.core.errors import DomainError, InUseError, type_of_status
from llmadmin.core.redaction import redact_text
from llmadmin.gateway.errors import GatewayError

log = structlog.get_logger(__name__)

MAX_WORDS = 2_000


def error_body(status: int, code: str, message: str, *, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {
        "type": type_of_status(status),
        "code": code,
        "message": _said(message),
        "request_id": request_id.current(),
    }
    if fields:
        error["fields"] = {
            redact_text(shown_name(name, most=200)): [_said(one) for one in said]
            if isinstance(said, list)
            else _said(str(said))
            for name, said in fields.items()
        }
    return {"error": error}


def _said(text: str) -> str:
    """Words for the caller: no secret, no half characters, and no echo of a book that came in."""
    shortened = text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}…"
    return redact_text(shortened).encode("utf-8", "replace").decode("utf-8")


def handle(problem: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler. What it does not know is a mistake of ours: a 500 and a line in the log."""
    match problem:
        case InUseError():
            fields: dict[str, Any] = {**problem.fields, "dependents": problem.dependents}
            return Response(error_body(409, problem.code, problem.message, fields=fields), status=409)
        case DomainError():
            return Response(
                error_body(problem.status, problem.code, problem.message, fields=problem.fields), status=problem.status
            )
        case exceptions.ValidationError():
            fields = _flat(problem.detail)
            message = " ".join(f"{name}: {text}" for name, text in fields.items())
            return Response(error_body(400, "invalid", message, fields=fields), status=400)
        case exceptions.APIException():
            return _of_framework(problem)
        case Http404():
            return Response(error_body(404, "not_found", "There is no such object."), status=404)
        case PermissionDenied():
            return Response(error_body(403, "forbidden", "You may not do this."), status=403)
        case SuspiciousOperation():
            return Response(error_body(400, "invalid", "The request can't be read."), status=400)
        case GatewayError():
            body = error_body(problem.status, problem.code or "failed", problem.message)
            return Response(body, status=problem.status, headers=dict(problem.headers))
    return _unforeseen(problem)


def _unforeseen(problem: Exception) -> Response:
    match problem:
        case DataError():
            return Response(error_body(400, "invalid", "A value is out of range. Give a smaller one."), status=400)
        case OperationalError() | InterfaceError():
            log.error("database failed", error=str(problem))
            message = (
                "The database does not answer right now. Try again in a moment; config and calls go on from memory."
            )
            return Response(error_body(503, "database_unavailable", message), status=503, headers={"Retry-After": "5"})
    log.error("a REST call failed", exc_info=problem)
    message = "llmadmin made a mistake. Quote the request id when you report it."
    return Response(error_body(500, "internal", message), status=500)


def _of_framework(problem: exceptions.APIException) -> Response:
    headers = {}
    if getattr(problem, "auth_header", None):
        headers["WWW-Authenticate"] = problem.auth_header  # type: ignore[attr-defined]
    if getattr(problem, "wait", None):
        headers["Retry-After"] = str(int(problem.wait))  # type: ignore[attr-defined]
    code = problem.get_codes() if isinstance(problem.get_codes(), str) else problem.default_code
    return Response(
        error_body(problem.status_code, str(code), str(problem.detail)), status=problem.status_code, headers=headers
    )


def _flat(detail: Any, path: str = "") -> dict[str, str]:
    """DRF's nested lists and dicts of texts as `{"targets.0.model": "…"}`."""
    if isinstance(detail, Mapping):
        found: dict[str, str] = {}
        for name, inner in detail.items():
            found |= _flat(inner, f"{path}.{name}" if path else str(name))
        return found
    if isinstance(detail, list) and any(isinstance(inner, Mapping | list) for inner in detail):
        found = {}
        for place, inner in enumerate(detail):
            found |= _flat(inner, f"{path}.{place}" if path else str(place))
        return found
    texts = detail if isinstance(detail, list) else [detail]
    return {path or "body": " ".join(str(text) for text in texts)}


@csrf_exempt
def not_found(request: HttpRequest, rest: str = "") -> JsonResponse:
    """An address under /api/ that does not exist."""
    return JsonResponse(
        error_body(404, "not_found", f"There is no {request.path[:200]} here. /api/docs/ lists what there is."),
        status=404,
    )

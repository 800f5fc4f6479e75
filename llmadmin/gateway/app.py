"""The gateway as an ASGI application of its own: no Django request, no middleware, no query on the path of a call."""

from __future__ import annotations

import structlog

from llmadmin.core import request_id as request_ids
from llmadmin.core.exchange import ClientGoneError, Receive, Scope, Send, find_header, send_json
from llmadmin.gateway import endpoints
from llmadmin.gateway.admission import authenticate
from llmadmin.gateway.endpoints import Endpoint, Exchange
from llmadmin.gateway.errors import GatewayError, internal
from llmadmin.gateway.identities import new_request_id
from llmadmin.gateway.runtime import Runtime

log = structlog.get_logger(__name__)

_ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "/v1/chat/completions": {"POST": endpoints.chat_completions},
    "/v1/completions": {"POST": endpoints.completions},
    "/v1/embeddings": {"POST": endpoints.embeddings},
    "/v1/models": {"GET": endpoints.list_models},
}
_MODEL = "/v1/models/"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one HTTP request under `/v1/`."""
    given = find_header(scope, b"x-request-id")
    request_id = request_ids.taken(given.decode("latin-1")) if given else new_request_id()
    request_ids.bind(request_id)
    try:
        runtime = Runtime.current()
        snapshot = runtime.snapshot
        grant = authenticate(scope, snapshot)
        exchange = Exchange(scope, receive, send, grant.caller, runtime, snapshot, request_id)
        await _route(exchange)
    except GatewayError as error:
        await send_error(send, error, request_id)
    except ClientGoneError:
        return
    except Exception:
        log.exception("a request failed inside the gateway")
        await send_error(send, internal(), request_id)


async def _route(exchange: Exchange) -> None:
    path, method = exchange.scope["path"], exchange.scope["method"]
    by_method = _ENDPOINTS.get(path)
    if by_method is not None:
        endpoint = by_method.get(method)
        if endpoint is None:
            raise _wrong_method(method, path, allowed=", ".join(by_method))
        await endpoint(exchange)
    elif path.startswith(_MODEL):
        if method != "GET":
            raise _wrong_method(method, path, allowed="GET")
        await endpoints.show_model(exchange, path.removeprefix(_MODEL))
    else:
        raise GatewayError(404, f"There is no {method} {path[:200]} here.", code="unknown_url")


def _wrong_method(method: str, path: str, *, allowed: str) -> GatewayError:
    message = f"{path[:200]} does not take {method}, but {allowed}."
    return GatewayError(405, message, code="method_not_allowed", headers={"allow": allowed})


async def send_error(send: Send, error: GatewayError, request_id: str) -> None:
    headers = {"x-request-id": request_id, **error.headers}
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send_json(send, error.status, error.to_openai(request_id=request_id), pairs)

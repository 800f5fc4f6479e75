"""The composed ASGI application: the live path beside Django, told apart by path and nothing more.

`/v1/` is the gateway; `/healthz`, `/readyz` and `/metrics` are answered from memory, as are `/api/v1/config/` and
`/api/v1/resolve/` for service keys; `/simulated/` is the simulated provider where it is on; the rest is Django's.
`serve --only gateway` leaves Django's pages out, `--only web` the gateway.
"""

from __future__ import annotations

import gc
import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmadmin.settings")

import structlog
from django.conf import settings
from django.core.asgi import get_asgi_application

_django = get_asgi_application()

from llmadmin import probes  # noqa: E402 - Django must be set up before its apps are imported
from llmadmin.core.exchange import Application, Receive, Scope, Send, send_json  # noqa: E402
from llmadmin.gateway import app as gateway  # noqa: E402
from llmadmin.gateway import live  # noqa: E402
from llmadmin.gateway.admission import find_key  # noqa: E402
from llmadmin.gateway.runtime import Runtime  # noqa: E402
from llmadmin.simulator.app import Simulator  # noqa: E402

log = structlog.get_logger(__name__)

django_application = cast("Application", _django)
_PROBES = {"/healthz": probes.healthz, "/readyz": probes.readyz, "/metrics": probes.metrics}
_LIVE = frozenset({live.CONFIG_PATH, live.RESOLVE_PATH})
_ONLY = os.environ.get("LLMADMIN_SERVE_ONLY", "")
_simulator = Simulator(prefix="/simulated") if settings.SIMULATOR_ENABLED else None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    kind = scope["type"]
    if kind == "http":
        path = scope["path"]
        if path.startswith("/v1/") and _ONLY != "web":
            await gateway.application(scope, receive, send)
        elif path in _PROBES:
            await _PROBES[path](scope, send)
        elif path in _LIVE and scope["method"] == "GET" and find_key(scope):
            await live.application(scope, receive, send)
        elif path.startswith("/simulated/"):
            await _simulate(scope, receive, send)
        elif _ONLY == "gateway":
            await _refuse(send)
        else:
            await django_application(scope, receive, send)
    elif kind == "lifespan":
        await _live(receive, send)
    else:
        await send({"type": "websocket.close", "code": 1000})


async def _simulate(scope: Scope, receive: Receive, send: Send) -> None:
    if _simulator is None:
        await _refuse(send)
    else:
        await _simulator(scope, receive, send)


async def _refuse(send: Send) -> None:
    error = {"message": "There is nothing here.", "type": "invalid_request_error", "param": None, "code": "unknown_url"}
    await send_json(send, 404, {"error": error})


def _quiet_collector() -> None:
    """Take what lives as long as the process out of the garbage collector's sight.

    Django and its apps are some hundred thousand objects, and the collector would look at all of them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _live(receive: Receive, send: Send) -> None:
    """Start the runtime before the first request, and stop it after the last one."""
    runtime: Runtime | None = None
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            try:
                runtime = Runtime()
                await runtime.start()
                _quiet_collector()
            except Exception as problem:
                log.exception("the gateway can't start")
                await send({"type": "lifespan.startup.failed", "message": f"{type(problem).__name__}: {problem}"})
                return
            await send({"type": "lifespan.startup.complete"})
        elif event["type"] == "lifespan.shutdown":
            if runtime is not None:
                await runtime.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return

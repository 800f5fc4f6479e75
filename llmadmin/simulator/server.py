"""The simulator on a port of its own, for tests and for drills."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Any

import uvicorn

from llmadmin.simulator.app import Simulator


class SimulatorServer:
    """Runs a simulator on 127.0.0.1 in a thread while its `with` block lasts.

    `base_url` is what a provider of kind `openai` or `local` takes. `stop()` and `start()` take the whole provider away
    and bring it back on the same port.
    """

    def __init__(self, *, api_key: str | None = None, port: int = 0) -> None:
        self.app = Simulator(api_key=api_key)
        self.port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def seen(self) -> list[dict[str, Any]]:
        """The last bodies that came, newest last."""
        return self.app.seen

    def open_connections(self) -> list[object]:
        """The connections that clients hold open now."""
        return list(self._server.server_state.connections) if self._server is not None else []

    def set(self, model: str, **wishes: Any) -> None:
        """Make `model` behave so from now on: `set("sim-large", status=503)`; without wishes it works again."""
        self.app.board.set({"model": model, **wishes})

    def start(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.app, log_level="critical", lifespan="off", access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="simulator", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The simulator did not start.")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=10)
        self._server = self._thread = None

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

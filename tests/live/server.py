"""The real server for tests: the composed ASGI application on uvicorn, on a free port of 127.0.0.1.

`LiveServer` runs in a thread of the test process, on the test's own database, so that a test can change things with the
services and look at the rows; it needs a test that really commits (`transactional_db`). `ServerProcess` runs
`llmadmin serve` in a process of its own on a throwaway data folder, for journeys, the browser, and `kill -9`.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Literal, Self

import httpx
import uvicorn

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 60


def listening_socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    return listener


class ThreadServer:
    """Any ASGI application on uvicorn in a thread, while the `with` block lasts."""

    def __init__(self, application: Any, *, lifespan: Literal["on", "off"] = "off") -> None:
        self._application = application
        self._lifespan = lifespan
        self._listener = listening_socket()
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            self._application, lifespan=self._lifespan, access_log=False, log_config=None, timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="live-server", daemon=True
        )
        self._thread.start()
        _wait_until(lambda: self._server.started or not self._thread.is_alive())
        if not self._server.started:
            raise RuntimeError("The server did not start; its log says why.")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._listener.close()


class LiveServer(ThreadServer):
    """The composed application in a thread. `runtime` is the gateway's."""

    def __init__(self) -> None:
        from llmadmin.asgi import application

        super().__init__(application, lifespan="on")
        self.gateway_url = f"{self.url}/v1"

    @property
    def runtime(self) -> Any:
        from llmadmin.gateway.runtime import Runtime

        return Runtime.current()

    def drain(self) -> None:
        """Bring what calls have left to the database now."""
        from llmadmin.usage.services import store

        self.runtime.journal.drain(store)


class ServerProcess:
    """`llmadmin serve` as people start it, on an empty data folder of its own.

    `setup_token` is what it printed for the first owner. `run("create-service", …)` runs a command on the same data.
    """

    def __init__(self, *, data_dir: Path | None = None, **environ: str) -> None:
        self._folder = None if data_dir else tempfile.TemporaryDirectory(prefix="llmadmin-live-")
        self.data_dir = data_dir or Path(self._folder.name if self._folder else "")
        with listening_socket() as listener:
            self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.gateway_url = f"{self.url}/v1"
        self.setup_token = ""
        self._log = self.data_dir / "server.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMADMIN_", "DJANGO_"))}
        for name in ("DATABASE_URL", "REDIS_URL"):
            kept.pop(name, None)
        self.environ = {**kept, "LLMADMIN_DATA_DIR": str(self.data_dir), "PYTHONPATH": str(ROOT), **environ}

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def run(self, *arguments: str) -> str:
        """What a command of `llmadmin` prints on standard output. Raises RuntimeError with its standard error."""
        done = self.command(*arguments)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} exited {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def command(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command of `llmadmin` on the same data, run to its end, whatever its exit code."""
        return subprocess.run(
            [sys.executable, "-m", "llmadmin", *arguments],
            cwd=ROOT,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "llmadmin", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _wait_until(lambda: self._process.poll() is not None or self._is_ready())
        if self._process.poll() is not None:
            raise RuntimeError(f"The server did not start:\n{self.log()[-4000:]}")
        found = re.search(r"Token\s+(\S+)", self.log())
        self.setup_token = found[1] if found else ""

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """What a power switch would do: no last words."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=30)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()
        if self._folder is not None:
            self._folder.cleanup()


def _wait_until(condition: Any) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The server did not get ready in time.")
        time.sleep(0.02)

"""Servers of the benchmarks, each in a process of its own, and what their CPU time is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cpu:
    """CPU seconds: of the thread that serves calls, and of the whole process."""

    serving_s: float
    whole_s: float

    def __sub__(self, before: Cpu) -> Cpu:
        return Cpu(self.serving_s - before.serving_s, self.whole_s - before.whole_s)


class Server:
    """One uvicorn process on a free port of 127.0.0.1."""

    def __init__(self, application: str, *, lifespan: str = "off", **environ: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        command = [sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
        command += ["--lifespan", lifespan, "--no-server-header"]
        self._process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ})

    def wait(self, path: str = "") -> None:
        """Until it listens, or until `path` answers 200."""
        deadline = time.monotonic() + 60
        while not self._answers(path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("A server of the benchmark did not start.")
            time.sleep(0.05)

    def cpu(self) -> Cpu:
        """Since the process began, to the nanosecond, from the kernel's scheduler."""
        folder = Path(f"/proc/{self._process.pid}/task")
        by_thread = {task.name: int((task / "schedstat").read_text().split()[0]) for task in folder.iterdir()}
        return Cpu(by_thread[str(self._process.pid)] / 1e9, sum(by_thread.values()) / 1e9)

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def ask(self, path: str) -> dict[str, object]:
        with urlopen(f"{self.url}{path}", timeout=5) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def _answers(self, path: str) -> bool:
        try:
            if path:
                with urlopen(f"{self.url}{path}", timeout=5) as answer:
                    return bool(answer.status == 200)
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except (OSError, URLError):
            return False


def run_command(*arguments: str, environ: dict[str, str]) -> str:
    """What a command of `llmadmin` prints."""
    command = [sys.executable, "-m", "llmadmin", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout

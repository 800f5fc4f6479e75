"""The browser of the browser tests: a path in `CHROMIUM`, Playwright's own, or the system's `chromium`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_browser() -> str | None:
    """The path of a Chromium, or None. Nothing is installed."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    own = sorted(cache.glob("chromium*/chrome-linux*/*chrome*"))
    runnable = [
        path
        for path in own
        if path.is_file() and os.access(path, os.X_OK) and path.name in ("chrome", "headless_shell")
    ]
    if runnable:
        return str(runnable[-1])
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def ensure_browser() -> str | None:
    """The path of a Chromium, installed first where that is possible: Playwright's own, else Debian's."""
    found = find_browser()
    if found:
        return found
    _try([sys.executable, "-m", "playwright", "install", "chromium"], timeout_s=120)
    found = find_browser()
    if found or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    _try(["apt-get", "update", "-qq"], timeout_s=180)
    _try(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation"], timeout_s=420)
    return find_browser()


def _try(command: list[str], *, timeout_s: int) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command,
            check=False,
            timeout=timeout_s,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        print(f"  {command[0]}: {problem}", file=sys.stderr)

"""Environments of their own for programs that judge us: a virtual environment for what comes from PyPI, a folder for npm.

They are kept between runs under `LLMADMIN_PEERS_DIR` (by default `data/peers` in the checkout). Versions are pinned here;
where packages come from is pip's and npm's own setting.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTALL_TIMEOUT_S = 600

LITELLM = ("litellm[proxy]==1.106.2",)
SDKS = ("google-genai==3.4.0", "cohere==7.3.1", "mistralai==3.7.0", "ollama==0.6.3", "huggingface_hub==2.4.0")
AIMOCK = ("@copilotkit/aimock@1.43.0",)
PORTKEY = ("@portkey-ai/gateway@1.15.2",)


class PeerUnavailableError(Exception):
    """A peer that can't be installed or started here; the message names it and says why."""


def peers_dir() -> Path:
    return Path(os.environ.get("LLMADMIN_PEERS_DIR") or ROOT / "data" / "peers")


def python_environment(name: str, packages: Sequence[str]) -> Path:
    """The `bin` folder of a virtual environment that holds `packages`, made where it is not there yet."""

    def make(folder: Path) -> None:
        _run(name, sys.executable, "-m", "venv", str(folder))
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
        _run(name, *pip, "install", *packages)

    return _kept(name, packages, make) / "bin"


def node_environment(name: str, packages: Sequence[str]) -> Path:
    """The `node_modules` folder that holds `packages`, made where it is not there yet."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise PeerUnavailableError(f"{name} needs Node.js and npm, and they are not here.")

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        _run(name, "npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", *packages)

    return _kept(name, packages, make) / "node_modules"


def _kept(name: str, packages: Sequence[str], make: Callable[[Path], None]) -> Path:
    """The peer's folder. Its note of what it holds is written last, so one that was left half made is made again."""
    folder = peers_dir() / name
    note = folder / "holds.json"
    wanted = {"packages": list(packages), "python": sys.version}
    if note.is_file() and json.loads(note.read_text(encoding="utf-8")) == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    make(folder)
    note.write_text(json.dumps(wanted), encoding="utf-8")
    return folder


def _run(name: str, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerUnavailableError(f"{name} can't be installed: {error}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise PeerUnavailableError(f"{name} can't be installed: " + " ".join(words))

"""The SDKs of vendors that are no dependency of ours, in an environment of their own, as judges of what we send."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.peers.environments import SDKS, PeerUnavailableError, python_environment

PROGRAM = Path(__file__).with_name("sdk_program.py")


class SdkJudge:
    """One process that says of each request what the vendor's SDK would find wrong with it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def misfits(self, kind: str, body: Mapping[str, Any]) -> set[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([kind, body]) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, "the SDKs' process ended; its complaint stands above"
        return set(json.loads(said))


@contextlib.contextmanager
def sdk_judge() -> Iterator[SdkJudge]:
    python = python_environment("sdks", SDKS) / "python"
    try:
        process = subprocess.Popen([python, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise PeerUnavailableError(f"the SDKs can't be started: {error}") from error
    with process:
        yield SdkJudge(process)
        process.terminate()

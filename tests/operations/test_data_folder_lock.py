"""One server on one data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from llmadmin.operations.single import AlreadyServedError, DataFolderLock

HOLDER = """
import sys, time
from pathlib import Path
from llmadmin.operations.single import DataFolderLock
with DataFolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_server_on_the_same_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with pytest.raises(AlreadyServedError) as refusal, DataFolderLock(tmp_path):
            pass

        assert str(holder.pid) in str(refusal.value)
        assert "LLMADMIN_DATA_DIR" in str(refusal.value)
        assert "REDIS_URL" in str(refusal.value)
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_server_leaves_the_folder_free(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()

    holder.kill()
    holder.wait()

    with DataFolderLock(tmp_path):
        assert (tmp_path / "server.lock").read_text().strip()


def test_the_folder_is_free_again_after_the_server(tmp_path: Path) -> None:
    with DataFolderLock(tmp_path):
        pass

    with DataFolderLock(tmp_path):
        pass

"""`make check`: linters, formatting, types, import rules, templates, migrations, generated docs, and what must never be committed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
TOOLS = Path(PYTHON).parent

CHECKS: dict[str, list[str]] = {
    "ruff": [str(TOOLS / "ruff"), "check", "."],
    "formatting": [str(TOOLS / "ruff"), "format", "--check", "."],
    "types": [str(TOOLS / "mypy")],
    "import rules": [str(TOOLS / "lint-imports")],
    "templates": [str(TOOLS / "djlint"), "templates", "--lint", "--quiet"],
    "migrations complete": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "system check": [PYTHON, "manage.py", "check", "--fail-level", "WARNING"],
    "OpenAPI schema": [PYTHON, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
    "provider tables fresh": [PYTHON, "-m", "providers", "docs", "--check"],
    "docs fresh": [PYTHON, "-m", "docs.generate", "--check"],
    "tree": [PYTHON, "-m", "tests.tree"],
}


def main() -> int:
    wanted = sys.argv[1:] or list(CHECKS)
    failed = []
    with tempfile.TemporaryDirectory(prefix="llmadmin-check-") as data:
        environment = os.environ | {"LLMADMIN_DATA_DIR": data, "DATABASE_URL": "", "REDIS_URL": ""}
        for name in wanted:
            done = subprocess.run(CHECKS[name], cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
            print(f"{'ok    ' if done.returncode == 0 else 'FAILED'}  {name}", flush=True)
            if done.returncode != 0:
                failed.append(name)
                print(done.stdout[-6000:] + done.stderr[-3000:], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

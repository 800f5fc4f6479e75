"""What must never be committed: paths of one machine, a registry's host, lock files, secrets, recordings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LOCKS = {"uv.lock", "package-lock.json", "poetry.lock", "Pipfile.lock"}
_FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:home/\w|root/|Users/\w|work/)"),
    "a package registry's host": re.compile(r"files[.]pythonhosted[.]org|pypi[.]org/simple|registry[.]npmjs[.]org"),
    "what looks like a real key": re.compile(
        r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9]{24,}|AIza[A-Za-z0-9_-]{35}|hf_[A-Za-z0-9]{30,})\b"
    ),
}


def problems() -> list[str]:
    """One line for each thing that must not be there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.name in _LOCKS:
            found.append(f"{name}: a lock file names a registry's host; pin in requirements/ instead")
        if not path.is_file() or path.suffix in (".png", ".ico", ".woff2"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {what}" for what, pattern in _FORBIDDEN.items() if pattern.search(text)]
    return found


if __name__ == "__main__":
    lines = problems()
    print("\n".join(lines) or "clean")
    sys.exit(1 if lines else 0)

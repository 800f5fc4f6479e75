"""A process that writes a journal until it is killed: `python -m tests.usage.writer DIRECTORY`.

It settles 40 calls, leaves three open, says so on standard output, and waits.
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.journal import Journal

SETTLED = 40
OPEN = 3


def main() -> None:
    journal = Journal(Path(sys.argv[1]), segment_bytes=4000)
    for number in range(SETTLED + OPEN):
        entry = UsageEntry(id=uuid.UUID(int=number + 1), model="sim/alpha", provider="sim", service="web")
        journal.open(entry)
        if number < SETTLED:
            entry.status, entry.settlement, entry.input_tokens = "ok", "final", number
            journal.settle(entry)
    print("written", flush=True)
    time.sleep(120)


if __name__ == "__main__":
    main()

"""A process that is killed half way through a purge: ``purging_process.py <directory> <conversation> <steps>``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import chatkeep

if __name__ == "__main__":
    store = chatkeep.open(Path(sys.argv[1]))._store
    rows = store.purge([sys.argv[2]])
    if int(sys.argv[3]) > 1:
        store.index.expunge()
    if int(sys.argv[3]) > 2:
        store.collect(rows.blobs)
    os.kill(os.getpid(), signal.SIGKILL)

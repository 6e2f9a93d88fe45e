"""Runs a command, and writes what it took as JSON to the file named first.

``python stopwatch.py FILE COMMAND …`` is a process of its own and imports little, because the
system counts a process's peak memory from that of the process it was forked from.
"""

import json
import os
import sys
import time

_FILE, *_COMMAND = sys.argv[1:]
_BEGAN = time.perf_counter()
_PID = os.posix_spawnp(_COMMAND[0], _COMMAND, os.environ)
_, _STATUS, _USED = os.wait4(_PID, 0)
_TOOK = {
    "status": os.waitstatus_to_exitcode(_STATUS),
    "seconds": time.perf_counter() - _BEGAN,
    "cpu_seconds": _USED.ru_utime + _USED.ru_stime,
    # Linux counts in KB.
    "megabytes": _USED.ru_maxrss / 1024,
}
with open(_FILE, "w", encoding="utf-8") as output:  # noqa: PTH123 - pathlib is slow to import
    json.dump(_TOOK, output)

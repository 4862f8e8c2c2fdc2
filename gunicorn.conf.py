"""How gunicorn runs the product; found by its name when it is started in this folder.

The number of processes and threads, and where it listens, stand on the command line.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

worker_class = "registry.slow_clients.Worker"
graceful_timeout = 20  # for answers that are under way when the server is told to stop
timeout = 60
loglevel = "warning"
control_socket_disable = True
if Path("/dev/shm").is_dir():  # noqa: S108 - the heartbeat of a process must not wait for a disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# Counts of all processes stand together in a folder of this start's own. It has to be known before
# the product is imported.
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
if os.environ.get("NETREG_METRICS_TOKEN") and _METRICS not in os.environ:
    os.environ[_METRICS] = tempfile.mkdtemp(prefix="netreg-metrics-")
    _ours = os.environ[_METRICS]
else:
    _ours = ""


def on_starting(server: Any) -> None:
    """What all processes need is read once: one that takes the place of another answers soon.

    Each makes its own application, which holds connections.
    """
    from registry import all_rooms

    all_rooms()


def post_fork(server: Any, worker: Any) -> None:
    """Each process writes its lines in the product's way."""
    from registry import logs

    logs.set_up(os.environ.get("NETREG_LOG") or "plain")


def child_exit(server: Any, worker: Any) -> None:
    """What an ended process counted stays; what it said of the moment does not."""
    if os.environ.get(_METRICS):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    if _ours:
        shutil.rmtree(_ours, ignore_errors=True)

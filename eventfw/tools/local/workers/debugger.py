"""debugpy, by which editors debug handlers: the process they attach to, and how a worker joins it.

An editor attaches to one port and has one session for each process. The port is debugpy's adapter's; what the editor
finds behind it first is this file run as a process that does nothing, and each worker is announced to it as a child of
that one. So every worker gets a session, as many as there are, and those that come later. Run by file, or imported by
a worker; debugpy is the user's own.

https://github.com/microsoft/debugpy/wiki/API-Reference
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

QUIET = "PYDEVD_DISABLE_FILE_VALIDATION"  # spares the log its advice about the standard library's modules
LOOK = 0.1  # seconds between two looks whether an editor is attached
PATIENCE = 10.0  # seconds: for the adapter to start, and for an editor to take up a session


def join(place: Mapping[str, Any]) -> None:
    """Have the editor debug this worker, before it imports the app: breakpoints at its head are met, too."""
    os.environ[QUIET] = "1"
    debugpy = importlib.import_module("debugpy")
    debugpy.configure(subProcess=False)  # what a handler starts is its own affair
    connecting = begin_to_connect(debugpy, place, parent_session_pid=place["pid"])
    connecting.join(PATIENCE)  # which ends when the editor has set its breakpoints, or has left
    debugpy.debug_this_thread()
    os.environ.pop(QUIET, None)


def begin_to_connect(debugpy: Any, place: Mapping[str, Any], **more: Any) -> threading.Thread:
    """Connect in a thread of its own: it takes until an editor is ready, and there may be none."""
    address = (place["host"], place["port"])
    connecting = threading.Thread(target=debugpy.connect, args=(address,), kwargs=more, daemon=True)
    connecting.start()
    return connecting


def main(port: int) -> None:
    """Serve editors on ``port`` until standard input ends. What happens is told in lines of JSON: the place that
    workers connect to, then ``true`` and ``false`` as editors come and go; or ``{"error": sentence}``."""
    try:
        os.environ[QUIET] = "1"
        debugpy = importlib.import_module("debugpy")
    except ImportError:
        tell({"error": "debugpy is not installed. Install it: pip install debugpy"})
        return
    if "parent_session_pid" not in inspect.signature(debugpy.connect).parameters:
        tell({"error": f"debugpy {debugpy.__version__} is too old. Update it: pip install --upgrade debugpy"})
        return
    endpoints = started_adapter(port)
    if "error" in endpoints:
        tell({"error": f"debugpy: {endpoints['error']}. Choose another port with --debug-port."})
        return
    threading.Thread(target=end_with_server, daemon=True).start()
    debugpy.configure(subProcess=True)
    begin_to_connect(debugpy, endpoints["server"])
    tell({**endpoints["server"], "pid": os.getpid()})
    attached = False
    while True:
        if debugpy.is_client_connected() != attached:
            attached = not attached
            tell(attached)
        time.sleep(LOOK)


def started_adapter(port: int) -> dict[str, Any]:
    """Start debugpy's adapter for editors on a port; where it is, as it says it."""
    adapter = importlib.import_module("debugpy.adapter")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        told = str(listener.getsockname()[1])
        where = Path(str(adapter.__file__)).parent
        arguments = ["--for-server", told, "--host", "127.0.0.1", "--port", str(port)]
        nothing = subprocess.DEVNULL
        command = [sys.executable, str(where), *arguments]
        subprocess.run(command, check=False, stdin=nothing, stdout=nothing, stderr=nothing)
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return {"error": f"its adapter did not start within {PATIENCE:g} s"}
    with connection, connection.makefile("rb") as file:
        endpoints: dict[str, Any] = json.loads(file.read())
    return endpoints


def tell(what: object) -> None:
    """A line for the server."""
    print(json.dumps(what), flush=True)


def end_with_server() -> None:
    """End once the server closes its end of standard input, or is gone. The adapter ends with its last process."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))

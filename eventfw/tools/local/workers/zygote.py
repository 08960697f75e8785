"""The zygote: a fresh, single-threaded interpreter that has imported an app's third-party modules and forks workers.

Run by file, never imported by the server, which talks to it over one socket:

- first comes one message: the modules to import and whether to fork at all; the answer says how that went;
- then commands of five bytes: ``F`` and a number, with three descriptors (connection, output, what is sent
  ahead): a worker of that number;
  ``K`` and a number: kill that worker with all its children;
- back go messages ``{"op": "exit", "number": N, "status": wait status}``.

When the socket closes, however the server ended, the zygote kills its workers and ends. A forked worker returns from
:func:`serve` and goes on as :mod:`eventfw.tools.local.workers.worker`.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import shutil
import signal
import socket
import struct
import sys
import threading
from pathlib import Path

if __package__ in (None, ""):  # run by file: the package may not be on the path of a bare interpreter
    sys.path.append(str(Path(__file__).resolve().parents[4]))

from eventfw.tools.local.workers import worker
from eventfw.tools.local.workers.wire import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

COMMAND = struct.Struct("!cI")
FORK, KILL = b"F", b"K"
FIRST_ERRORS = (Exception, SystemExit)  # what a module may raise while it is imported


def threads() -> int:
    """How many threads this process has, those of native libraries included where the system tells."""
    try:
        return max(threading.active_count(), sum(1 for _ in Path("/proc/self/task").iterdir()))
    except FileNotFoundError:
        return threading.active_count()


def preload(names: Iterable[str]) -> tuple[list[str], dict[str, str], str]:
    """Import modules; stop at the first that starts a thread, after which forking would not be safe.

    Returns the files imported, why modules were skipped (the app will meet the same error, with its own line), and the
    module that started a thread, or ``""``.
    """
    skipped: dict[str, str] = {}
    before = set(sys.modules)
    threaded = ""
    for name in names:
        if name in sys.modules:
            continue
        try:
            importlib.import_module(name)
        except FIRST_ERRORS as error:
            skipped[name] = f"{type(error).__name__}: {error}"
        if threads() > 1:
            threaded = name
            break
    loaded = [sys.modules[name] for name in set(sys.modules) - before if name in sys.modules]
    files = {getattr(module, "__file__", None) for module in loaded}
    return sorted(file for file in files if file), skipped, threaded


class Zygote:
    """The loop that obeys the server, and the children it has to answer for."""

    def __init__(self, connection: Connection, *, fork: bool) -> None:
        self.connection = connection
        self.control = socket.socket(fileno=connection.descriptor)
        self.fork = fork
        self.numbers: dict[int, int] = {}  # pid -> number
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        self.wake_end = wake_end
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def serve(self) -> list[int] | None:
        """Obey until the server is gone (``None``); in a forked child: its descriptors."""
        while True:
            readable, _, _ = select.select([self.control.fileno(), self.wake], [], [])
            if self.wake in readable:
                os.read(self.wake, 4096)
                self._report_exits()
            if self.control.fileno() not in readable:
                continue
            command, number, descriptors = self._command()
            if command == KILL:
                self._kill(number)
            elif command != FORK:
                self._end_all()
                return None
            elif self._launch(number, descriptors):
                return descriptors

    def _command(self) -> tuple[bytes, int, list[int]]:
        """The next command; an empty one when the server is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, COMMAND.size, 3, socket.MSG_WAITALL)
        except ConnectionResetError:  # it left without reading the last exits
            data, descriptors = b"", []
        if len(data) < COMMAND.size:
            return b"", 0, []
        command, number = COMMAND.unpack(data)
        return command, number, descriptors

    def _launch(self, number: int, descriptors: list[int]) -> bool:
        """Make a worker. True in the child, when it is a fork."""
        pid = os.fork() if self.fork else self._spawn(descriptors)
        if pid == 0:
            self._become_child()
            return True
        if self.fork:
            self._group(pid)
        self.numbers[pid] = number
        for descriptor in descriptors:
            os.close(descriptor)
        return False

    @staticmethod
    def _group(pid: int) -> None:
        """Done by parent and child, so that it is true for both before either goes on."""
        try:
            os.setpgid(pid, pid)
        except (ProcessLookupError, PermissionError):
            return  # it ended already

    def _spawn(self, descriptors: list[int]) -> int:
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        command = [sys.executable, "-P", worker.__file__, *map(str, descriptors)]
        return os.posix_spawn(sys.executable, command, os.environ, setpgroup=0, setsigdef=[signal.SIGCHLD])

    def _become_child(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        self.control.close()
        os.close(self.wake)
        os.close(self.wake_end)

    def _report_exits(self) -> None:
        """Tell of every child that ended. Its own children, a process group named after it, end with it."""
        while self.numbers:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return
            kill_group(ended.si_pid)  # before its id is free for another process
            _, status, used = os.wait4(ended.si_pid, 0)
            number = self.numbers.pop(ended.si_pid, None)
            if number is not None:
                try:
                    peak = used.ru_maxrss * worker.PEAK_UNIT
                    self.connection.send({"op": "exit", "number": number, "status": status, "peak": peak})
                except BrokenPipeError:
                    return  # the server is gone; its end of the socket says so next

    def _kill(self, number: int) -> None:
        for pid, known in self.numbers.items():
            if known == number:
                kill_group(pid)

    def _end_all(self) -> None:
        for pid in self.numbers:
            kill_group(pid)
        for pid in self.numbers:
            os.waitpid(pid, 0)


def kill_group(pid: int) -> None:
    """Kill a child of this process that was not yet waited for, and whatever it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        try:
            os.kill(pid, signal.SIGKILL)  # it has not made its group yet
        except ProcessLookupError:
            return


def main() -> None:
    """Serve the server at the descriptor that is the first argument. The second is the folder of the workers' temporary
    files, which goes with the zygote, however the server has ended."""
    connection, scratch, own = Connection(int(sys.argv[1])), sys.argv[2], os.getpid()
    sys.argv = [""]
    try:
        serve(connection)
    finally:
        if os.getpid() == own:  # and no worker
            shutil.rmtree(scratch, ignore_errors=True)


def serve(connection: Connection) -> None:
    """Import what the server names, then obey it; in a forked child, be the worker."""
    gc.disable()  # what is imported here stays
    orders = connection.receive()
    if orders is None:
        return
    worker.prepare()
    files, skipped, threaded = preload(orders[0]["modules"])
    zygote = Zygote(connection, fork=hasattr(os, "fork") and not threaded and not orders[0]["spawn"])
    try:
        connection.send({"op": "ready", "files": files, "skipped": skipped, "threaded": threaded, "fork": zygote.fork})
    except (BrokenPipeError, ConnectionResetError):
        return  # the server was stopped meanwhile
    gc.freeze()
    ends = zygote.serve()
    if ends is not None:
        gc.enable()
        worker.main(*ends)


if __name__ == "__main__":
    main()

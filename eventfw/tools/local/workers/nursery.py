"""The server's end of the zygote: starting it, having it make workers, and ending it with all of them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.errors import LocalError
from eventfw.tools.local.workers import scratch as scratches
from eventfw.tools.local.workers import zygote
from eventfw.tools.local.workers.handle import Worker
from eventfw.tools.local.workers.journal import Stream
from eventfw.tools.local.workers.output import Output
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.variables import Place, of_zygote
from eventfw.tools.local.workers.wire import Decoder, pack

if TYPE_CHECKING:
    from eventfw.tools.local.workers.wire import Message

START_SECONDS = 60.0  # for the zygote to import what it is told to
END_SECONDS = 5.0  # for the zygote to end its workers and itself, before it is killed
RETRY = 0.01  # seconds until a command is sent again to a zygote that is behind


class Nursery:
    """One zygote and the workers it made.

    ``files`` are what it imported, with their times: when one of them changed, it is stale. ``threaded`` names the
    module, if any, that started a thread at import: workers are then spawned, not forked.
    """

    def __init__(self, place: Place, oversight: Oversight) -> None:
        self.place = place
        self.oversight = oversight
        self.alive = False
        self.retired = False
        self.closing = False
        self.on_exit: Callable[[], None] = lambda: None  # called when a worker's process has ended
        self.forks = False
        self.threaded = ""
        self.modules: tuple[str, ...] = ()
        self.files: dict[str, int] = {}
        self.workers: dict[int, Worker] = {}
        self._scratch: scratches.Scratch | None = None
        self._numbers = 0
        self._decoder = Decoder()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._output: Output | None = None
        self._ready: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    async def start(self, modules: Sequence[str], environ: Mapping[str, str], *, spawn: bool = False) -> None:
        """Start the zygote and wait until it has imported ``modules``. Raises ``LocalError`` when it cannot."""
        if not hasattr(socket, "send_fds") or not hasattr(os, "posix_spawn"):
            raise LocalError(f"eventfw local cannot start workers on {sys.platform}. On Windows, use WSL.")
        self.modules = tuple(modules)
        self._scratch = scratches.Scratch()
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        ours.setblocking(False)
        self._control = ours
        self._output = Output(read, "", self.oversight.on_line)
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - uvloop's own knows no process_group; this takes 1 ms
                [sys.executable, "-P", zygote.__file__, str(theirs.fileno()), self._scratch.folder],
                cwd=self.place.directory,
                env=of_zygote(self.place, environ),
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C in the terminal is the server's, which then ends them in order
            )
        os.close(write)
        asyncio.get_running_loop().add_reader(ours, self._read)
        await self._import(spawn)

    async def _import(self, spawn: bool) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(START_SECONDS):
                await loop.sock_sendall(self._socket(), pack({"modules": self.modules, "spawn": spawn}))
                head, _ = await self._ready
        except TimeoutError:
            await self.close()
            raise LocalError(
                f"The zygote did not import {len(self.modules)} modules within {START_SECONDS:g} s."
            ) from None
        except BaseException:
            await self.close()
            raise
        self.alive = True
        self.forks, self.threaded = head["fork"], head["threaded"]
        self.files = {path: _changed(path) for path in head["files"]}

    def stale(self) -> bool:
        """Whether something it imported was since installed, edited or removed."""
        return any(_changed(path) != time for path, time in self.files.items())

    async def launch(self, stream: Stream) -> Worker:
        """A new worker process, waiting for its specification."""
        if not self.alive or self._scratch is None:
            raise LocalError("The zygote has ended. Run eventfw local again.")
        self._numbers += 1
        number = self._numbers
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        oversight = self.oversight
        output = Output(read, stream.function, oversight.on_line, stream, oversight.recorded)
        worker = Worker(number, self._kill, output, stream, oversight, self._scratch.make(number))
        if oversight.launched is not None:
            oversight.launched(stream)
        self.workers[number] = worker
        ours.setblocking(False)
        self._command(zygote.FORK, number, (theirs.detach(), write, worker.ahead.descriptor()))
        await asyncio.get_running_loop().create_unix_connection(lambda: worker, sock=ours)
        return worker

    def retire(self) -> None:
        """Make no more workers; end with the last one."""
        self.retired = True

    async def close(self) -> None:
        """End the zygote and every worker, and wait until they have."""
        self._lost()
        process = self._process
        if process is not None:
            await _wait(process)
        if self._output is not None:
            self._output.drain()
            self._output.close()
        if self._scratch is not None:
            await asyncio.to_thread(self._scratch.remove)

    def _socket(self) -> socket.socket:
        if self._control is None:
            raise LocalError("The zygote has ended. Run eventfw local again.")
        return self._control

    def _kill(self, number: int) -> None:
        self._command(zygote.KILL, number)

    def _command(self, command: bytes, number: int, descriptors: tuple[int, ...] = ()) -> None:
        """Send a command, again later while the zygote's socket is full. The descriptors are then closed here."""
        if self._control is not None:
            try:
                socket.send_fds(self._control, [zygote.COMMAND.pack(command, number)], descriptors)
            except BlockingIOError:
                asyncio.get_running_loop().call_later(RETRY, self._command, command, number, descriptors)
                return
            except OSError:
                self._lost()
        for descriptor in descriptors:
            os.close(descriptor)

    def _read(self) -> None:
        try:
            data = self._socket().recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        for head, body in self._decoder.feed(data):
            if head["op"] == "ready":
                self._ready.set_result((head, body))
            elif (worker := self.workers.pop(head["number"], None)) is not None:
                worker.exited(head["status"], head["peak"])
                if not scratches.removed(worker.scratch):
                    asyncio.get_running_loop().run_in_executor(None, scratches.remove, worker.scratch)
                self.on_exit()

    def _lost(self) -> None:
        """The connection is over: so are the workers. A zygote that still lives kills them; else it is done here."""
        self.alive = False
        if self._control is None:
            return
        control, self._control = self._control, None
        asyncio.get_running_loop().remove_reader(control)
        control.close()
        if not self._ready.done():
            self._ready.set_exception(LocalError("The zygote ended before it was ready. Its output says why."))
            self._ready.exception()
        workers, self.workers = self.workers, {}
        for worker in workers.values():
            if self._process is not None and self._process.poll() is not None and worker.pid:
                zygote.kill_group(worker.pid)
            worker.exited(None)
        self.on_exit()


async def _wait(process: subprocess.Popen[bytes]) -> None:
    waited = 0.0
    while process.poll() is None:
        if waited > END_SECONDS:
            process.kill()
        await asyncio.sleep(RETRY)
        waited += RETRY


def _changed(path: str) -> int:
    """When a file was last changed, in ns; 0 for one that is gone."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0

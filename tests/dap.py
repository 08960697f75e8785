"""An editor, as far as debugging goes: it attaches over the Debug Adapter Protocol, and to every process it is told of.

https://microsoft.github.io/debug-adapter-protocol/specification
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds: only a broken server takes that long


class Session:
    """One debugged process: requests are answered in turn, and what stops is put into the editor's queue."""

    def __init__(self, editor: Editor, attach: dict[str, Any]) -> None:
        self.editor = editor
        address = (attach["connect"]["host"], attach["connect"]["port"])
        self.connection = socket.create_connection(address, PATIENCE)
        self.connection.settimeout(None)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._initialized = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        editor.sessions.append(self)
        self.request("initialize", clientID="vscode", adapterID="debugpy", pathFormat="path")
        attached = self.send("attach", **attach)
        assert self._initialized.wait(PATIENCE)
        lines = [{"line": line} for line in editor.lines]
        self.request("setBreakpoints", source={"path": str(editor.file)}, breakpoints=lines)
        self.request("configurationDone")
        self.answer(attached)

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request; its number."""
        number = len(self._answers) + 1
        self._answers[number] = queue.Queue()
        told = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(told).encode()
        self.connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return number

    def answer(self, number: int) -> Any:
        """Wait for the answer to a request."""
        answer = self._answers[number].get(timeout=PATIENCE)
        assert answer["success"], answer
        return answer.get("body")

    def request(self, command: str, **arguments: Any) -> Any:
        """Send a request and wait for its answer."""
        return self.answer(self.send(command, **arguments))

    def close(self) -> None:
        """Hang up, if that has not been done."""
        with contextlib.suppress(OSError):  # it is closed
            self.connection.shutdown(socket.SHUT_RDWR)
        self._reader.join(PATIENCE)

    def _read(self) -> None:
        with self.connection, self.connection.makefile("rb") as file:
            while line := file.readline():
                if line.startswith(b"Content-Length:"):
                    file.readline()
                    self._take(json.loads(file.read(int(line.split(b":")[1]))))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "response":
            self._answers[message["request_seq"]].put(message)
        elif message["event"] == "initialized":
            self._initialized.set()
        elif message["event"] == "debugpyAttach":
            threading.Thread(target=Session, args=(self.editor, message["body"]), daemon=True).start()
        elif message["event"] == "stopped":
            self.editor.stopped.put((self, message["body"]["threadId"]))
        elif message["event"] == "terminated":  # the process has ended: an editor closes the session then
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)


class Editor:
    """Attached to a port, with breakpoints in one file."""

    def __init__(self, port: int, file: Path, *lines: int) -> None:
        self.file = file
        self.lines = lines
        self.sessions: list[Session] = []
        self.stopped: queue.Queue[tuple[Session, int]] = queue.Queue()
        connect = {"host": "127.0.0.1", "port": port}
        self.root = Session(self, {"name": "app", "type": "debugpy", "request": "attach", "connect": connect})

    def close(self) -> None:
        """Hang up."""
        for session in self.sessions:
            session.close()

    def at_breakpoint(self) -> tuple[Session, int, dict[str, Any]]:
        """The session that has stopped, its thread, and the frame."""
        session, thread = self.stopped.get(timeout=PATIENCE)
        return session, thread, session.request("stackTrace", threadId=thread)["stackFrames"][0]

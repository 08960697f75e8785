"""What the embedded AWS keeps between runs, with ``--persist``: the folder ``.eventfw/aws`` of the project.

The embedded AWS writes objects of buckets at once, and everything else when it is asked to end. So it is ended in
order, also where the server is killed; what could not be saved is told at the next start. Addresses in what it wrote,
such as queues' URLs, are made those of the new run before it reads them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from eventfw.errors import LocalError
from eventfw.tools.local.cloud.environment import lock, pinned
from eventfw.tools.local.state import folder_of, write_whole

FOLDER = "aws"
MESSAGE = rb'"body": "(?:[^"\\]|\\.)*"'  # as the embedded AWS writes one
BROKEN = ("Failed to restore persisted state for", "Persistence: failed to load", "refusing to load")

Addresses = Mapping[str, str]
"""Hosts with ports: ``aws``, as the embedded AWS calls itself, ``door``, and ``hidden``, where it listens."""


class Kept:
    """The folder, taken by one server at a time."""

    def __init__(self, project: Path) -> None:
        self.folder = folder_of(project) / FOLDER
        self.state = self.folder / "state"
        self.unsaved = self.folder / "unsaved"  # there while something may be lost; when the run began
        self.events = self.folder / "events.json"
        self.positions = self.folder / "positions.json"
        self._positions_before = self.folder / "positions.before"
        self._previous = self.folder / "previous"
        self._origin_file = self.folder / "origin.json"
        self._lock: IO[str] | None = None
        self._begun: dict[str, Any] = {}
        self._unread = False

    @property
    def token(self) -> str:
        """The token in the addresses that functions have in the embedded AWS: the last run's, if there was one."""
        return str(self._origin().get("token") or secrets.token_urlsafe(24))

    def claim(self) -> bool:
        """Take the folder's lock. ``False`` where the server that has it has ended, and its embedded AWS still saves.

        Raises LocalError where another server has it.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        file = (self.folder / "lock").open("a+")
        if lock(file):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            self._lock = file
            return True
        file.seek(0)
        owner = file.read()
        file.close()
        if _runs(owner):
            raise LocalError(
                f"Another eventfw local has its data in {self.folder}. Stop that one, or start this one without "
                "--persist.",
                place="--persist",
            )
        return False

    def prepare(self, addresses: Addresses, token: str, report: Callable[[str], None]) -> None:
        """Make what is in the folder fit for a run. ``report`` is told what was lost, and of what another version
        wrote."""
        if self.unsaved.exists():
            report(
                f"The embedded AWS could not save all that it had when it last ran. What it could not is as it was "
                f"when that run began, at {self.unsaved.read_text()}, except the objects in buckets."
            )
            if self._positions_before.exists():  # where it was in streams is beyond what it knows of them now
                self._positions_before.replace(self.positions)
        origin = self._origin()
        if self.state.exists():
            report(f"The embedded AWS goes on with what is kept in {self.folder}")
        if self.state.exists() and origin.get("version") not in (None, pinned()):
            report(self._copied(str(origin["version"])))
        self._begun = {"version": pinned(), "token": token, "addresses": [dict(addresses)]}
        earlier = origin.get("addresses", [])
        self._write_origin({**self._begun, "addresses": [*earlier, dict(addresses)]})
        self._remember()
        for old in earlier:
            self._readdress(old, addresses)

    @property
    def descriptors(self) -> list[int]:
        """The lock's file, for the process that has the folder beyond this one's end."""
        return [self._lock.fileno()] if self._lock is not None and os.name == "posix" else []

    def settings(self) -> dict[str, str]:
        """What the embedded AWS is told of it, in its environment."""
        places = {"STATE_DIR": str(self.state), "S3_DATA_DIR": str(self.folder / "s3")}
        return {"PERSIST_STATE": "1", "S3_PERSIST": "1", **places}

    def confirm(self, log: str) -> None:
        """See by its log that the embedded AWS could read everything. Raises LocalError where it could not."""
        said = next((line for line in log.splitlines() if any(words in line for words in BROKEN)), "")
        if said:
            self._unread = True
            raise LocalError(
                f"The embedded AWS cannot read what is kept in {self.state}. It said:\n{said}\nNothing was changed. "
                f"Mend or remove that file, or begin anew, with an empty AWS: rm -r {self.folder}",
                place="--persist",
            )
        self._write_origin(self._begun)
        self.unsaved.write_text(f"{datetime.now():%Y-%m-%d %H:%M:%S}")

    @property
    def lost(self) -> bool:
        """Whether what the embedded AWS had is lost, once it has ended."""
        return self._lock is not None and not self._unread and self.unsaved.exists()

    def release(self) -> None:
        """Leave the folder to others, once the embedded AWS has ended. What it could not read is put back: it has saved
        what it could."""
        if self._unread:
            self._unread = False
            for path in self.state.glob("*.json"):
                path.unlink()
            for path in self._previous.glob("*.json"):
                _linked(str(path), str(self.state / path.name))
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _origin(self) -> dict[str, Any]:
        """What the last run wrote of itself."""
        try:
            found = json.loads(self._origin_file.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise LocalError(
                f"{self._origin_file} is broken ({error}). Begin anew, with an empty AWS: rm -r {self.folder}"
            ) from None
        return found if isinstance(found, dict) else {}

    def _write_origin(self, origin: Mapping[str, Any]) -> None:
        write_whole(self._origin_file, json.dumps(origin))

    def _copied(self, version: str) -> str:
        """Keep a copy of what another version wrote; what to say of it. Links cost no room: files are never changed in
        place."""
        copy = self.folder.with_name(f"{FOLDER}-{version}")
        if not copy.exists():
            shutil.copytree(self.folder, copy, copy_function=_linked)
        return (
            f"What is kept was written by the embedded AWS {version}, and this is {pinned()}, which may understand it "
            f"otherwise. A copy as it was is in {copy}"
        )

    def _remember(self) -> None:
        shutil.rmtree(self._previous, ignore_errors=True)
        self._previous.mkdir()
        for path in self.state.glob("*.json"):
            _linked(str(path), str(self._previous / path.name))
        self._positions_before.unlink(missing_ok=True)
        if self.positions.exists():
            _linked(str(self.positions), str(self._positions_before))

    def _readdress(self, old: Addresses, new: Addresses) -> None:
        """Write the new addresses over the old ones, in everything but the objects of buckets and the messages of
        queues, which have checksums."""
        moved = {old[what].encode(): new[what].encode() for what in old if what in new and old[what] != new[what]}
        if not moved:
            return
        pattern = re.compile(MESSAGE + rb"|(?<![\d.])(" + b"|".join(map(re.escape, moved)) + rb")(?!\d)")
        for path in self.state.glob("*.json"):
            before = path.read_bytes()
            after = pattern.sub(lambda found: moved[found[1]] if found[1] else found[0], before)
            if after != before:
                draft = path.with_suffix(".draft")
                draft.write_bytes(after)
                draft.replace(path)


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # not every file system has links
        shutil.copy2(source, target)

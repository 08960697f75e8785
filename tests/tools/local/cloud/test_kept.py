"""What is kept between runs is one server's at a time, has the addresses of the run, and is never destroyed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from live import environment

from eventfw.errors import LocalError
from eventfw.tools.local.cloud import kept as module
from eventfw.tools.local.cloud.embedded import Cloud, free_port
from eventfw.tools.local.cloud.kept import Kept


def addresses(port: int, hidden: str = "127.8.9.10") -> dict[str, str]:
    return {"aws": f"127.0.0.1:{port}", "door": f"127.0.0.1:{port}", "hidden": f"{hidden}:{port}"}


def run(project: Path, port: int, log: str = "", token: str = "secret") -> tuple[Kept, list[str]]:
    """A run that has begun, and what it told."""
    kept, said = Kept(project), []
    assert kept.claim()
    kept.prepare(addresses(port), token, said.append)
    kept.confirm(log)
    return kept, said


def saved(kept: Kept, text: str) -> Path:
    """End a run in order, with that in a file of the embedded AWS's, which never changes one in place."""
    kept.state.mkdir(exist_ok=True)
    (kept.state / "draft").write_text(text)
    (kept.state / "draft").replace(kept.state / "sqs.json")
    kept.unsaved.unlink()
    kept.release()
    return kept.state / "sqs.json"


def test_addresses_become_those_of_the_run_and_the_token_stays(tmp_path: Path) -> None:
    kept, said = run(tmp_path, 4566)
    assert said == []
    text = "http://127.0.0.1:{0}/1/q 127.8.9.10:{0} 127.0.0.1:{0}0 1127.0.0.1:{0} 127.0.0.1:80"
    path = saved(kept, text.format(4566))
    assert Kept(tmp_path).token == "secret"
    kept, said = run(tmp_path, 5000, token=Kept(tmp_path).token)
    assert path.read_text() == "http://127.0.0.1:5000/1/q 127.8.9.10:5000 127.0.0.1:45660 1127.0.0.1:4566 127.0.0.1:80"
    assert len(said) == 1
    assert str(kept.folder) in said[0]
    kept.release()


def test_addresses_are_right_after_a_run_that_ended_before_it_was_told_that_all_is_read(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    path = saved(kept, "127.0.0.1:4566")
    kept = Kept(tmp_path)
    assert kept.claim()
    kept.prepare(addresses(5000), "secret", print)
    kept.release()
    kept, _ = run(tmp_path, 6000)
    assert path.read_text() == "127.0.0.1:6000"
    kept.release()


def test_what_was_not_saved_is_told(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    assert kept.lost
    kept.release()
    kept, said = run(tmp_path, 4566)
    assert "could not save" in said[0]
    saved(kept, "")
    kept, said = run(tmp_path, 4566)
    assert not any("could not save" in line for line in said)
    kept.release()


def test_streams_are_read_from_where_they_were_before_what_was_not_saved(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    kept.positions.write_text("1")
    saved(kept, "")
    for moved in ("2", "3"):  # and each of these runs has ended without saving
        kept, _ = run(tmp_path, 4566)
        assert kept.positions.read_text() == "1"
        (tmp_path / "draft").write_text(moved)
        (tmp_path / "draft").replace(kept.positions)
        kept.release()


def test_what_another_version_wrote_is_copied_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, _ = run(tmp_path, 4566)
    saved(kept, "old")
    monkeypatch.setattr(module, "pinned", lambda: "99.0")
    kept, said = run(tmp_path, 4566)
    path = saved(kept, "new")
    [line] = [line for line in said if "99.0" in line]
    copy = Path(line.rpartition(" ")[2])
    assert (copy / "state" / "sqs.json").read_text() == "old"
    assert path.read_text() == "new"


def test_a_folder_belongs_to_one_server_and_to_the_next_when_that_ends(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    with pytest.raises(LocalError, match="Another eventfw local has its data"):
        Kept(tmp_path).claim()
    program = (
        f"from eventfw.tools.local.cloud.kept import Kept; from pathlib import Path; Kept(Path({str(tmp_path)!r}))"
    )
    taken = [sys.executable, "-c", program + ".claim()"]
    other = subprocess.run(taken, env=environment(), capture_output=True, text=True, timeout=30, check=False)
    assert "Another eventfw local" in other.stderr
    kept.release()
    assert subprocess.run(taken, env=environment(), timeout=30, check=False).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX's")
def test_a_server_waits_where_the_embedded_aws_of_a_killed_one_saves(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    (kept.folder / "lock").write_text("4194304")  # beyond the highest process id
    assert not Kept(tmp_path).claim()
    kept.release()
    assert kept.claim()
    kept.release()


def test_what_the_embedded_aws_cannot_read_is_told_and_stays_as_it_is(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    path = saved(kept, '{"half')
    (kept.state / "kms.json").write_text(json.dumps({"__ministack_format__": 3, "payload": {}}))
    cloud = Cloud(free_port(), kept=Kept(tmp_path), token="secret")
    with pytest.raises(LocalError, match=r"cannot read what is kept") as caught:
        asyncio.run(cloud.start())
    assert "rm -r" in caught.value.message
    assert "sqs" in caught.value.message
    asyncio.run(cloud.stop())  # as the server does, once more
    assert path.read_text() == '{"half'
    assert (kept.state / "kms.json").exists()
    assert kept.claim(), "another run may have the folder"
    kept.release()


def test_messages_of_queues_stay_as_they_were_sent_since_they_have_checksums(tmp_path: Path) -> None:
    kept, _ = run(tmp_path, 4566)
    text = r'{"url": "http://127.0.0.1:4566/1/q", "body": "\"see\" http://127.0.0.1:4566/1/q", "md5_body": "1"}'
    path = saved(kept, text)
    kept, _ = run(tmp_path, 5000)
    assert path.read_text() == text.replace(':4566/1/q", "body"', ':5000/1/q", "body"')
    kept.release()

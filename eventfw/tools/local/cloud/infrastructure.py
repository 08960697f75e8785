"""Keeping the app's own stack in the embedded AWS: each time through a child process, one at a time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.local.workers.variables import Place, of_tool

PATIENCE = 180.0  # seconds
CHILD = "eventfw.tools.cli.apply"
HOLDERS = frozenset(  # types of what holds what its user would miss
    {
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::Kinesis::Stream",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)


@dataclass(frozen=True)
class Order:
    """What to deploy, and where to.

    ``endpoint`` is the embedded AWS itself, ``door`` the address that everybody else knows it by, ``push_url`` where it
    posts invocations.
    """

    directory: str
    app: str | None
    endpoint: str
    door: str
    region: str
    push_url: str

    @property
    def place(self) -> Place:
        """Where the app believes it runs when the child imports it."""
        return Place(self.directory, self.door, self.region)


async def applied(order: Order) -> dict[str, Any]:
    """Build the local variant of the app's template and deploy it. Raises DeployError with what the child said."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=of_tool(order.place, os.environ),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await child.communicate(json.dumps(asdict(order)).encode())
    except TimeoutError:
        raise DeployError(f"The embedded AWS took longer than {PATIENCE:g} s over the app's stack.") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        said = err.decode(errors="replace").strip()[-2000:]
        raise DeployError(f"Deploying into the embedded AWS ended with exit code {child.returncode}.\n{said}") from None
    if "error" in answer:
        raise DeployError(answer["error"], place=answer.get("place", ""))
    return answer


def told_of(changes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What a developer has to know of changes that were made: of removals and replacements, what became of the data.

    A change is one of the deployment's plan, as JSON has it.
    """
    for change in changes:
        if change["type"] not in HOLDERS or change["action"] not in ("remove", "replace") or not change["certain"]:
            continue
        name = str(change["physical_id"]).rpartition("/")[2] or change["logical_id"]
        what = f"{name} ({change['type']})"
        kept = (
            f"What it held is kept in the embedded AWS, as {name}." if change["data"] else "Whatever it held is gone."
        )
        if change["action"] == "replace":
            why = ", ".join(change["properties"])
            yield f"{what} was replaced by another{f', because of {why}' if why else ''}. {kept}"
        elif change["data"]:
            yield f"{what} is the app's no longer. {kept}"
        else:
            yield f"{what} was removed. {kept}"

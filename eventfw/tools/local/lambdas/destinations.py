"""Where Lambda sends what became of asynchronous events: dead-letter queues, and destinations of either outcome.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from eventfw.errors import LocalError
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.lambdas.asynchronous import Accepted
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.records import SUCCESS, Ending, dead_letter, record, written
from eventfw.tools.local.lambdas.sending import Marks, check_size, place, to_bucket, to_queue, to_topic

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws

AT_ONCE = 32  # records on their way: thousands of events that end in a moment would time out on each other
RECURSION = 16  # functions in a row that one event may lead to by destinations, after which Lambda stops it


class Accept(Protocol):
    """Takes an asynchronous event for a function of the app."""

    def __call__(self, function: str, event: bytes, *, source: str, qualifier: str = "", depth: int = 0) -> object: ...


class Destinations:
    """Sends records by ``client()``, which is ``None`` while there is no AWS.

    AWS counts what it cannot send as ``DestinationDeliveryFailures`` or ``DeadLetterErrors`` and drops it; here it is
    told as well. ``failures`` is their number.
    """

    def __init__(
        self,
        client: Callable[[], Aws | None],
        accept: Accept,
        functions: Callable[[], Mapping[str, FunctionConfiguration]],
        clock: Clock,
    ) -> None:
        self.client = client
        self.accept = accept
        self.functions = functions
        self.clock = clock
        self.failures = 0
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def deliver(self, event: Accepted, ending: Ending, how: FunctionConfiguration) -> list[str]:
        """Send what became of an event where its function wants it; a phrase for each place, to be told."""
        told = []
        if ending.condition == SUCCESS:
            if how.on_success:
                told.append(await self._sent(how.on_success, "the record", self._record(ending), {}, event, ending))
            return told
        if how.dead_letter:
            body = ending.event.decode()
            told.append(await self._sent(how.dead_letter, "the event", body, dead_letter(ending), event, ending))
        if how.on_failure:
            told.append(await self._sent(how.on_failure, "the record", self._record(ending), {}, event, ending))
        return told

    def _record(self, ending: Ending) -> str:
        return written(record(ending, self.clock.now()))

    async def _sent(self, arn: str, what: str, body: str, marks: Marks, event: Accepted, ending: Ending) -> str:
        try:
            check_size(arn, body, marks)
            async with self._turns:
                await self._send(arn, body, marks, event, ending)
        except LocalError as error:
            self.failures += 1
            return f"{what} could not be sent to {place(arn)}, and is lost ({error})"
        return f"{what} was sent to {place(arn)}"

    async def _send(self, arn: str, body: str, marks: Marks, event: Accepted, ending: Ending) -> None:
        service = arn.split(":")[2]
        if service == "lambda":
            await self._to_function(arn, body, event)
        elif service == "sqs":
            await to_queue(self._aws(), arn, body, marks)
        elif service == "sns":
            await to_topic(self._aws(), arn, body, marks)
        elif service == "events":
            await self._to_bus(arn, body, ending)
        elif service == "s3":
            await to_bucket(self._aws(), arn, self._key(event.function), body.encode())
        else:
            raise LocalError(f"Lambda sends nothing to {service!r}.")

    def _aws(self) -> Aws:
        client = self.client()
        if client is None:
            raise LocalError("No AWS is running here.")
        return client

    async def _to_function(self, arn: str, body: str, event: Accepted) -> None:
        words = arn.split(":")
        name, qualifier = words[6], words[7] if len(words) > 7 else ""
        target = self.functions().get(name)
        if target is None:
            raise LocalError(f"{name!r} is no function of this app.")
        if event.depth >= RECURSION and target.recursive_loop != "Allow":
            raise LocalError(
                f'Lambda stops a recursive loop after {RECURSION} functions, unless recursive_loop="Allow".'
            )
        self.accept(name, body.encode(), source="destination", qualifier=qualifier, depth=event.depth + 1)

    async def _to_bus(self, arn: str, body: str, ending: Ending) -> None:
        outcome = "Success" if ending.condition == SUCCESS else "Failure"
        entry = {
            "EventBusName": arn.partition(":event-bus/")[2],
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {outcome}",
            "Detail": body,
            "Resources": [arn, ending.function_arn],
            "Time": int(self.clock.time()),
        }
        answer = await self._aws().call("events", "PutEvents", {"Entries": [entry]})
        if answer.get("FailedEntryCount"):
            refused = answer["Entries"][0]
            raise LocalError(f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}")

    def _key(self, function: str) -> str:
        now = self.clock.now()
        return f"aws/lambda/async/{function}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"

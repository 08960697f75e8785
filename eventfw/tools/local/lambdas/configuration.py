"""What the app says of Lambda: its functions' settings and the event source mappings, as the service goes by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

RETRIES = 2
EVENT_AGE = 21_600  # seconds


@dataclass(frozen=True)
class FunctionConfiguration:
    """One function. ``timeout`` and the age are in seconds, ``memory`` in MB.

    ``reserved_concurrency`` is ``None`` where nothing is reserved. ``dead_letter``, ``on_success`` and ``on_failure``
    are ARNs, or empty; they are known once the app's stack is in the embedded AWS. ``published`` says that it is
    invoked through the alias ``live``, ``unmarked`` that events may come to it asynchronously that nothing tells from
    others, such as an IoT rule's.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
    """

    name: str
    timeout: int = 30
    memory: int = 256
    reserved_concurrency: int | None = None
    maximum_retry_attempts: int = RETRIES
    maximum_event_age: int = EVENT_AGE
    edge: bool = False
    published: bool = False
    tenant_isolation_mode: str = ""
    recursive_loop: str = "Terminate"
    unmarked: bool = False
    dead_letter: str = ""
    on_success: str = ""
    on_failure: str = ""


@dataclass(frozen=True)
class EventSourceMapping:
    """One mapping: its logical id, the function's short name, the ARN of what is polled (empty for what has none), and
    its CloudFormation properties, all of them values."""

    name: str
    function: str
    source: str
    properties: Mapping[str, Any] = field(hash=False)

    @property
    def service(self) -> str:
        """The service polled, as ARNs name it: ``sqs``, ``kinesis``, ``dynamodb``."""
        return self.source.split(":")[2] if self.source else ""

    @property
    def qualifier(self) -> str:
        """The version or alias that is invoked, or empty."""
        return _function_and_qualifier(self.properties)[1]

    @property
    def enabled(self) -> bool:
        """Whether it polls."""
        return bool(self.properties.get("Enabled", True))


def configurations(
    described: Mapping[str, Mapping[str, Any]], destinations: Mapping[str, Mapping[str, str]]
) -> dict[str, FunctionConfiguration]:
    """The functions of a description of the app, with where their asynchronous events end."""
    return {name: _configuration(name, one, destinations.get(name, {})) for name, one in described.items()}


def _configuration(name: str, one: Mapping[str, Any], ends: Mapping[str, Any]) -> FunctionConfiguration:
    known = FunctionConfiguration.__dataclass_fields__  # of the settings, workers have use for others
    said = {option: value for option, value in {**one["settings"], **ends}.items() if option in known}
    return FunctionConfiguration(name, timeout=one["timeout"], memory=one["memory"], edge=one["edge"], **said)


def mappings(told: Iterable[Mapping[str, Any]]) -> list[EventSourceMapping]:
    """The mappings that the app's stack in the embedded AWS has."""
    return [
        EventSourceMapping(
            one["name"],
            _function_and_qualifier(one["properties"])[0],
            one["properties"].get("EventSourceArn", ""),
            one["properties"],
        )
        for one in told
    ]


def _function_and_qualifier(properties: Mapping[str, Any]) -> tuple[str, str]:
    """What a mapping's FunctionName, which may be an ARN, a part of one or a name, says."""
    said = str(properties.get("FunctionName", ""))
    name, _, qualifier = (said.partition("function:")[2] or said).partition(":")
    return name, qualifier

"""What Lambda takes as a whole function: its settings together with what runs it. A deployment's zip does without."""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

OLD_EDGE_MEMORY, OLD_EDGE_TIMEOUT = 128, 5  # MB and seconds, for viewer events, before the guide of 2025
UNASKED = "CloudFront waits for its answer, so no invocation is asynchronous"
NOT_AT_THE_EDGE = {  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
    "environment": "it has no environment variables",
    "uses": "it has no environment variables to carry the names of what it uses",
    "layers": "it has no layers",
    "vpc": "it is in no VPC",
    "file_system": "it mounts no file system",
    "provisioned_concurrency": "it has no provisioned concurrency",
    "snap_start": "it has no snapshots",
    "log_format": "its logs are text, and each region keeps its own log group",
    "application_log_level": "its logs are text, and each region keeps its own log group",
    "system_log_level": "its logs are text, and each region keeps its own log group",
    "tracing": "X-Ray does not trace it",
    "kms_key": "it has no variables or snapshots to encrypt",
    "runtime": "all edge functions run the Python of eventfw.toml",
    "durable": "it has no durable executions",
    "tenant_isolation_mode": "CloudFront names no tenant",
    "dead_letter": UNASKED,
    "on_success": UNASKED,
    "on_failure": UNASKED,
    "maximum_retry_attempts": UNASKED,
    "maximum_event_age": UNASKED,
    "recursive_loop": "nothing makes it run itself",
}
ONLY_DIRECT = {
    "durable": "Lambda wraps the events of a durable function, which only a handler for direct invocation receives",
    "tenant_isolation_mode": "only who invokes it directly can name the tenant",
}


def check(function: Any) -> None:
    """Refuse a function that Lambda or CloudFront would refuse."""
    if function.edge:
        check_edge(function)
        return
    if len({handler.stack for handler in function.handlers}) > 1:
        raise RegistrationError(
            f"The handlers of function {function.name!r} are in different stacks. Name one of the functions apart.",
            place=function.place,
        )
    for option, why in ONLY_DIRECT.items():
        if option in function.said:
            for trigger in triggers_of(function):
                if trigger.decorator != "function":
                    raise RegistrationError(
                        f"Function {function.name!r} has {option} and cannot also have @app.{trigger.decorator}: "
                        f"{why}. Remove one of them, or move the trigger to another function.",
                        place=trigger.place,
                    )


def triggers_of(function: Any) -> Iterator[Any]:
    """Everything that runs a function."""
    for handler in function.handlers:
        yield from handler.triggers


def check_edge(function: Any) -> None:
    """Refuse what Lambda@Edge does not have."""
    for trigger in triggers_of(function):
        if not trigger.edge:
            raise RegistrationError(
                f"Function {function.name!r} runs at the edge and cannot also have @app.{trigger.decorator}. "
                f"Move it to a handler of its own.",
                place=trigger.place,
            )
    place = function.settings.place
    for fault in edge_faults(function):
        raise RegistrationError(f"Function {function.name!r} runs at the edge: {fault}", place=place)
    if function.memory > OLD_EDGE_MEMORY or function.timeout > OLD_EDGE_TIMEOUT:
        import warnings

        warnings.warn(
            f"{place}: {function.name} has {function.memory} MB, {function.timeout} s at the edge: until 2025 "
            f"CloudFront refused viewer functions over {OLD_EDGE_MEMORY} MB or {OLD_EDGE_TIMEOUT} s.",
            stacklevel=2,
        )


def edge_faults(function: Any) -> Iterator[str]:
    """What Lambda@Edge does not have, with the remedy."""
    said = function.said
    for option in said:
        if option in NOT_AT_THE_EDGE and said[option]:
            yield f"{NOT_AT_THE_EDGE[option]}. Remove {option}."
    if function.timeout > 30:
        yield f"timeout must be at most 30, not {function.timeout}. Lower it."
    if said.get("ephemeral_storage", 512) > 512:
        yield f"ephemeral_storage must be 512, not {said['ephemeral_storage']}. Remove it."
    if said.get("log_retention", 30) != 30:
        yield "log_retention cannot be said: each region keeps its own log group. Remove it."
    if said.get("architecture", "x86_64") != "x86_64":
        yield f"architecture must be x86_64, not {said['architecture']}. Remove it."

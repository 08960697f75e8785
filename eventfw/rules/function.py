"""What Lambda takes as a whole: settings together, and with what runs the function. A deployment's zip does without."""

from __future__ import annotations

from ..errors import RegistrationError
from ..options import closest, refused
from .settings import CHECKS, PYTHONS, check_name, check_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
#: What is said of a function in the app alone: resources of the app, and what makes it another function.
SAID_IN_THE_APP = ("uses", "dead_letter", "on_success", "on_failure", "durable", "tenant_isolation_mode")


def check_settings(name: object, said: Mapping[str, Any]) -> None:
    """Refuse settings that Lambda would refuse, alone or together."""
    if name is not None:
        check_name(name)
    for option, value in said.items():
        check_value(option, value)
    for fault in conflicts(said):
        raise refused(fault)


def check_staged(said: Mapping[str, Any]) -> None:
    """Refuse what cannot be said of a function by stage, or is wrong by itself."""
    possible = [option for option in CHECKS if option not in SAID_IN_THE_APP]
    for option, value in said.items():
        if option in SAID_IN_THE_APP:
            raise refused(f"{option} is said in the app, with @app.function({option}=...). Move it there.")
        if option not in possible:
            raise refused(f"{option} is not a setting.{closest(option, possible)} There is {', '.join(possible)}.")
        check_value(option, value)


def conflicts(said: Mapping[str, Any]) -> Iterator[str]:
    """Why settings that are right by themselves cannot be had together."""
    provisioned, reserved = said.get("provisioned_concurrency"), said.get("reserved_concurrency")
    if provisioned is not None and reserved is not None and provisioned > reserved:
        yield (
            f"provisioned_concurrency must be at most reserved_concurrency, {reserved}, not {provisioned}. "
            f"Raise the one or lower the other."
        )
    if "file_system" in said and "vpc" not in said:
        yield (
            "file_system needs vpc: EFS is mounted through a subnet that has a mount target. "
            "Add vpc={'subnet_ids': [...], 'security_group_ids': [...]}."
        )
    for level in ("application_log_level", "system_log_level"):
        if level in said and said.get("log_format") != "JSON":
            yield f"{level} needs log_format='JSON': Lambda does not filter text. Add it, or remove {level}."
    if said.get("snap_start"):
        yield from _excluded(said, "snap_start", ("provisioned_concurrency", "file_system"))
        if said.get("ephemeral_storage", 512) > 512:
            yield f"snap_start needs ephemeral_storage of 512 MB, not {said['ephemeral_storage']}. Remove one of them."
    if "tenant_isolation_mode" in said:
        others = [*(["snap_start"] if said.get("snap_start") else []), "provisioned_concurrency"]
        yield from _excluded(said, "tenant_isolation_mode", others)
    if "runtime" in said:
        yield from outdated(said, said["runtime"].removeprefix("python"))


def _excluded(said: Mapping[str, Any], option: str, others: Any) -> Iterator[str]:
    for other in others:
        if other in said:
            yield f"Lambda has no {option} together with {other}. Remove one of them."


def outdated(said: Mapping[str, Any], python: str) -> Iterator[str]:
    """Why a Python is too old for what is said."""
    for option, least in (("snap_start", "3.12"), ("durable", "3.13")):
        if said.get(option) and PYTHONS.index(python) < PYTHONS.index(least):
            yield (
                f"{option} needs Python {least} or later, not {python}. Say runtime='python{least}', or python in "
                f"eventfw.toml."
            )


def check_function(function: Any) -> None:
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

        file, _, line = place.rpartition(":")
        warnings.warn_explicit(
            f"{function.name} has {function.memory} MB, {function.timeout} s at the edge: until 2025 CloudFront "
            f"refused viewer functions over {OLD_EDGE_MEMORY} MB or {OLD_EDGE_TIMEOUT} s.",
            UserWarning,
            file,
            int(line or 1),
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

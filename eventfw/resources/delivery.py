"""Rules of EventBridge and schedules of its Scheduler: how long they try to hand an event over, and where it goes then;
and how many rules a bus has.

Only the developer's machine needs it. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
"""

from __future__ import annotations

from ..options import refused, whole
from .queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..trigger import Trigger
    from .resource import Template

ATTEMPTS_MAX = 185
AGE_MIN, AGE_MAX = 60, 86_400  # seconds
WILDCARDS_MAX = 30  # rules of a bus whose patterns have a wildcard; AWS does not raise it


def check_delivery(owner: str, attempts: object, age: object, queue: object) -> None:
    """Refuse options of the delivery that AWS would not take."""
    if attempts is not None:
        whole(owner, "maximum_retry_attempts", attempts, 0, ATTEMPTS_MAX, "Remove it to try 185 times.")
    if age is not None:
        whole(owner, "maximum_event_age", age, AGE_MIN, AGE_MAX, "It is in seconds. Remove it for 24 hours.")
    if queue is not None and not (isinstance(queue, Queue) and queue.owned and not queue.fifo):
        raise refused(f"dead_letter must be a standard queue of the app for {owner}, not {queue!r}.")


def delivery(attempts: int | None, age: int | None, queue: Queue | None, template: Template) -> dict[str, Any]:
    """The properties of a target that say how it is delivered to."""
    given = {"MaximumRetryAttempts": attempts, "MaximumEventAgeInSeconds": age}
    found: dict[str, Any] = {}
    if retries := {name: value for name, value in given.items() if value is not None}:
        found["RetryPolicy"] = retries
    if queue is not None:
        found["DeadLetterConfig"] = {"Arn": queue.arn_in(template)}
    return found


def let_rule_send(trigger: Trigger, queue: Queue, rule: str, template: Template) -> None:
    """Let a rule, by its logical id, send to the queue what it could not hand over."""
    if template.main is not template:
        raise trigger.refused(
            f"dead_letter needs the rule in the app's main stack, as the policy of queue {queue.key!r} is. Mount "
            f"the blueprint without stack=True, or use the function's own dead-letter queue."
        )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}},
    }
    queue.allow(template, statement)


def add_rule(trigger: Trigger, rule: str, properties: dict[str, Any], template: Template) -> None:
    """Add a rule with a pattern, unless its bus has all the wildcards that it may have.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    """
    bus = properties.get("EventBusName")
    others = template.of_type("AWS::Events::Rule").values()
    wild = [one for one in others if one.get("EventBusName") == bus and has_wildcard(one.get("EventPattern"))]
    if has_wildcard(properties["EventPattern"]) and len(wild) >= WILDCARDS_MAX:
        raise trigger.refused(
            f"A bus has {WILDCARDS_MAX} rules with a wildcard at most, and this would be one more. Write prefix or "
            f"suffix in some, or put some on another bus."
        )
    template.add(rule, "AWS::Events::Rule", properties)


def has_wildcard(pattern: Any) -> bool:
    """Whether a pattern has the operator anywhere: an object of a list, with that name."""
    if isinstance(pattern, list):
        return any(isinstance(one, dict) and ("wildcard" in one or has_wildcard(one)) for one in pattern)
    return isinstance(pattern, dict) and any(
        has_wildcard(value) or (name == "anything-but" and isinstance(value, dict) and "wildcard" in value)
        for name, value in pattern.items()
    )

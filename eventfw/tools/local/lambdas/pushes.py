"""Which of the events that the embedded AWS pushes are asynchronous on AWS, so that Lambda queues them.

It pushes all of them alike and its headers do not say, so it is told by what the event is.
"""

from __future__ import annotations

from eventfw.recognition import UNKNOWN
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration

ASYNCHRONOUS = frozenset(
    {
        "cloudformation_custom_resource",  # answered at a URL that is in the event
        "cloudwatch_alarm",
        "cloudwatch_logs",
        "codecommit",
        "codepipeline",
        "config_rule",
        "eventbridge",
        "iot_1click",
        "iot_button",
        "s3",
        "s3_test_event",
        "ses",
        "sns",
    }
)


def is_asynchronous(kind: str, how: FunctionConfiguration) -> bool:
    """Whether whoever sends an event of a kind to a function waits for no result.

    What is of no kind is a rule's where the function has a rule that sends such events: of IoT, or of EventBridge with
    an input of its own. Otherwise it is whatever an SDK or a state machine sends, and is answered.
    """
    return kind in ASYNCHRONOUS or (kind == UNKNOWN and how.unmarked)

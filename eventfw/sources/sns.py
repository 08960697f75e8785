"""``@app.sns_subscriber``: messages of an SNS topic, straight to the function or through a queue."""

from __future__ import annotations

from ..errors import RuleError
from ..options import borrowed, flag, one_of, refused
from ..polling.batches import each, reported
from ..polling.queues import QueuePolled
from ..resources.names import pascal
from ..resources.queue import Queue
from ..resources.topic import Topic
from ..trigger import Trigger, filed, taken_by_both
from .sns_events import SnsBatch
from .sns_events import SnsMessage as SnsMessage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Grant, Template
    from ..rules.policy import FilterPolicy
    from ..rules.witness import Effort
    from ..trigger import Finder

SCOPES = ("MessageAttributes", "MessageBody")


class SnsSubscriber(Trigger):
    """Run for the messages of a topic, once for each.

    ``topic``: a topic that the app owns, or the name or ARN of an existing one. ``filter_policy``: which messages, as a
    dict or its JSON text; ``filter_scope``: whether it is about their ``MessageAttributes`` (unless said) or their
    ``MessageBody``. ``dead_letter``: a queue of the app for messages that SNS could not hand over (to Lambda it tries
    for 23 days); those whose handler failed go to the function's own.

    ``through``: a queue of the app between the topic and the function. Then failed messages alone come again after the
    queue's visibility timeout, and the queue holds back what is too much at once. ``batch_size``, ``batching_window``
    and ``maximum_concurrency`` are those of the queue's mapping. ``raw_delivery``: put the bare message into the queue;
    SNS discards one with more than 10 attributes then.

    Without a queue it is invoked asynchronously: when the handler raises, Lambda tries the event again after one and
    after two more minutes. A message may come twice.
    https://docs.aws.amazon.com/sns/latest/dg/sns-lambda-as-subscriber.html
    """

    decorator = "sns_subscriber"
    example = "@app.sns_subscriber(news)"
    kinds: Collection[str] = ("sns", "sqs")

    def __init__(
        self,
        topic: Topic | str,
        *,
        filter_policy: Mapping[str, Any] | str | None = None,
        filter_scope: str = "MessageAttributes",
        dead_letter: Queue | None = None,
        through: Queue | None = None,
        raw_delivery: bool = False,
        batch_size: int = 10,
        batching_window: int = 0,
        maximum_concurrency: int | None = None,
    ) -> None:
        super().__init__()
        self.topic = self.resource = Topic.of("sns_subscriber", topic)
        one_of("sns_subscriber", "filter_scope", filter_scope, SCOPES)
        self.policy = None if filter_policy is None else checked_policy(filter_policy, filter_scope)
        self.dead_letter = dead_letter
        self.raw_delivery = raw_delivery
        self.through = through
        self.kinds: Collection[str] = ("sqs",) if through is not None else ("sns",)
        self._mapping = (batch_size, batching_window, maximum_concurrency)
        self.polled = self._polled(through) if through is not None else None
        self.validate()

    def _polled(self, queue: Queue) -> QueuePolled:
        size, window, concurrency = self._mapping
        return Subscribed(queue, batch_size=size, batching_window=window, maximum_concurrency=concurrency)

    def validate(self) -> None:
        flag("sns_subscriber", "raw_delivery", self.raw_delivery)
        for option, queue in (("dead_letter", self.dead_letter), ("through", self.through)):
            if queue is not None and not (isinstance(queue, Queue) and queue.owned):
                raise refused(f"{option} must be a queue of the app for sns_subscriber, not {queue!r}.")
        self._validate_kinds()
        if self.through is not None:
            return
        if self.topic.fifo:
            raise refused(
                f"The FIFO topic {self.topic.key!r} cannot invoke a function. Put a queue between them: "
                f"through=app.queue({self.topic.key!r}, fifo=True)."
            )
        if self.raw_delivery:
            raise refused("raw_delivery is for queues: SNS always sends a function the whole envelope. Remove it.")
        if self._mapping != (10, 0, None):
            raise refused(
                "batch_size, batching_window and maximum_concurrency are for a queue: SNS sends a function one message "
                "at a time. Remove them, or write through=app.queue(...)."
            )

    def _validate_kinds(self) -> None:
        """https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html"""
        name, fifo = self.topic.key, self.topic.fifo
        if self.through is not None and self.through.fifo and not fifo:
            raise refused(
                f"through must be a standard queue for sns_subscriber, not {self.through!r}: SNS refuses a FIFO queue "
                f"behind the standard topic {name!r}. Remove the queue's fifo, or write app.topic({name!r}, fifo=True)."
            )
        if self.dead_letter is not None and self.dead_letter.fifo != fifo:
            wanted = "FIFO" if fifo else "standard"
            raise refused(
                f"dead_letter must be a {wanted} queue for sns_subscriber, as the topic {name!r} is {wanted}, not "
                f"{self.dead_letter!r}."
            )

    def key(self) -> Collection[tuple[str, str]]:
        return self.polled.key() if self.polled is not None else ()

    def title(self) -> str:
        parts = [f"sns {self.topic.real(self.topic.key)}"]
        if self.policy is not None:
            parts.append(f"filter={self.policy.text if len(self.policy.text) <= 60 else self.policy.text[:57] + '...'}")
        if self.through is not None:
            parts.append(f"through {self.through.real(self.through.key)}")
        return " ".join(parts)

    def parse(self, raw: Any, context: Any) -> SnsBatch:
        return SnsBatch(raw, context)

    def call(self, binding: Binding, event: SnsBatch) -> None:
        if event.queued:
            each(binding, event)
            return
        for message in event:  # one, by SNS's word
            binding(message, event.context)

    def payload(self, event: SnsMessage) -> Any:
        return event.json

    def encode(self, result: Any, event: SnsBatch) -> Any:
        return reported(result, event) if event.queued else None

    def mismatch(self, raw: Any) -> str:
        if self.polled is not None:
            return self.polled.mismatch(raw)
        sent = raw["Records"][0]["Sns"]
        elsewhere = self.topic.mismatch(str(sent["TopicArn"]))
        if elsewhere or self.policy is None:
            return elsewhere
        return self.policy.mismatch(sent.get("MessageAttributes") or {}, sent["Message"])

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A message does not say which subscription it came by."""
        both = (trigger.sample() for trigger in (self, other)) if isinstance(other, SnsSubscriber) else ()
        return taken_by_both(self, other, (event for event in both if "Sns" in event["Records"][0]))  # type: ignore[no-any-return]

    @classmethod
    def index(cls, triggers: Sequence[SnsSubscriber]) -> Finder:
        """By the topic's name, or the queue's."""
        queues = [trigger.through for trigger in triggers if trigger.through is not None]
        topic = triggers[0].topic

        def leads(raw: Any) -> Iterator[object]:
            record = raw["Records"][0]
            if "Sns" in record:
                return (("sns", name) for name in topic.leads(record["Sns"]["TopicArn"]))
            return (("sqs", name) for queue in queues[:1] for name in queue.leads(record["eventSourceARN"]))

        return filed(([trigger._filed()] for trigger in triggers), leads)

    def _filed(self) -> tuple[str, str]:
        return ("sqs", self.through.filed()) if self.through is not None else ("sns", self.topic.filed())

    def grants(self) -> Collection[Grant]:
        return self.polled.grants() if self.polled is not None else ()

    def resources(self, function: Function, template: Template) -> None:
        """The subscription with the topic's leave to invoke the function, or to send to the queue it goes through."""
        name = pascal(function.name) + pascal(self.topic.key) + "Subscription"
        if template.has(name):
            raise self.refused(
                f"Function {function.name!r} subscribes to the topic {self.topic.key!r} twice, and SNS keeps one "
                f"subscription for an endpoint. Give one of the handlers a function of its own."
            )
        topic = self.topic.arn_in(template)
        properties: dict[str, Any] = {"TopicArn": topic}
        if self.topic.arn_text and not template.local:
            properties["Region"] = self.topic.arn_text.split(":")[3]
        if self.polled is not None and self.through is not None:
            self.polled.resources(function, template)
            self._let_send(self.through, topic, template)
            properties |= {"Protocol": "sqs", "Endpoint": self.through.arn_in(template)}
            if self.raw_delivery:
                properties["RawMessageDelivery"] = True
        else:
            prefix = pascal(function.name) + self.topic.logical_id
            template.permit(function, prefix, "sns.amazonaws.com", topic)
            properties |= {"Protocol": "lambda", "Endpoint": template.function_arn(function)}
        if self.policy is not None:
            from json import loads

            properties |= {"FilterPolicy": loads(self.policy.text), "FilterPolicyScope": self.policy.scope}
        if self.dead_letter is not None:
            self._let_send(self.dead_letter, topic, template)
            properties["RedrivePolicy"] = {"deadLetterTargetArn": self.dead_letter.arn_in(template)}
        template.add(name, "AWS::SNS::Subscription", properties)

    def _let_send(self, queue: Queue, topic: Any, template: Template) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        queue.allow(template, statement)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One message. Fields: ``message`` (text, or anything that is written as JSON), ``subject``, ``attributes``
        (name: text, number or list), ``message_id``."""
        self.fields_among(fields, ("message", "subject", "attributes", "message_id"))
        topic = self.topic.sample_arn()
        sent = sample_message(topic, **{**self._let_through(), **fields})
        if self.through is None:
            subscription = f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486"
            record = {"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": subscription}
            return {"Records": [{**record, "Sns": sent}]}
        return {"Records": [queued_record(sent, self.through, raw=self.raw_delivery)]}

    def _let_through(self) -> dict[str, Any]:
        """What of a message the policy asks for, as fields of a sample."""
        from ..rules.witness import witness

        if self.policy is None or self.policy.pattern is None:
            return {}
        found = witness([self.policy.pattern], {}) or {}
        return {"message": found} if self.policy.scope == "MessageBody" else {"attributes": found}


class Subscribed(QueuePolled):
    """The queue between a topic and a function."""

    decorator = "sns_subscriber"
    kinds = ("sqs",)


def checked_policy(policy: Mapping[str, Any] | str, scope: str) -> FilterPolicy:
    """A filter policy that SNS takes."""
    try:
        return borrowed("rules.policy", "FilterPolicy")(policy, scope)  # type: ignore[no-any-return]
    except RuleError as error:
        raise refused(f"filter_policy is not valid for sns_subscriber: {error.message}") from None


def sample_message(topic: str, **fields: Any) -> dict[str, Any]:
    """A message as SNS sends it to a function."""
    message = fields.get("message", "{}")
    if not isinstance(message, str):
        from json import dumps

        message = dumps(message)
    attributes = {name: _attribute(value) for name, value in (fields.get("attributes") or {}).items()}
    return {
        "Type": "Notification",
        "MessageId": str(fields.get("message_id", "95df01b4-ee98-5cb9-9903-4c221d41eb5e")),
        "TopicArn": topic,
        "Subject": fields.get("subject"),
        "Message": message,
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-example.pem",
        "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        "MessageAttributes": attributes,
    }


def _attribute(value: Any) -> dict[str, str]:
    """An attribute as SNS sends it; what is neither text nor a number can stand in a list only."""
    if isinstance(value, (list, bool)) or value is None:
        from json import dumps

        return {"Type": "String.Array", "Value": dumps(value if isinstance(value, list) else [value])}
    return {"Type": "Number" if isinstance(value, (int, float)) else "String", "Value": str(value)}


def queued_record(sent: dict[str, Any], queue: Queue, *, raw: bool) -> dict[str, Any]:
    """A message as a queue has it that is subscribed to the topic."""
    from hashlib import md5
    from json import dumps

    envelope = {name: value for name, value in sent.items() if value is not None}
    body = sent["Message"] if raw else dumps(envelope)
    attributes = {
        name: {"dataType": one["Type"], "stringValue": one["Value"]} for name, one in sent["MessageAttributes"].items()
    }
    return {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1767225600000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1767225600001",
        },
        "messageAttributes": attributes if raw else {},
        "md5OfBody": md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue.real(queue.key)}",
        "awsRegion": "us-east-1",
    }

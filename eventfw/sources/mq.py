"""``@app.mq_consumer``: messages of an Amazon MQ broker, ActiveMQ or RabbitMQ."""

from __future__ import annotations

from ..calling import all_or_error
from ..events import Event
from ..options import one_of, printable, refused, text
from ..polling.batches import Batch
from ..polling.mapping import VPC_ACTIONS, Polled
from ..resources.names import pascal
from ..trigger import filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..polling.mapping import Filters
    from ..resources.resource import Template
    from ..trigger import Finder

ENGINES = ("activemq", "rabbitmq")


class MqMessage(Event):
    """One message of either kind of broker. https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html"""

    @property
    def _properties(self) -> dict[str, Any]:
        return self.raw.get("basicProperties") or {}

    def summary(self) -> str:
        return self.id or "message"

    @property
    def id(self) -> str | None:
        """The message's id; RabbitMQ has one only where the sender gave it."""
        return self.raw.get("messageID") or self._properties.get("messageId")

    @property
    def data(self) -> bytes:
        """The body."""
        from base64 import b64decode

        return b64decode(self.raw.get("data") or "")

    @property
    def text(self) -> str:
        """The body as UTF-8 text. Raises ``ValueError`` where it is none."""
        return self.data.decode()

    @property
    def json(self) -> Any:
        """The body read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.data)

    @property
    def redelivered(self) -> bool:
        """Whether it was delivered before."""
        return bool(self.raw.get("redelivered"))

    @property
    def properties(self) -> dict[str, Any]:
        """What the sender attached: ActiveMQ's properties, RabbitMQ's headers. What is no UTF-8 in these, is bytes."""
        headers = self._properties.get("headers") or {}
        return self.raw.get("properties") or {name: header(value) for name, value in headers.items()}

    @property
    def correlation_id(self) -> str | None:
        """What the sender relates it to."""
        return self.raw.get("correlationId") or self._properties.get("correlationId")

    @property
    def reply_to(self) -> str | None:
        """Where an answer is expected."""
        return self.raw.get("replyTo") or self._properties.get("replyTo")

    @property
    def content_type(self) -> str | None:
        """RabbitMQ: what the sender says the body is."""
        return self._properties.get("contentType")

    @property
    def message_type(self) -> str | None:
        """ActiveMQ: ``jms/text-message`` or ``jms/bytes-message``."""
        return self.raw.get("messageType")  # type: ignore[no-any-return]

    @property
    def destination(self) -> str | None:
        """ActiveMQ: the queue's name."""
        return (self.raw.get("destination") or {}).get("physicalName")

    @property
    def sent_at(self) -> datetime | None:
        """ActiveMQ: when it was sent, with time zone."""
        from datetime import UTC, datetime

        milliseconds = self.raw.get("timestamp")
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if isinstance(milliseconds, (int, float)) else None


class MqBatch(Batch):
    """The messages of one invocation. It succeeds or comes again as a whole."""

    one = "message"

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context, [MqMessage(message, context) for message in messages(raw)])

    def __iter__(self) -> Iterator[MqMessage]:
        return iter(self.records)

    @property
    def broker_arn(self) -> str:
        """The broker's ARN."""
        return str(self.raw["eventSourceArn"])


def header(value: Any) -> Any:
    """A header of RabbitMQ's, which come to Lambda with their text as a list of Java's bytes."""
    if not isinstance(value, dict) or value.keys() != {"bytes"}:
        return value
    found = bytes(one % 256 for one in value["bytes"])
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found


def messages(raw: Any) -> list[Any]:
    """The messages of an event of either kind of broker."""
    if "messages" in raw:
        return list(raw["messages"])
    return [message for queue in raw["rmqMessagesByQueue"].values() for message in queue]


class MqConsumer(Polled):
    """Run for the messages of a queue in an Amazon MQ broker; once for each message.

    ``broker``: its ARN. ``queue``: the queue's name. ``secret``: the ARN of the secret with the broker's ``username``
    and ``password``. ``engine``: ``activemq`` or ``rabbitmq``; ``virtual_host``: RabbitMQ's, ``/`` unless said.
    ``batch_size``: messages an invocation takes at most, 1-10000, 100 unless said; ``batching_window``: seconds (1-300)
    to wait for them; half a second unless said, which cannot be had back once the mapping said something else.
    ``filters``: up to five patterns on ``data``. ``batch``: hand over the whole batch in one call. ``enabled``:
    ``False`` deploys the mapping switched off.

    There is no reporting of single messages: when a call raises, the others still run, then the invocation fails and
    the whole batch comes again, until it succeeds. The function's timeout is at most 14 minutes.
    https://docs.aws.amazon.com/lambda/latest/dg/process-mq-messages-with-lambda.html
    """

    decorator = "mq_consumer"
    example = (
        '@app.mq_consumer("arn:aws:mq:us-east-1:123456789012:broker:shop:b-1234", "orders", '
        'secret="arn:aws:secretsmanager:us-east-1:123456789012:secret:broker-AbCdEf")'
    )
    kinds: Collection[str] = ("mq_activemq", "mq_rabbitmq")
    partial = False

    def __init__(
        self,
        broker: str,
        queue: str,
        *,
        secret: str,
        engine: str = "activemq",
        virtual_host: str | None = None,
        batch_size: int = 100,
        batching_window: int = 0,
        filters: Filters = (),
        kms_key: str | None = None,
        batch: bool = False,
        enabled: bool = True,
    ) -> None:
        one_of("mq_consumer", "engine", engine, ENGINES)
        self.filter_kind = f"mq_{engine}"
        self.kinds = (self.filter_kind,)
        super().__init__(
            batch_size=batch_size,
            batching_window=batching_window,
            filters=filters,
            kms_key=kms_key,
            batch=batch,
            enabled=enabled,
        )
        self.broker = broker
        self.queue = queue
        self.secret = secret
        self.engine = engine
        self.virtual_host = virtual_host
        self.resource = None
        self.validate()

    def validate(self) -> None:
        super().validate()
        if not isinstance(self.broker, str) or ":mq:" not in self.broker:
            raise refused(
                f"broker must be an ARN such as arn:aws:mq:REGION:ACCOUNT:broker:NAME:ID for mq_consumer, not "
                f"{self.broker!r}."
            )
        text("mq_consumer", "queue", self.queue, "Name the queue.")
        if not isinstance(self.secret, str) or ":secretsmanager:" not in self.secret:
            raise refused(
                f"secret must be the ARN of a secret in Secrets Manager for mq_consumer, not {self.secret!r}."
            )
        if self.virtual_host is not None and self.engine != "rabbitmq":
            raise refused(
                f"virtual_host is RabbitMQ's: ActiveMQ has none, not {self.virtual_host!r}. Remove it, or write "
                f"engine='rabbitmq'."
            )

    def title(self) -> str:
        return " ".join([self.engine, self.queue, *self.describe()])

    def parse(self, raw: Any, context: Any) -> MqBatch:
        return MqBatch(raw, context)

    def call(self, binding: Binding, event: MqBatch) -> Any:
        if self.batch:
            return binding(event, event.context)
        all_or_error(binding, event, event.context)
        return None

    def payload(self, event: MqMessage) -> Any:
        return event.json

    def encode(self, result: Any, event: MqBatch) -> None:
        if event.failures:
            raise RuntimeError(f"{len(event.failures)} messages failed, and Lambda takes no word of single ones.")

    @classmethod
    def records_in(cls, raw: Any) -> list[Any]:
        return messages(raw)

    def mismatch(self, raw: Any) -> str:
        if raw["eventSourceArn"] != self.broker:
            return f"broker `{printable(raw['eventSourceArn'])}` is not `{self.broker}`"
        found = queues(raw)
        if self.queue not in found:
            return f"queue `{printable(', '.join(sorted(found)))}` is not `{self.queue}`"
        if self.filters is None:
            return ""
        return str(next(filter(None, map(self.filters.mismatch, self.records_in(raw))), ""))

    @classmethod
    def index(cls, triggers: Sequence[MqConsumer]) -> Finder:  # type: ignore[override]
        """By the queue's name."""
        return filed(([trigger.queue] for trigger in triggers), queues)

    def source_in(self, template: Template) -> Any:
        return self.broker

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """To find the broker, to log in to it, and to reach its VPC."""
        return [
            (["mq:DescribeBroker"], [self.broker]),
            (["secretsmanager:GetSecretValue"], [self.secret]),
            (list(VPC_ACTIONS), ["*"]),
        ]

    def mapping_name(self, function: Function) -> str:
        return pascal(function.name) + pascal(self.queue) + "BrokerMapping"

    def mapping(self, function: Function, template: Template) -> dict[str, Any]:
        properties = super().mapping(function, template)
        access = [{"Type": "BASIC_AUTH", "URI": self.secret}]
        if self.engine == "rabbitmq":
            access.append({"Type": "VIRTUAL_HOST", "URI": self.virtual_host or "/"})
        return {**properties, "Queues": [self.queue], "SourceAccessConfigurations": access}

    def resources(self, function: Function, template: Template) -> None:
        """The mapping. The embedded AWS has no brokers that are polled, so in the local variant there is none."""
        self.check_timeout(function)
        if not template.local:
            super().resources(function, template)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One message. Fields: ``data`` (text, or anything that is written as JSON), ``message_id``, ``properties``."""
        from base64 import b64encode

        self.fields_among(fields, ("data", "message_id", "properties"))
        data = fields["data"] if "data" in fields else self.wanted({"data": {}})["data"]
        if not isinstance(data, str):
            from json import dumps

            data = dumps(data)
        coded = b64encode(data.encode()).decode()
        if self.engine == "rabbitmq":
            basic = {
                "contentType": "text/plain",
                "headers": {
                    name: {"bytes": list(value.encode())} if isinstance(value, str) else value
                    for name, value in (fields.get("properties") or {}).items()
                },
                "deliveryMode": 2,
                "messageId": str(fields.get("message_id", "1")),
                "bodySize": len(data),
            }
            key = f"{self.queue}::{self.virtual_host or '/'}"
            message = {"basicProperties": basic, "redelivered": False, "data": coded}
            return {"eventSource": "aws:rmq", "eventSourceArn": self.broker, "rmqMessagesByQueue": {key: [message]}}
        message = {
            "messageID": str(fields.get("message_id", "ID:b-1.mq.us-east-1.amazonaws.com-1")),
            "messageType": "jms/text-message",
            "deliveryMode": 1,
            "redelivered": False,
            "timestamp": 1767225600000,
            "data": coded,
            "destination": {"physicalName": self.queue},
            "properties": fields.get("properties") or {},
        }
        return {"eventSource": "aws:mq", "eventSourceArn": self.broker, "messages": [message]}


def queues(raw: Any) -> Iterable[str]:
    """The queues that an event has messages of. An older form of ActiveMQ's event names none."""
    if "rmqMessagesByQueue" in raw:
        return {name.partition("::")[0] for name in raw["rmqMessagesByQueue"]}
    return {str((message.get("destination") or {}).get("physicalName")) for message in raw["messages"]}

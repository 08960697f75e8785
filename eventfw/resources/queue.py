"""Queue: an SQS queue with its dead-letter queue."""

from __future__ import annotations

from ..options import flag, printable, refused, text, whole
from .keys import checked_key
from .names import filed_as, known_as, pascal
from .resource import Grant, Resource, extend, tls_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .names import Names
    from .resource import Template

RETENTION_DEFAULT = 345_600  # seconds: SQS's own default, 4 days
RETENTION_MAX = 1_209_600  # seconds: 14 days
MANAGED_KEY = "alias/aws/sqs"
USING_KEY = ("kms:GenerateDataKey", "kms:Decrypt")
NAME_MAX = 80  # characters, ".fifo" included
VISIBILITY_DEFAULT = 30  # seconds: SQS's own default
VISIBILITY_MAX = 43_200  # seconds: 12 hours


class Queue(Resource):
    """An SQS queue that the app owns, or (``Queue.existing``) one that is there already.

    Options
        ``fifo``: first in, first out, exactly ordered within a message group; the real name then ends in ``.fifo``.
        ``content_based_deduplication``: FIFO only; equal bodies within 5 minutes are one message.
        ``visibility_timeout``: seconds (0-43200) a received message stays hidden. Left out, it is six times the
        longest timeout of the functions that consume it, plus their batching window, as AWS advises.
        ``retention``: seconds (60-1209600) a message is kept, 4 days unless said.
        ``delay``: seconds (0-900) before a message can be received.
        ``max_receives``: how often (1-1000) a message is tried before it moves to the dead-letter queue.
        ``dead_letter``: where messages move to: a queue made for it unless said, or one of yours, FIFO if this one is.
        ``False`` for none: a message that always fails is then tried until it expires.
        ``kms_key``: the ARN of a KMS key to encrypt messages with, or ``alias/aws/sqs`` for the one that AWS manages,
        with which other AWS services (S3, SNS, EventBridge) cannot send. A key of SQS's own (SSE-SQS) unless said.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
    """

    type = "queue"

    def __init__(
        self,
        name: str,
        *,
        fifo: bool = False,
        content_based_deduplication: bool = False,
        visibility_timeout: int | None = None,
        retention: int = RETENTION_DEFAULT,
        delay: int = 0,
        max_receives: int = 3,
        dead_letter: bool | Queue = True,
        kms_key: str | None = None,
    ) -> None:
        super().__init__(name)
        self.fifo = fifo
        self.content_based_deduplication = content_based_deduplication
        self.visibility_timeout = visibility_timeout
        self.retention = retention
        self.delay = delay
        self.max_receives = max_receives
        self.dead_letter = dead_letter
        self.kms_key = kms_key
        self.validate()

    def validate(self) -> None:
        flag("queue", "fifo", self.fifo)
        checked_name("queue", self.key, fifo=self.fifo)
        if flag("queue", "content_based_deduplication", self.content_based_deduplication) and not self.fifo:
            raise refused("content_based_deduplication needs fifo=True: a standard queue has no deduplication.")
        if self.visibility_timeout is not None:
            remedy = "Remove it for six timeouts."
            whole("queue", "visibility_timeout", self.visibility_timeout, 0, VISIBILITY_MAX, remedy)
        whole("queue", "retention", self.retention, 60, RETENTION_MAX, "Remove it to keep 4 days.")
        whole("queue", "delay", self.delay, 0, 900, "Remove it for no delay.")
        whole("queue", "max_receives", self.max_receives, 1, 1000, "Remove it to try 3 times.")
        dead = self.dead_letter
        if not isinstance(dead, (bool, Queue)):
            raise refused(f"dead_letter must be True, False or a queue for queue, not {dead!r}.")
        if isinstance(dead, Queue) and dead.fifo != self.fifo:
            wanted = "FIFO" if self.fifo else "standard"
            raise refused(f"dead_letter must be a {wanted} queue like this one, not {dead!r}.")
        checked_key("queue", self.kms_key, MANAGED_KEY)

    @classmethod
    def existing(cls, name: str) -> Self:
        """A queue that is there already, by name or ARN. It is never created, changed or deleted on AWS."""
        text("queue", "name", name, 'Give app.queue("orders"), or the name or ARN of an existing queue.')
        arn, parts = "", name.split(":")
        if name.startswith("arn:"):
            if len(parts) != 6 or parts[2] != "sqs" or not parts[3] or not is_account(parts[4]):
                raise refused(f"{name!r} is not the ARN of a queue. Write arn:aws:sqs:REGION:ACCOUNT:NAME.")
            arn, name = name, parts[5]
        queue = cls(name.removesuffix(".fifo"), fifo=name.endswith(".fifo"))
        queue.owned, queue.arn_text = False, arn
        return queue

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "Queue"

    @property
    def claims(self) -> set[str]:
        name = pascal(self.key)
        dead = {f"{name}DeadLetterQueue", f"{name}DeadLettersQueue", f"{name}DeadLetterQueuePolicy"}
        policy = {f"{self.logical_id}Policy"} if self.owned else set()
        return super().claims | policy | (dead if self.owned and self.dead_letter is True else set())

    @property
    def url(self) -> str:
        """The queue's URL, as SQS's API takes it."""
        return self.told() or f"https://sqs.us-east-1.amazonaws.com/000000000000/{self.real(self.key)}"

    @property
    def name(self) -> str:
        """The queue's real name."""
        return self.url.rpartition("/")[2]

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        import os

        if self.arn_text:
            return self.arn_text
        region = os.environ.get("AWS_REGION", "us-east-1")
        account, name = self.url.rsplit("/", 2)[1:]
        return f"arn:{partition(region)}:sqs:{region}:{account}:{name}"

    def real(self, name: str) -> str:
        return name + ".fifo" if self.fifo else name

    def filed(self) -> str:
        """What its triggers are filed under, for :meth:`leads`."""
        import os

        return filed_as(os.environ.get(self.variable, "").rpartition("/")[2], self.real(self.key))

    def leads(self, arn: str) -> tuple[str, ...]:
        """Under what triggers may be filed that an event from ``arn`` reaches; the same for every queue of an app."""
        real = arn.rpartition(":")[2]
        return known_as(real, real, self.app)

    def mismatch(self, arn: str) -> str:
        """Why an event from ``arn`` is not one of this queue's, or ``""``."""
        real, called, wanted = arn.rpartition(":")[2], self.filed(), self.arn_text
        if called not in (known_as(real, real, self.app) if self.owned else (real, f"*{real}")):
            return f"queue `{printable(real)}` is not `{self.real(self.key)}`"
        # The stage `local` has an existing queue under its own account; a stage that was told of it knows no other.
        if wanted and arn != wanted and called.startswith("*") and ":000000000000:" not in arn:
            return f"queue `{printable(arn)}` is not `{wanted}`"
        return ""

    @property
    def send(self) -> Grant:
        """Leave to send messages."""
        return Grant(self, "send", {"": ("sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes")}, USING_KEY)

    def sending(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """``(actions, ARNs)`` pairs for the role of a service that does nothing but send messages."""
        allowed: list[tuple[list[str], list[Any]]] = [(["sqs:SendMessage"], [self.arn_in(template)])]
        if (self.kms_key or "").startswith("arn:"):
            allowed.append((list(USING_KEY), [self.kms_key]))
        return allowed

    @property
    def receive(self) -> Grant:
        """Leave to receive and delete messages. A consumer has it by itself."""
        actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility")
        return Grant(self, "receive", {"": actions}, ("kms:Decrypt",))

    @property
    def purge(self) -> Grant:
        """Leave to delete every message at once."""
        return Grant(self, "purge", {"": ("sqs:PurgeQueue",)})

    def local_value(self, names: Names, endpoint: str) -> str:
        real = self.real(names.physical(self.key) if self.owned else self.key)
        base = endpoint.rstrip("/") or f"https://sqs.{names.region}.amazonaws.com"
        return f"{base}/{names.account}/{real}"

    def reference(self, template: Template) -> Any:
        if self.owned or template.local:
            return template.reference(self.logical_id)
        if self.arn_text:
            region, account = self.arn_text.split(":")[3:5]
            return {"Fn::Sub": f"https://sqs.{region}.${{AWS::URLSuffix}}/{account}/{self.real(self.key)}"}
        return {
            "Fn::Sub": f"https://sqs.${{AWS::Region}}.${{AWS::URLSuffix}}/${{AWS::AccountId}}/{self.real(self.key)}"
        }

    def arn_in(self, template: Template) -> Any:
        if self.owned or template.local:
            return template.reference(self.logical_id, "Arn")
        real = self.real(self.key)
        return self.arn_text or {"Fn::Sub": f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{real}"}

    def allow(self, template: Template, statement: dict[str, Any]) -> None:
        """Add a statement to the queue's one policy; ``Resource`` is the queue unless it says another.

        A queue has one policy, in the app's main stack: a second one would replace it. So the statement may refer only
        to what is in the main stack. The policy of an existing queue is not the app's to write.
        """
        if not self.owned and not template.local:
            raise self.refused(
                f"The queue {self.key!r} is not the app's, which writes no policy for it. Add to its policy what "
                f"allows this, or give a queue made with app.queue(...)."
            )
        if self.kms_key == MANAGED_KEY and statement["Effect"] == "Allow":
            service = statement["Principal"]["Service"]
            raise self.refused(
                f"{service} cannot send to the queue {self.key!r}: nobody can let it use {MANAGED_KEY}. Remove "
                f"kms_key, or give the ARN of a key whose policy lets {service} use it."
            )
        add_policy(template.main, self.logical_id, statement)

    def _within_limit(self, name: str) -> str:
        if len(name) > NAME_MAX:
            raise self.refused(
                f"The queue name {name!r} is over SQS's {NAME_MAX} characters. Shorten the app's, the stage's or "
                f"the queue's name by {len(name) - NAME_MAX}."
            )
        return name

    def resources(self, template: Template) -> None:
        """The queue and its dead-letter queue. In the local variant an existing queue is made under its own name."""
        if not self.owned and (not template.local or template.has(self.logical_id)):
            return
        named = template.physical if self.owned else str
        properties: dict[str, Any] = {
            "QueueName": self._within_limit(self.real(named(self.key))),
            **self._encryption(),
            "MessageRetentionPeriod": self.retention,
            "VisibilityTimeout": VISIBILITY_DEFAULT if self.visibility_timeout is None else self.visibility_timeout,
        }
        if self.delay:
            properties["DelaySeconds"] = self.delay
        if self.fifo:
            properties["FifoQueue"] = True
            properties["ContentBasedDeduplication"] = self.content_based_deduplication
        if self.dead_letter and self.owned:
            properties["RedrivePolicy"] = {
                "deadLetterTargetArn": self._dead_letters(template),
                "maxReceiveCount": self.max_receives,
            }
        template.add(self.logical_id, "AWS::SQS::Queue", properties)
        if self.owned:
            self.allow(template, tls_only("sqs:*"))

    def _dead_letters(self, template: Template) -> Any:
        """The ARN of the dead-letter queue: another of the user's, or one made here."""
        if isinstance(self.dead_letter, Queue):
            if not self.dead_letter.owned:
                self.dead_letter.resources(template)
            return self.dead_letter.arn_in(template)
        dead: dict[str, Any] = {
            "QueueName": self._within_limit(self.real(template.physical(f"{self.key}-dead-letters"))),
            **self._encryption(),
            "MessageRetentionPeriod": RETENTION_MAX,
            "VisibilityTimeout": VISIBILITY_DEFAULT,
        }
        if self.fifo:
            dead["FifoQueue"] = True
        made = template.add(pascal(self.key) + "DeadLetterQueue", "AWS::SQS::Queue", dead)
        add_policy(template, made, tls_only("sqs:*"))
        return {"Fn::GetAtt": [made, "Arn"]}

    def _encryption(self) -> dict[str, Any]:
        return {"KmsMasterKeyId": self.kms_key} if self.kms_key else {"SqsManagedSseEnabled": True}


def add_policy(template: Template, queue: str, statement: dict[str, Any]) -> None:
    """Add a statement to the one policy of a queue of the template."""
    policy = ("AWS::SQS::QueuePolicy", {"Queues": [{"Ref": queue}]})
    extend(template, f"{queue}Policy", policy, {"Resource": {"Fn::GetAtt": [queue, "Arn"]}, **statement})


def checked_name(owner: str, name: object, *, fifo: bool = False) -> str:
    """A queue name that SQS takes: 1 to 80 letters, digits, hyphens and underscores, ``.fifo`` included."""
    text(owner, "name", name, 'Write app.queue("orders").')
    name = str(name)
    if name.endswith(".fifo"):
        raise refused(f"The queue {name!r} must be named without '.fifo'. Write app.queue({name[:-5]!r}, fifo=True).")
    limit = 75 if fifo else 80
    if len(name) > limit or not all(char.isascii() and (char.isalnum() or char in "-_") for char in name):
        raise refused(
            f"SQS refuses the queue name {name!r}: a name has 1 to {limit} letters, digits, hyphens and underscores."
        )
    if not any(char.isalnum() for char in name):
        raise refused(f"The queue name {name!r} needs a letter or a digit.")
    return name


def is_account(text: str) -> bool:
    """Whether this is the number of an AWS account."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def partition(region: str) -> str:
    """The partition a region lies in, as it stands in ARNs."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"

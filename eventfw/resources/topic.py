"""Topic: an SNS topic."""

from __future__ import annotations

from ..options import flag, refused, text
from .keys import checked_key
from .named import Named, named_with
from .resource import Grant, extend, tls_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .resource import Template

MANAGED_KEY = "alias/aws/sns"


class Topic(Named):
    """An SNS topic that the app owns, or (``Topic.existing``) one that is there already.

    Options
        ``fifo``: first in, first out within a message group; the real name then ends in ``.fifo``. Only queues can
        subscribe to a FIFO topic.
        ``content_based_deduplication``: FIFO only; equal messages within 5 minutes are one.
        ``display_name``: what SMS and e-mail messages come from, at most 100 characters.
        ``kms_key``: encrypt messages with a KMS key: its ARN, or ``alias/aws/sns`` for the one that AWS manages, with
        which other AWS services (S3, EventBridge, alarms) cannot publish. Left out, SNS encrypts its disks only.

    Messages are taken over TLS only. https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    """

    type = "topic"
    service = "sns"
    suffix = "Topic"
    attribute = ""
    name_attribute = "TopicName"
    name_max = 256

    def __init__(
        self,
        name: str,
        *,
        fifo: bool = False,
        content_based_deduplication: bool = False,
        display_name: str = "",
        kms_key: str | None = None,
    ) -> None:
        super().__init__(name)
        self.fifo = fifo
        self.content_based_deduplication = content_based_deduplication
        self.display_name = display_name
        self.kms_key = kms_key
        self.validate()

    def validate(self) -> None:
        text("topic", "name", self.key, 'Write app.topic("news").')
        if self.key.endswith(".fifo"):
            said = f"app.topic({self.key.removesuffix('.fifo')!r}, fifo=True)"
            raise refused(f"The topic {self.key!r} must be named without '.fifo'. Write {said}.")
        flag("topic", "fifo", self.fifo)
        named_with("topic", self.key, "-_", 1, 251 if self.fifo else 256)
        if flag("topic", "content_based_deduplication", self.content_based_deduplication) and not self.fifo:
            raise refused("content_based_deduplication needs fifo=True: a standard topic has no deduplication.")
        if not isinstance(self.display_name, str) or len(self.display_name) > 100:
            raise refused(
                f"display_name must be a string of at most 100 characters for topic, not {self.display_name!r}."
            )
        checked_key("topic", self.kms_key, MANAGED_KEY)

    @classmethod
    def existing(cls, name: str) -> Self:
        """A topic that is there already, by name or ARN. It is never created, changed or deleted on AWS."""
        short, arn = cls.named(name)
        return cls.there(short.removesuffix(".fifo"), arn, fifo=short.endswith(".fifo"))

    def real(self, name: str) -> str:
        return name + ".fifo" if self.fifo else name

    @property
    def publish(self) -> Grant:
        """Leave to publish messages, singly and in batches."""
        return Grant(self, "publish", {"": ("sns:Publish",)}, ("kms:GenerateDataKey", "kms:Decrypt"))

    @property
    def claims(self) -> set[str]:
        return super().claims | ({f"{self.logical_id}Policy"} if self.owned else set())

    def resources(self, template: Template) -> None:
        """The topic and the policy that refuses anything but TLS. The local variant makes an existing topic, too."""
        if not self.made_by(template):
            return
        properties: dict[str, Any] = {"TopicName": self.real_name(template)}
        if self.display_name:
            properties["DisplayName"] = self.display_name
        if self.fifo:
            properties["FifoTopic"] = True
            properties["ContentBasedDeduplication"] = self.content_based_deduplication
        if self.kms_key:
            properties["KmsMasterKeyId"] = self.kms_key
        template.add(self.logical_id, "AWS::SNS::Topic", properties)
        self.allow(template, tls_only("sns:Publish"))

    def allow(self, template: Template, statement: dict[str, Any]) -> None:
        """Add a statement to the topic's one policy; ``Resource`` is the topic unless it says another.

        A topic has one policy, in the app's main stack: a second one would replace it. So the statement may refer only
        to what is in the main stack. The policy of an existing topic is not the app's to write.
        """
        if not self.made_by(template):
            raise self.refused(
                f"The topic {self.key!r} is not the app's, which writes no policy for it. Add to its policy what "
                f"allows this, or give a topic made with app.topic(...)."
            )
        extend(
            template.main,
            f"{self.logical_id}Policy",
            ("AWS::SNS::TopicPolicy", {"Topics": [{"Ref": self.logical_id}]}),
            {"Resource": {"Ref": self.logical_id}, **statement},
        )

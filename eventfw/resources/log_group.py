"""LogGroup: a CloudWatch log group."""

from __future__ import annotations

from ..options import LOG_RETENTION_DAYS, one_of, refused, text
from .keys import checked_key
from .named import Named, named_with
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .resource import Template

CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")
RETENTION_DEFAULT = 30  # days


class LogGroup(Named):
    """A CloudWatch log group that the app owns, or (``LogGroup.existing``) one that is there already.

    Options
        ``retention``: days that log events are kept, 30 unless said: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365,
        400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653.
        ``log_class``: ``STANDARD`` unless said; ``INFREQUENT_ACCESS`` costs less and has no subscriptions;
        ``DELIVERY`` only hands logs on, and keeps them for two days. It cannot be changed later.
        ``kms_key``: the ARN of a KMS key to encrypt logs with; CloudWatch's own unless said.

    Log groups go with the stack.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html
    """

    type = "log_group"
    service = "logs"
    path = "log-group:"
    suffix = "LogGroup"
    name_max = 512

    def __init__(
        self,
        name: str,
        *,
        retention: int = RETENTION_DEFAULT,
        log_class: str = CLASSES[0],
        kms_key: str | None = None,
    ) -> None:
        super().__init__(name)
        self.retention = retention
        self.log_class = log_class
        self.kms_key = kms_key
        self.validate()

    def validate(self) -> None:
        text("log_group", "name", self.key, 'Write app.log_group("audit").')
        named_with("log group", self.key, "_-/.#", 1, 512)
        one_of("log_group", "retention", self.retention, sorted(LOG_RETENTION_DAYS))
        one_of("log_group", "log_class", self.log_class, CLASSES)
        if self.log_class == "DELIVERY" and self.retention != RETENTION_DEFAULT:
            raise refused("retention is not for a log group of the class DELIVERY, which keeps two days. Remove it.")
        checked_key("log_group", self.kms_key)

    @classmethod
    def named(cls, name: object) -> tuple[str, str]:
        return super().named(name.removesuffix(":*") if isinstance(name, str) else name)

    def name_in(self, arn: str) -> str:
        return super().name_in(arn.removesuffix(":*"))

    @property
    def write(self) -> Grant:
        """Leave to make log streams and to put log events."""
        return Grant(self, "write", {":*": ("logs:CreateLogStream", "logs:PutLogEvents")})

    @property
    def read(self) -> Grant:
        """Leave to list streams, to get log events and to filter them."""
        actions = ("logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents")
        return Grant(self, "read", {":*": actions})

    def arn_in(self, template: Template) -> Any:
        """Without the ``:*`` that the type's attribute ``Arn`` ends with, since APIs take it without."""
        if not self.made_by(template):
            return super().arn_in(template)
        arn = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{self.real_name(template)}"
        return {"Fn::Sub": arn}

    def resources(self, template: Template) -> None:
        """The log group. In the local variant an existing one is made under its own name."""
        if not self.made_by(template):
            return
        properties: dict[str, Any] = {"LogGroupName": self.real_name(template), "LogGroupClass": self.log_class}
        if self.log_class != "DELIVERY":
            properties["RetentionInDays"] = self.retention
        if self.kms_key:
            properties["KmsKeyId"] = self.kms_key
        template.add(self.logical_id, "AWS::Logs::LogGroup", properties)

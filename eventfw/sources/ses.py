"""``@app.ses_receiver``: mail that SES receives."""

from __future__ import annotations

from ..events import Event, instant
from ..options import flag, one_of, printable, refused, text, texts
from ..resources.bucket import Bucket
from ..resources.names import pascal
from ..trigger import Trigger, taken_by_both

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.resource import Grant, Template
    from ..rules.witness import Effort

DISPOSITIONS = ("CONTINUE", "STOP_RULE", "STOP_RULE_SET")
SYNC_TIMEOUT = 30  # seconds that SES waits for an answer
NAME_MAX = 64  # characters of the name of a rule or a rule set
RULE_SET = "MailRuleSet"


class ReceivedMail(Event):
    """A mail, without its body: SES sends a function the headers and what it found out.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
    """

    def summary(self) -> str:
        return self.message_id

    @property
    def _mail(self) -> dict[str, Any]:
        return self.raw["ses"]["mail"]  # type: ignore[no-any-return]

    @property
    def _receipt(self) -> dict[str, Any]:
        return self.raw["ses"]["receipt"]  # type: ignore[no-any-return]

    @property
    def message_id(self) -> str:
        """SES's id of the mail; also the key, behind the rule's prefix, of the stored mail."""
        return str(self._mail["messageId"])

    @property
    def sender(self) -> str:
        """The address in the envelope, to which bounces go. Anybody can write anything there."""
        return str(self._mail["source"])

    @property
    def recipients(self) -> list[str]:
        """The addresses that this rule matched."""
        return self._receipt["recipients"]  # type: ignore[no-any-return]

    @property
    def destination(self) -> list[str]:
        """All addresses in the envelope."""
        return self._mail["destination"]  # type: ignore[no-any-return]

    @property
    def subject(self) -> str:
        """The subject; empty without."""
        return str(self.common_headers.get("subject") or "")

    @property
    def common_headers(self) -> dict[str, Any]:
        """The usual headers by name: ``from``, ``to``, ``subject``, ``date``, ``messageId``..."""
        return self._mail.get("commonHeaders") or {}

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers, in order. Where they are over 10 KB together, SES leaves the rest out."""
        return [(each["name"], each["value"]) for each in self._mail.get("headers") or []]

    @property
    def received_at(self) -> datetime:
        """When SES received it, with time zone."""
        return instant(self._mail["timestamp"])  # type: ignore[no-any-return]

    @property
    def verdicts(self) -> dict[str, str]:
        """What SES found out about ``spam``, ``virus``, ``spf``, ``dkim`` and ``dmarc``: ``PASS``, ``FAIL``, ``GRAY``,
        ``PROCESSING_FAILED``."""
        found = {}
        for name in ("spam", "virus", "spf", "dkim", "dmarc"):
            status = (self._receipt.get(f"{name}Verdict") or {}).get("status")
            if status:
                found[name] = str(status)
        return found


class SesReceiver(Trigger):
    """Run for mail that a receipt rule of SES matches.

    ``recipients``: addresses, domains (``example.com``), or domains' subdomains (``.example.com``); all of the
    account's verified domains unless said. ``rule_set``: the name of an existing rule set; without it the rules are in
    one that the app makes. SES uses the one rule set of a region that is active, and CloudFormation cannot make one
    active: do it once. ``after``: the rule of ``rule_set`` that comes before this one; in the app's own set, the
    handler whose rule does. ``bucket`` and ``prefix``: where the whole mail is stored first. ``tls_policy``:
    ``Require`` refuses mail that comes without TLS. ``scan``: look for spam and viruses. ``sync``: wait for the
    handler, which returns ``STOP_RULE``, ``STOP_RULE_SET``, ``CONTINUE`` or nothing. ``enabled``: ``False`` deploys
    the rule switched off.

    Invoked asynchronously unless ``sync``: when the handler raises, Lambda tries the event again after one and after
    two more minutes. https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
    """

    decorator = "ses_receiver"
    example = '@app.ses_receiver(recipients=["help@example.com"])'
    kinds = ("ses",)

    def __init__(
        self,
        *,
        recipients: Sequence[str] = (),
        rule_set: str = "",
        after: str = "",
        bucket: Bucket | None = None,
        prefix: str = "",
        tls_policy: str = "Optional",
        scan: bool = True,
        sync: bool = False,
        enabled: bool = True,
    ) -> None:
        super().__init__()
        self.recipients = recipients
        self.rule_set = rule_set
        self.after = after
        self.bucket = self.resource = bucket
        self.prefix = prefix
        self.tls_policy = tls_policy
        self.scan = scan
        self.sync = sync
        self.enabled = enabled
        self.validate()

    def validate(self) -> None:
        texts("ses_receiver", "recipients", self.recipients, "['help@example.com']")
        for option in ("rule_set", "after"):
            if getattr(self, option) != "":
                text("ses_receiver", option, getattr(self, option), "Remove it.")
        if self.bucket is not None and (not isinstance(self.bucket, Bucket) or not self.bucket.owned):
            raise refused(
                f"bucket must be one that the app owns, such as app.bucket('mail'), for ses_receiver, because its "
                f"policy has to let SES write, not {self.bucket!r}."
            )
        if not isinstance(self.prefix, str) or (self.prefix and self.bucket is None):
            raise refused(
                f"prefix begins the keys in a bucket: give bucket, too, or remove the prefix {self.prefix!r}."
            )
        one_of("ses_receiver", "tls_policy", self.tls_policy, ("Optional", "Require"))
        for option in ("scan", "sync", "enabled"):
            flag("ses_receiver", option, getattr(self, option))

    def title(self) -> str:
        for_whom = ", ".join(self.recipients) or "everybody"
        off = " (disabled)" if not self.enabled else ""
        return f"mail for {for_whom if len(for_whom) <= 80 else for_whom[:77] + '...'}{off}"

    def parse(self, raw: Any, context: Any) -> ReceivedMail:
        return ReceivedMail(raw["Records"][0], context)  # SES sends one mail at a time

    def encode(self, result: Any, event: ReceivedMail) -> dict[str, str] | None:
        if not self.sync:
            return None
        disposition = "CONTINUE" if result is None else result
        if disposition not in DISPOSITIONS:
            raise TypeError(f"A handler of mail returns one of {', '.join(DISPOSITIONS)}, or nothing, not {result!r}.")
        return {"disposition": disposition}

    def mismatch(self, raw: Any) -> str:
        found = raw["Records"][0]["ses"]["receipt"]["recipients"]
        if not self.recipients or any(matches(rule, address) for rule in self.recipients for address in found):
            return ""
        return f"recipient `{printable(', '.join(found))}` is not {' or '.join(self.recipients)}"

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """SES runs each rule that fits, and a mail does not say which rule the function was invoked for."""
        if not isinstance(other, SesReceiver) or not (self.enabled and other.enabled):
            return None
        rules = [*self.recipients, *other.recipients] or [""]
        mails = (self.sample(recipient=likely(rule)) if rule else self.sample() for rule in rules)
        return taken_by_both(self, other, mails)  # type: ignore[no-any-return]

    def grants(self) -> Collection[Grant]:
        return [self.bucket.read] if self.bucket is not None else ()

    def resources(self, function: Function, template: Template) -> None:
        """The rule, behind the one before it, and first its permission and its leave to write to the bucket.

        The embedded AWS has no receipt rules.
        """
        if self.sync and function.timeout > SYNC_TIMEOUT:
            raise self.refused(
                f"SES waits {SYNC_TIMEOUT} s for a handler with sync=True, and the function {function.name!r} may take "
                f"{function.timeout}. Write @app.function(timeout={SYNC_TIMEOUT}) or less."
            )
        if template.local:
            return
        rule = pascal(self.own_name) + "ReceiptRule"
        properties: dict[str, Any] = {
            "RuleSetName": self.rule_set or self._own_rule_set(template),
            "Rule": self._rule(function, template),
        }
        if self.after:
            properties["After"] = self.after if self.rule_set else self._rule_of(self.after, template)
        template.add(rule, "AWS::SES::ReceiptRule", properties)
        # With the account only: SES checks the permission before there is a rule to name.
        template.depend(rule, template.permit(function, rule, "ses.amazonaws.com", source_account=True))
        if self.bucket is not None:
            self._let_write(self.bucket, rule, template)

    def _rule(self, function: Function, template: Template) -> dict[str, Any]:
        name = template.physical(self.own_name)
        if len(name) > NAME_MAX or not name[-1].isalnum():
            raise self.refused(
                f"SES refuses the rule name {name!r}: it has {NAME_MAX} characters at most and ends with a letter or "
                f"digit. Rename the handler."
            )
        invoked = "RequestResponse" if self.sync else "Event"
        actions: list[dict[str, Any]] = [
            {"LambdaAction": {"FunctionArn": template.function_arn(function), "InvocationType": invoked}}
        ]
        if self.bucket is not None:
            stored = {"BucketName": template.reference(self.bucket.logical_id)}
            stored |= {"ObjectKeyPrefix": self.prefix} if self.prefix else {}
            actions.insert(0, {"S3Action": stored})
        rule: dict[str, Any] = {
            "Name": name,
            "Enabled": self.enabled,
            "TlsPolicy": self.tls_policy,
            "ScanEnabled": self.scan,
            "Actions": actions,
        }
        return {**rule, "Recipients": list(self.recipients)} if self.recipients else rule

    def _rule_of(self, handler: str, template: Template) -> Any:
        rule = pascal(handler) + "ReceiptRule"
        if not template.has(rule):
            raise self.refused(
                f"after names a handler with @app.ses_receiver above this one, and {handler!r} is none. Move it up, or "
                f"give the rule_set that has a rule of this name."
            )
        return {"Ref": rule}

    def _own_rule_set(self, template: Template) -> Any:
        """The app's rule set."""
        if not template.has(RULE_SET):
            template.main.add(RULE_SET, "AWS::SES::ReceiptRuleSet", {"RuleSetName": template.physical("mail")})
            template.main.output(RULE_SET, {"Ref": RULE_SET}, "The rule set to make active in SES")
        return template.reference(RULE_SET)

    def _let_write(self, bucket: Bucket, rule: str, template: Template) -> None:
        """Have the bucket's policy let SES write mail of this account."""
        policy = pascal(bucket.key) + "BucketPolicy"
        statements = template.properties(policy)["PolicyDocument"]["Statement"]
        statement = {
            "Sid": "Mail",
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": [bucket.logical_id, "Arn"]}, "/*"]]},
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }
        if statement not in statements:
            statements.append(statement)
        if template.main is template:  # else the main stack is there before this one
            template.depend(rule, policy)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A mail. Fields: ``sender``, ``recipient``, ``subject``, ``message_id``."""
        self.fields_among(fields, ("sender", "recipient", "subject", "message_id"))
        to = str(fields.get("recipient", likely(self.recipients[0] if self.recipients else "example.com")))
        sender = str(fields.get("sender", "jane@example.net"))
        subject = str(fields.get("subject", "Example"))
        listed = {"From": sender, "To": to, "Subject": subject}
        passed = {"status": "PASS"}
        mail = {
            "timestamp": "2026-01-01T00:00:00.000Z",
            "source": sender,
            "messageId": str(fields.get("message_id", "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1")),
            "destination": [to],
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, value in listed.items()],
            "commonHeaders": {"from": [sender], "to": [to], "subject": subject},
        }
        receipt = {
            "timestamp": "2026-01-01T00:00:00.000Z",
            "processingTimeMillis": 574,
            "recipients": [to],
            **{f"{name}Verdict": passed for name in ("spam", "virus", "spf", "dkim", "dmarc")},
            "action": {
                "type": "Lambda",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:example",
                "invocationType": "RequestResponse" if self.sync else "Event",
            },
        }
        return {
            "Records": [{"eventSource": "aws:ses", "eventVersion": "1.0", "ses": {"mail": mail, "receipt": receipt}}]
        }


def likely(rule: str) -> str:
    """An address that a recipient of a rule takes."""
    return rule if "@" in rule else f"help@{'mail' if rule.startswith('.') else ''}{rule}"


def matches(rule: str, address: str) -> bool:
    """Whether a recipient of a rule (an address, a domain, or ``.domain`` for its subdomains) takes an address.

    What follows a ``+`` is passed over: SES has decided about it before it invokes the function.
    """
    local, _, domain = address.lower().rpartition("@")
    rule = rule.lower()
    if "@" in rule:
        wanted, _, at = rule.rpartition("@")
        return domain == at and wanted.partition("+")[0] == local.partition("+")[0]
    return domain.endswith(rule) if rule.startswith(".") else domain == rule

"""What the embedded AWS pushes to functions, as AWS would: which of it arrives, and how it looks.

It hands over every message of a topic, whatever a subscription's filter policy, and for some rules the whole event, and
what is to be made of it, see ``tools/build/pushes.py``: the decision is made here, by AWS's rules. What differs from
what AWS sends is corrected.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from eventfw.errors import EventfwError, RuleError
from eventfw.rules.transform import WHOLE_EVENT
from eventfw.tools.local.cloud.said import Said
from eventfw.tools.local.cloud.versions import Objects, add_version

if TYPE_CHECKING:
    from eventfw.rules.policy import FilterPolicy

NO_CONTENT = "d41d8cd98f00b204e9800998ecf8427e"  # the ETag of nothing, which a delete marker has
REFUSED = "EventBridge refuses such an event (MalformedDetail: Detail must be a JSON object), so {} does not get it."


class Pushes:
    """The decisions, by what the app's stack says; :meth:`replace` takes over what a changed one says.

    ``followed`` waits until no change of the stack is under way: who has subscribed is told at its end. ``said`` knows
    what the embedded AWS leaves out, and ``client`` what is in buckets.
    """

    def __init__(
        self,
        followed: Callable[[], Awaitable[None]],
        note: Callable[[str], None],
        said: Said | None = None,
        client: Callable[[], Objects | None] = lambda: None,
    ) -> None:
        self.followed = followed
        self.note = note
        self.said = said or Said()
        self.client = client
        self._policies: dict[str, FilterPolicy | None] = {}

    def replace(self, subscriptions: Iterable[Mapping[str, Any]]) -> None:
        """Take over the functions' subscriptions, with their filter policies: ``{"arn", "policy", "scope"}`` each."""
        self._policies = {one["arn"]: _policy(one["policy"], one["scope"]) for one in subscriptions}

    async def handed_over(self, function: str, pushed: bytes) -> bytes | None:
        """What the function gets of a push; ``None`` where AWS would not have sent it."""
        try:
            event = json.loads(pushed)
        except ValueError:
            return pushed
        if not isinstance(event, dict):
            return pushed
        if WHOLE_EVENT in event:
            self.said.complete_event(event["event"])
            return self._of_rule(function, event[WHOLE_EVENT], event["event"])
        record = _only_record(event)
        if record.get("EventSource") == "aws:sns" and _has(record, "Sns", "Message"):
            return await self._of_topic(event, record)
        if record.get("eventSource") == "aws:s3" and _has(record, "s3", "object"):
            return _of_bucket(event, record)
        if "detail-type" in event and "detail" in event:
            return await self._of_bus(function, event)
        return pushed

    def _of_rule(self, function: str, rule: dict[str, Any], event: dict[str, Any]) -> bytes | None:
        try:
            return _by_rule(rule, event)
        except (RuleError, ValueError) as error:  # a pattern or a template that the app has written out itself
            self.note(f"{function} does not get an event by the rule {rule['name']}: {error}")
            return None

    async def _of_topic(self, event: dict[str, Any], record: dict[str, Any]) -> bytes | None:
        """A message, unless the subscription's policy is against it. A subscription that somebody made by hand keeps
        its policy in the embedded AWS."""
        arn, sent = record.get("EventSubscriptionArn", ""), record["Sns"]
        if arn not in self._policies:
            await self.followed()
        policy = self._policies.get(arn)
        attributes = sent.get("MessageAttributes", {})
        if policy is not None and policy.mismatch(attributes, sent["Message"]):
            return None
        self.said.complete_message(sent)
        certificate = sent.pop("SigningCertURL", "")
        leave = sent.pop("UnsubscribeURL", "").partition("&SubscriptionArn=")[0]
        record["Sns"] = {
            **sent,
            "Subject": sent.get("Subject"),
            "SigningCertUrl": certificate,
            "UnsubscribeUrl": f"{leave}&SubscriptionArn={arn}",
            "MessageAttributes": attributes,
        }
        return json.dumps(event).encode()

    async def _of_bus(self, function: str, event: dict[str, Any]) -> bytes | None:
        detail = event["detail"]
        if not isinstance(detail, dict):
            self.note(REFUSED.format(function))
            return None
        self.said.complete_event(event)
        if event.get("source") == "aws.s3" and isinstance(detail.get("object"), dict):
            await self._of_object(event, detail)
        return json.dumps(event).encode()

    async def _of_object(self, event: dict[str, Any], detail: dict[str, Any]) -> None:
        """Correct S3's event: its version, a time to the second, and nothing of the content of what is gone."""
        if (client := self.client()) is not None:
            try:
                await add_version(event, client)
            except EventfwError as error:  # the bucket may be gone by now; the event happened all the same
                self.note(f"The version of an object is not known: {error}")
        event["time"] = event["time"].partition(".")[0].removesuffix("Z") + "Z"
        if event["detail-type"] == "Object Deleted":
            _of_nothing(detail["object"], "etag", detail.get("deletion-type") == "Delete Marker Created")


def _policy(policy: Mapping[str, Any], scope: str) -> FilterPolicy | None:
    if not policy:
        return None
    from eventfw.rules.policy import FilterPolicy  # which most apps have no use for

    return FilterPolicy(policy, scope)


def _only_record(event: dict[str, Any]) -> dict[str, Any]:
    records = event.get("Records")
    found = records[0] if isinstance(records, list) and len(records) == 1 else None
    return found if isinstance(found, dict) else {}


def _has(record: dict[str, Any], name: str, within: str) -> bool:
    """Whether a record is as AWS makes it: a device, or a state machine, may send what only looks like one."""
    found = record.get(name)
    return isinstance(found, dict) and within in found


def _of_bucket(event: dict[str, Any], record: dict[str, Any]) -> bytes:
    """A notification. Of what was removed, S3 tells neither size nor, unless a marker took its place, an ETag."""
    name = str(record.get("eventName"))
    if name.startswith("ObjectRemoved:"):
        _of_nothing(record["s3"]["object"], "eTag", name.endswith("DeleteMarkerCreated"))
    return json.dumps(event).encode()


def _of_nothing(stored: dict[str, Any], tag: str, marker: bool) -> None:
    stored.pop("size", None)
    stored.pop(tag, None)
    if marker:
        stored[tag] = NO_CONTENT


def _by_rule(rule: dict[str, Any], event: dict[str, Any]) -> bytes | None:
    """What a rule makes of an event that it takes. The names are CloudFormation's.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-events-rule-target.html
    """
    from eventfw.rules.pattern import EventPattern
    from eventfw.rules.transform import at, transformed

    target = rule["target"]
    pattern = target.get("EventPattern")
    if not isinstance(event.get("detail"), dict) or (pattern and not EventPattern(pattern).matches(event)):
        return None
    if "Input" in target:
        return str(target["Input"]).encode()
    made: Any = event
    if "InputPath" in target:
        made = at(target["InputPath"], event)
    elif "InputTransformer" in target:
        how = target["InputTransformer"]
        made = transformed(how.get("InputPathsMap") or {}, how["InputTemplate"], event, rule["name"], rule["arn"])
    return json.dumps(made).encode()

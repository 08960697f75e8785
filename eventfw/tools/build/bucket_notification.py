"""The code of a custom resource: it tells a bucket that the stack does not own to notify the stack's functions.

A bucket has one notification configuration, which others may use too. Only the entries of this resource are touched:
their ids begin with the stack's name, a part of its id, and the resource's own logical id.

CloudFormation runs this file as ``index.py`` in Lambda, by itself: it imports what Lambda's Python has, and nothing of
eventfw or the project. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from typing import Any

LAMBDA = "LambdaFunctionConfigurations"
LISTS = ("TopicConfigurations", "QueueConfigurations", LAMBDA)
STOPS_BEFORE = 15.0  # seconds before Lambda ends the function: no further try begins
ANSWERS_BEFORE = 5.0  # seconds before Lambda ends the function: the answer is sent, whatever still runs
LOOKS_AGAIN_AFTER = 2.0  # seconds: a concurrent change has been written by then
WAITS = 5.0  # seconds before another try
YOUNG_TRIES = 8  # what a new role may do, and who may invoke a new function, is not known everywhere at once
CONFLICTS = ("OperationAborted", "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout")
UNVALIDATED = "Unable to validate"  # what S3 says of destinations that it may not send to
NOTHING = "nothing-was-made"  # the physical id of what failed before it changed anything
REASON_MAX = 1000  # characters; the whole answer may have 4096 bytes
RESTLESS = "Others change the bucket's notifications again and again. Deploy again when they have come to rest."


def handler(event: dict[str, Any], context: Any) -> None:
    """What Lambda calls. CloudFormation is answered once, whatever happens."""
    answer = Answer(event)
    seconds = context.get_remaining_time_in_millis() / 1000
    late = threading.Timer(max(seconds - ANSWERS_BEFORE, 0), answer.failed, ["It took too long. Deploy again."])
    late.daemon = True
    late.start()
    end = time.monotonic() + seconds - STOPS_BEFORE
    try:
        answer.succeeded(changed(event, client(), answer, lambda: time.monotonic() < end, time.sleep))
    except Exception as error:
        answer.failed(str(error) or type(error).__name__)
    finally:
        late.cancel()


def client() -> Any:
    """S3, with few tries of its own: it is this module that tries again."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(connect_timeout=3, read_timeout=6, retries={"total_max_attempts": 1}))


class Answer:
    """The one answer to CloudFormation's ResponseURL."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.physical_id = event.get("PhysicalResourceId", NOTHING)
        self._once = threading.Lock()

    def succeeded(self, physical_id: str) -> None:
        """It is done."""
        self.physical_id = physical_id
        self._send("SUCCESS", "")

    def failed(self, reason: str) -> None:
        """It is not done. What was never made has an id of its own, which its deletion is then recognised by."""
        print(reason)
        self._send("FAILED", reason)

    def _send(self, status: str, reason: str) -> None:
        if not self._once.acquire(blocking=False):
            return
        answer = {name: self.event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        answer |= {"Status": status, "PhysicalResourceId": self.physical_id, "Reason": reason[:REASON_MAX]}
        for tries_left in (2, 1, 0):
            # S3 signed the URL without a content type; urllib would make one up.
            body, headers = json.dumps(answer).encode(), {"Content-Type": ""}
            request = urllib.request.Request(self.event["ResponseURL"], body, headers, method="PUT")
            try:
                urllib.request.urlopen(request, timeout=ANSWERS_BEFORE / 2).close()
                return
            except OSError as error:
                print(f"CloudFormation was not reached: {error}")
                if not tries_left:
                    raise


def changed(
    event: dict[str, Any],
    s3: Any,
    answer: Answer,
    in_time: Callable[[], bool],
    sleep: Callable[[float], None],
) -> str:
    """Do what CloudFormation asks for. Gives the physical id: another bucket is another resource, so CloudFormation has
    the old one deleted once everything else went well."""
    properties, mine = event["ResourceProperties"], prefix_of(event)
    old = event.get("PhysicalResourceId", NOTHING)
    if event["RequestType"] == "Delete":
        if old != NOTHING:
            withdraw(Bucket(s3, old.partition("/")[0], properties["Owner"], mine, in_time, sleep))
        return str(old)
    bucket = Bucket(s3, properties["Bucket"], properties["Owner"], mine, in_time, sleep)
    new = f"{bucket.name}/{mine}"
    if event["RequestType"] == "Create":
        bucket.before_writing = lambda: setattr(answer, "physical_id", new)
    entries = [{**entry, "Id": id_of(mine, entry)} for entry in properties.get("Notifications", [])]
    try:
        announce(bucket, entries, properties.get("EventBridge") == "true")
    except Exception:
        if new != old and bucket.written and event["RequestType"] == "Update":
            withdraw(bucket)  # nobody else would: the stack goes back to the old bucket, and knows no other
        raise
    return new


def prefix_of(event: dict[str, Any]) -> str:
    """What the ids of this resource's entries begin with; no other stack's do, not even those of one that is called
    the same later."""
    _, name, unique = event["StackId"].rpartition(":")[2].split("/")
    return f"{name}-{unique[:8]}-{event['LogicalResourceId']}-"


def id_of(mine: str, entry: dict[str, Any]) -> str:
    """The same id for the same entry, so that nothing is written where nothing changed."""
    return mine + sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:12]


def announce(bucket: Bucket, entries: list[dict[str, Any]], eventbridge: bool) -> None:
    """Put this resource's entries in the place of those it had, and look a moment later whether they are there: of two
    configurations that are written at once S3 keeps the last."""
    while True:
        config = bucket.read()
        wanted = with_entries(config, bucket.mine, entries, eventbridge)
        if wanted == config:
            return
        bucket.write(wanted)
        bucket.pause(LOOKS_AGAIN_AFTER, RESTLESS)


def withdraw(bucket: Bucket) -> None:
    """Take this resource's entries out. A bucket that is gone has none."""
    try:
        while True:
            config = bucket.read()
            left = with_entries(config, bucket.mine, [], eventbridge=False)
            if left == config:
                return
            bucket.write(left, leaving=True)
            bucket.pause(LOOKS_AGAIN_AFTER, RESTLESS)
    except Missing:
        return


def with_entries(config: dict[str, Any], mine: str, entries: list[dict[str, Any]], eventbridge: bool) -> dict[str, Any]:
    """A configuration with ``entries`` instead of those whose ids begin with ``mine``, and all others as they are.

    EventBridge is switched on where it is needed, and never off, because others may have come to need it.
    """
    made, present = dict(config), config.get(LAMBDA, [])
    theirs = [one for one in present if not one.get("Id", "").startswith(mine)]
    had = {one["Id"] for one in present if one not in theirs}
    if had != {one["Id"] for one in entries}:
        made[LAMBDA] = theirs + entries
        if not made[LAMBDA]:
            del made[LAMBDA]
    if eventbridge:
        made.setdefault("EventBridgeConfiguration", {})
    return made


class Missing(Exception):
    """There is no such bucket."""


class Bucket:
    """A bucket's notification configuration, read and written with patience."""

    def __init__(
        self, s3: Any, name: str, owner: str, mine: str, in_time: Callable[[], bool], sleep: Callable[[float], None]
    ) -> None:
        self.s3, self.name, self.owner, self.mine = s3, name, owner, mine
        self.in_time, self.sleep = in_time, sleep
        self.before_writing: Callable[[], None] = lambda: None
        self.written = False

    def read(self) -> dict[str, Any]:
        """The configuration."""
        found = self._tried(self.s3.get_bucket_notification_configuration)
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def write(self, config: dict[str, Any], *, leaving: bool = False) -> None:
        """Write the configuration. ``leaving`` does not have S3 ask every destination: one that others left behind must
        not keep this resource from being deleted."""
        self.before_writing()
        more = {"SkipDestinationValidation": True} if leaving else {}
        self._tried(self.s3.put_bucket_notification_configuration, NotificationConfiguration=config, **more)
        self.written = True

    def pause(self, seconds: float, otherwise: str) -> None:
        """Wait, or give up where the time is up."""
        if not self.in_time():
            raise RuntimeError(otherwise)
        self.sleep(seconds)

    def _tried(self, call: Callable[..., dict[str, Any]], **given: Any) -> dict[str, Any]:
        young = 0
        while True:
            try:
                return call(Bucket=self.name, ExpectedBucketOwner=self.owner, **given)
            except Exception as error:
                code, said = code_of(error)
                if code == "NoSuchBucket":
                    raise Missing(f"There is no bucket {self.name}.") from error
                young += code == "AccessDenied" or UNVALIDATED in said
                told = self._told(code, said, given.get("NotificationConfiguration", {}))
                if code not in CONFLICTS and not 0 < young < YOUNG_TRIES:
                    raise RuntimeError(told) from error
                self.pause(WAITS, told)

    def _told(self, code: str, said: str, config: dict[str, Any]) -> str:
        """S3's refusal in words that name the remedy."""
        if code == "AccessDenied":
            return (
                f"S3 denies access to the notifications of bucket {self.name} ({said}). The bucket must belong to "
                f"account {self.owner}, and its policy must not keep this stack's role from them."
            )
        if "overlap" in said.lower():
            ids = [str(one.get("Id", "")) for name in LISTS for one in config.get(name, [])]
            theirs = ", ".join(sorted(one for one in ids if not one.startswith(self.mine)))
            return (
                f"S3 refuses two notifications of bucket {self.name} for the same event and overlapping keys ({said}). "
                f"Change prefix, suffix or events of @app.s3_trigger, or use via='eventbridge', where both may stand. "
                f"The entries that others made: {theirs}."
            )
        hint = " Another entry may name something that is gone; remove it." if UNVALIDATED in said else ""
        return f"S3 refuses to change the notifications of bucket {self.name}: {code}: {said}{hint}"


def code_of(error: Exception) -> tuple[str, str]:
    """S3's code and message; the exception's own where S3 was not reached."""
    found = getattr(error, "response", {}).get("Error", {})
    return str(found.get("Code", type(error).__name__)), str(found.get("Message", error))

"""S3: every record, decoded keys, the right bucket."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from eventfw import App, S3Record
from eventfw.errors import RegistrationError, RoutingError
from eventfw.routing import Router
from eventfw.rules.keys import EVENT_TYPES
from eventfw.rules.object_events import TOLD, event_name, sent
from eventfw.rules.pattern import EventPattern
from eventfw.runtime import entry
from eventfw.sources.s3 import S3Trigger, pattern_of
from eventfw.tools.build.template import Template
from eventfw.tools.checks import check


def app_with(seen: list[str], fail: str = "") -> App:
    app = App("demo")

    @app.s3_trigger(app.bucket("uploads"), prefix="in/")
    def upload(record: S3Record) -> None:
        seen.append(record.key)
        if fail in record.key and fail:
            raise ValueError(record.key)

    return app


def event(app: App, *keys: str, bucket: str = "uploads") -> dict[str, Any]:
    trigger = app.handlers[0].triggers[0]
    return {"Records": [trigger.sample(key=key, bucket=bucket)["Records"][0] for key in keys]}


def test_every_record_runs_with_its_key_decoded() -> None:
    seen: list[str] = []
    app = app_with(seen)
    keys = ["in/a b+c.png", "in/ü%20.png", "in/plain"]
    assert entry(app, "upload")(event(app, *keys), None) is None
    assert seen == keys


def test_a_failure_does_not_keep_the_other_records_from_running() -> None:
    seen: list[str] = []
    app = app_with(seen, fail="bad")
    with pytest.raises(ValueError, match="in/bad1") as caught:
        entry(app, "upload")(event(app, "in/bad1", "in/bad2", "in/c"), None)
    assert seen == ["in/bad1", "in/bad2", "in/c"]
    assert "in/bad2" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("bucket", "reached"),
    [("uploads", True), ("demo-dev-uploads-123456789012-eu-west-1", True), ("other-uploads", False)],
)
def test_only_its_own_bucket_reaches_it(bucket: str, reached: bool) -> None:
    app = app_with([])
    assert bool(Router(app).route(event(app, "in/a", bucket=bucket)).reached) is reached


def test_a_key_outside_the_filter_says_why() -> None:
    app = app_with([])
    assert Router(app).route(event(app, "out/a")).why == {"upload": "key `out/a` does not begin with `in/`"}


@pytest.mark.parametrize("name", ["Uploads", "up_loads", "-up", "up-", "ab", "a" * 41, "", None])
def test_a_bucket_name_that_s3_refuses_is_refused(name: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").bucket(name)


def handler_of(app: App, name: str = "upload") -> Any:
    """A handler that does nothing, for a decorator."""

    def handler(record: S3Record) -> None: ...

    handler.__name__ = name
    return handler


def trigger_of(bucket: Any = None, **options: Any) -> S3Trigger:
    app = App("demo")
    app.s3_trigger(bucket or app.bucket("uploads"), **options)(handler_of(app))
    trigger = app.handlers[0].triggers[0]
    assert isinstance(trigger, S3Trigger)
    return trigger


BRIDGED = {"via": "eventbridge"}


def test_both_forms_of_an_event_read_alike() -> None:
    key = "in/a b+ü%20.png"
    one, other = (
        trigger_of(**options).parse(trigger_of(**options).sample(key=key, size=7), None).records
        for options in ({}, BRIDGED)
    )
    for attribute in ("bucket", "key", "size", "etag", "version_id", "sequencer", "event_name", "time", "region"):
        assert getattr(one[0], attribute) == getattr(other[0], attribute), attribute
    assert other[0].raw["detail"]["object"]["key"] == key  # EventBridge does not encode it


@pytest.mark.parametrize("event_type", [one for one in EVENT_TYPES if sent(one)])
def test_the_rule_takes_what_the_event_type_asks_for_and_nothing_else(event_type: str) -> None:
    trigger = trigger_of(events=event_type, **BRIDGED)
    pattern = EventPattern(pattern_of(trigger, "uploads"))
    wanted = event_type.removesuffix("*")
    for other in TOLD:
        event = trigger_of(**BRIDGED).sample(event_name=other.removeprefix("s3:"))
        assert event_name(event["detail-type"], event["detail"]) == other.removeprefix("s3:")
        taken = other.startswith(wanted) if event_type.endswith("*") else other == event_type
        assert pattern.matches(event) is taken, other
        assert (trigger.mismatch(event) == "") is taken, other


def test_several_event_types_make_one_rule() -> None:
    trigger = trigger_of(events=["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", "s3:ObjectTagging:*"], **BRIDGED)
    assert pattern_of(trigger, "b") == {
        "source": ["aws.s3"],
        "detail": {"bucket": {"name": ["b"]}},
        "$or": [
            {"detail-type": ["Object Created"], "detail": {"reason": ["PutObject", "CopyObject"]}},
            {"detail-type": ["Object Tags Added", "Object Tags Deleted"]},
        ],
    }


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"prefix": "in/"}, [{"prefix": "in/"}]),
        ({"suffix": ".png"}, [{"suffix": ".png"}]),
        ({"prefix": "in\\", "suffix": ".png"}, [{"wildcard": "in\\\\*.png"}]),
        ({"wildcard": "in/*/x*.png"}, [{"wildcard": "in/*/x*.png"}]),
    ],
)
def test_the_rule_asks_for_the_key_as_the_handler_does(options: dict[str, str], keys: list[Any]) -> None:
    trigger = trigger_of(**options, **BRIDGED)
    made = pattern_of(trigger, "uploads")
    assert made["detail"]["object"]["key"] == keys
    for key in ("in/a/x1.png", "in\\x.png", "in/.png", "x.txt", "in\\png", "in/a/x"):
        event = trigger.sample(key=key)
        assert EventPattern(made).matches(event) is (trigger.mismatch(event) == ""), key
    assert trigger.mismatch(trigger.sample()) == ""


@pytest.mark.parametrize(
    "options",
    [
        {"via": "sns"},
        {"wildcard": "a*"},
        {"wildcard": "a*", "prefix": "a", **BRIDGED},
        {"wildcard": "a**", **BRIDGED},
        {"events": ["s3:Replication:*"], **BRIDGED},
        {"events": ["s3:ReducedRedundancyLostObject"], **BRIDGED},
        {"events": ["s3:ObjectCreated:*", "s3:ObjectCreated:Put"]},
        {"maximum_retry_attempts": 1},
        {"maximum_event_age": 60},
        {"maximum_retry_attempts": 186, **BRIDGED},
        {"maximum_event_age": 59, **BRIDGED},
        {"dead_letter": "lost", **BRIDGED},
        {"events": []},
        {"bucket": 7},
        {"bucket": "Not A Bucket"},
    ],
)
def test_what_s3_or_eventbridge_refuses_is_refused_on_the_users_line(options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError) as caught:
        trigger_of(**options)
    assert "test_s3.py" in caught.value.place


def test_an_event_of_one_way_does_not_reach_a_handler_of_the_other() -> None:
    notified, bridged = trigger_of(), trigger_of(**BRIDGED)
    for trigger, other in ((notified, bridged), (bridged, notified)):
        app = App("demo")
        bucket = app.bucket("uploads")
        app.s3_trigger(bucket, via=trigger.via)(handler_of(app))
        assert not Router(app).route(other.sample()).reached
        assert Router(app).route(trigger.sample()).reached


def test_an_object_may_reach_several_functions_through_eventbridge() -> None:
    app = App("demo")
    uploads = app.bucket("uploads")
    app.s3_trigger(uploads, **BRIDGED)(handler_of(app, "one"))
    app.s3_trigger(uploads, prefix="in/", **BRIDGED)(handler_of(app, "two"))
    app.event_rule({"source": ["aws.s3"]})(handler_of(app, "three"))
    event = app.handlers[0].triggers[0].sample(key="in/a")
    assert [handler.name for handler in Router(app).route(event).reached] == ["one", "two", "three"]
    assert check(app) == []


@pytest.mark.parametrize("first", ["rule", "trigger"])
def test_two_rules_of_one_function_that_take_one_event_are_refused(first: str) -> None:
    app = App("demo")
    decorators = [app.event_rule({"source": ["aws.s3"]}), app.s3_trigger(app.bucket("uploads"), **BRIDGED)]
    for name, decorator in zip("ab", decorators if first == "rule" else decorators[::-1], strict=True):
        decorator(app.function("both")(handler_of(app, name)))
    [finding] = check(app)
    assert finding.refused and finding.example is not None
    with pytest.raises(RoutingError):
        Router(app).pick("both", finding.example)


def test_rules_of_one_function_that_exclude_one_another_are_told_apart() -> None:
    app = App("demo")
    uploads = app.bucket("uploads")
    for name, prefix in (("a", "a/"), ("b", "b/")):
        app.s3_trigger(uploads, prefix=prefix, **BRIDGED)(app.function("both")(handler_of(app, name)))
    assert check(app) == []
    event = app.handlers[1].triggers[0].sample(key="b/x")
    assert Router(app).pick("both", event)[0].name == "b"


def test_other_events_of_the_bus_pass_by() -> None:
    trigger = trigger_of(**BRIDGED)
    event = trigger.sample() | {"source": "my.shop"}
    assert trigger.mismatch(event) == "source `my.shop` is not `aws.s3`"
    assert not list(S3Trigger.index([trigger]).find(event))


def test_an_existing_bucket_is_known_by_its_own_name_in_every_stage() -> None:
    app = App("demo")
    app.s3_trigger("arn:aws:s3:::photos")(handler_of(app))
    router, sample = Router(app), app.handlers[0].triggers[0].sample
    assert router.route(sample()).reached
    assert not router.route(sample(bucket="demo-dev-photos-123456789012-eu-west-1")).reached


def test_overlapping_notifications_of_one_existing_bucket_are_refused() -> None:
    app = App("demo")
    app.s3_trigger("photos", prefix="a")(handler_of(app, "one"))
    with pytest.raises(RegistrationError, match="overlapping keys"):
        app.s3_trigger("photos", prefix="ab")(handler_of(app, "two"))


def built(app: App, *, local: bool = False) -> dict[str, Any]:
    template = Template("demo", "dev", local=local)
    for resource in app.resources:
        resource.resources(template)
    for function in app.functions.values():
        template.add(template.function_id(function), "AWS::Lambda::Function", {"Runtime": "python3.12"})
        for handler in function.handlers:
            for trigger in handler.triggers:
                trigger.resources(function, template)
    resources: dict[str, Any] = copy.deepcopy(template.body("")["Resources"])
    return resources


def test_notifications_of_an_existing_bucket_are_merged_by_a_custom_resource() -> None:
    app = App("demo")
    app.s3_trigger("photos", prefix="in put/", events=["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"])(handler_of(app))
    app.s3_trigger("photos", prefix="out/")(handler_of(app, "other"))
    app.s3_trigger("pictures")(handler_of(app, "third"))
    made = built(app)
    custom = made["PhotosBucketNotifications"]
    assert custom["Type"] == "Custom::BucketNotifications"
    assert custom["DependsOn"] == ["OtherPhotosPermission", "PhotosBucketNotificationsPolicy", "UploadPhotosPermission"]
    properties = custom["Properties"]
    assert (properties["Bucket"], properties["Owner"]) == ("photos", {"Ref": "AWS::AccountId"})
    assert properties["Notifications"][0] == {
        "LambdaFunctionArn": {"Fn::GetAtt": ["UploadFunction", "Arn"]},
        "Events": ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in+put/"}]}},
    }
    assert len(properties["Notifications"]) == 2
    permission = made["UploadPhotosPermission"]["Properties"]
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permission["SourceArn"] == {"Fn::Sub": "arn:${AWS::Partition}:s3:::photos"}
    assert "PhotosBucket" not in made


def test_the_custom_resource_may_touch_exactly_those_buckets() -> None:
    app = App("demo")
    app.s3_trigger("photos")(handler_of(app))
    app.s3_trigger("pictures", **BRIDGED)(handler_of(app, "other"))
    made = built(app)
    role = made["EventfwNotificationsRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert [one["Action"] for one in role] == [["logs:CreateLogStream", "logs:PutLogEvents"]]
    for name in ("photos", "pictures"):
        policy = made[f"{name.capitalize()}BucketNotificationsPolicy"]["Properties"]
        assert policy["Roles"] == [{"Ref": "EventfwNotificationsRole"}]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == ["s3:GetBucketNotification", "s3:PutBucketNotification"]
        assert statement["Resource"] == [{"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}"}]
        assert (
            f"{name.capitalize()}BucketNotificationsPolicy"
            in made[f"{name.capitalize()}BucketNotifications"]["DependsOn"]
        )
    assert sum(one["Type"] == "AWS::Lambda::Function" for one in made.values()) == 3
    function = made["EventfwNotificationsFunction"]["Properties"]
    assert function["Runtime"] == "python3.12"
    assert made["PicturesBucketNotifications"]["Properties"]["EventBridge"] == "true"


def test_through_eventbridge_an_owned_bucket_sends_and_a_rule_takes() -> None:
    app = App("demo")
    app.s3_trigger(app.bucket("uploads"), prefix="in/", **BRIDGED)(handler_of(app))
    made = built(app)
    notification = made["UploadsBucket"]["Properties"]["NotificationConfiguration"]
    assert notification == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    name = {"Fn::Sub": "demo-dev-uploads-${AWS::AccountId}-${AWS::Region}"}
    assert made["UploadObjectRule"]["Properties"]["EventPattern"]["detail"]["bucket"]["name"] == [name]
    assert made["UploadObjectRulePermission"]["Properties"]["SourceArn"] == {"Fn::GetAtt": ["UploadObjectRule", "Arn"]}


def test_events_that_eventbridge_could_not_hand_over_go_to_a_queue_of_the_app() -> None:
    app = App("demo")
    lost = app.queue("lost")
    options: dict[str, Any] = {"maximum_retry_attempts": 3, "maximum_event_age": 600, "dead_letter": lost}
    app.s3_trigger(app.bucket("uploads"), **options, **BRIDGED)(handler_of(app))
    made = built(app)
    [target] = made["UploadObjectRule"]["Properties"]["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["LostQueue", "Arn"]}}
    statements = made["LostQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [statement] = [one for one in statements if one["Effect"] == "Allow"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["UploadObjectRule", "Arn"]}}}


def test_the_local_variant_makes_an_existing_bucket_and_tells_it_itself() -> None:
    app = App("demo")
    app.s3_trigger("photos")(handler_of(app))
    made = built(app, local=True)
    assert made["PhotosBucket"]["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert not [name for name in made if "Notifications" in name]

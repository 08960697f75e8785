"""SNS: what a message says, filter policies, and the way through a queue."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eventfw import App, SnsMessage
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.runtime import entry
from eventfw.tools.build.template import Template


def subscriber(**options: Any) -> tuple[App, list[SnsMessage]]:
    app, seen = App("demo"), list[SnsMessage]()
    if "through" in options:
        options["through"] = app.queue(**options["through"])

    @app.sns_subscriber(app.topic("news", fifo=options.pop("fifo", False)), **options)
    def told(message: SnsMessage) -> None:
        seen.append(message)
        if message.message == "bad":
            raise ValueError("no")

    return app, seen


def sample(app: App, **fields: Any) -> Any:
    return app.handlers[0].triggers[0].sample(**fields)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("queued", [False, True])
def test_a_message_reads_the_same_whichever_way_it_came(queued: bool, raw: bool) -> None:
    options = {"through": {"name": "orders"}, "raw_delivery": raw} if queued else {}
    app, seen = subscriber(**options)
    entry(app, "told")(sample(app, message={"a": 1}, attributes={"size": 2, "kind": "x"}), None)
    [message] = seen
    assert (message.json, message.attributes) == ({"a": 1}, {"size": 2, "kind": "x"})
    assert message.subject is None
    assert message.id
    if not (queued and raw):
        assert message.published_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert message.topic_arn == "arn:aws:sns:us-east-1:123456789012:news"


def test_attributes_have_the_type_they_were_published_with() -> None:
    sent = {
        "list": {"Type": "String.Array", "Value": '["a", 1, null]'},
        "rate": {"Type": "Number", "Value": "1.5"},
        "blob": {"Type": "Binary", "Value": "AAE="},
        "label": {"Type": "String.url", "Value": "x"},
    }
    message = SnsMessage({"Sns": {"Message": "", "MessageAttributes": sent}})
    assert message.attributes == {"list": ["a", 1, None], "rate": 1.5, "blob": b"\0\1", "label": "x"}


def test_a_binary_attribute_may_lack_its_padding() -> None:
    message = SnsMessage({"Sns": {"Message": "", "MessageAttributes": {"blob": {"Type": "Binary", "Value": "AAE"}}}})
    assert message.attributes == {"blob": b"\0\1"}


def test_a_failed_message_of_a_queue_alone_comes_again() -> None:
    app, seen = subscriber(through={"name": "orders"})
    records = [sample(app, message=text)["Records"][0] | {"messageId": text} for text in ("a", "bad", "c")]
    answer = entry(app, "told")({"Records": records}, None)
    assert [message.message for message in seen] == ["a", "bad", "c"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_in_a_fifo_queue_the_first_failure_is_the_last() -> None:
    app, seen = subscriber(fifo=True, through={"name": "orders", "fifo": True})
    records = [sample(app, message=text)["Records"][0] | {"messageId": text} for text in ("bad", "c")]
    answer = entry(app, "told")({"Records": records}, None)
    assert [message.message for message in seen] == ["bad"]
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["bad", "c"]


def test_a_failure_without_a_queue_fails_the_invocation() -> None:
    app, _ = subscriber()
    with pytest.raises(ValueError, match="no"):
        entry(app, "told")(sample(app, message="bad"), None)
    assert entry(app, "told")(sample(app, message="good"), None) is None


def test_a_body_that_only_looks_like_an_envelope_is_the_message() -> None:
    message = SnsMessage({"body": '{"Type": "Notification"}', "messageId": "1"})
    assert message.message == '{"Type": "Notification"}'


@pytest.mark.parametrize(
    ("scope", "policy", "fields", "why"),
    [
        ("MessageAttributes", {"kind": ["x"]}, {"attributes": {"kind": "x"}}, ""),
        ("MessageAttributes", {"kind": ["x"]}, {"attributes": {"kind": "y"}}, "kind"),
        ("MessageBody", {"a": {"b": [1]}}, {"message": {"a": {"b": 1}}}, ""),
        ("MessageBody", {"a": {"b": [1]}}, {"message": "text"}, "JSON"),
    ],
)
def test_routing_says_which_condition_of_the_policy_failed(scope: str, policy: Any, fields: Any, why: str) -> None:
    app, _ = subscriber(filter_policy=policy, filter_scope=scope)
    route = Router(app).route(sample(app, **fields))
    assert bool(route.reached) is not bool(why)
    assert why in route.why.get("told", "")


def built(app: App) -> dict[str, Any]:
    template = Template("demo", "dev")
    for resource in app.resources:
        resource.resources(template)
    for handler in app.handlers:
        for trigger in handler.triggers:
            trigger.resources(app.functions[handler.function], template)
    return template.body("")["Resources"]  # type: ignore[no-any-return]


def test_the_topic_alone_may_invoke_the_function() -> None:
    app, _ = subscriber(filter_policy={"kind": ["x"]})
    resources = built(app)
    assert resources["ToldNewsTopicPermission"]["Properties"] == {
        "FunctionName": {"Fn::GetAtt": ["ToldFunction", "Arn"]},
        "Action": "lambda:InvokeFunction",
        "Principal": "sns.amazonaws.com",
        "SourceArn": {"Ref": "NewsTopic"},
    }
    assert resources["ToldNewsSubscription"]["Properties"] == {
        "TopicArn": {"Ref": "NewsTopic"},
        "Protocol": "lambda",
        "Endpoint": {"Fn::GetAtt": ["ToldFunction", "Arn"]},
        "FilterPolicy": {"kind": ["x"]},
        "FilterPolicyScope": "MessageAttributes",
    }


def test_through_a_queue_the_topic_may_send_and_the_function_polls() -> None:
    app, _ = subscriber(through={"name": "orders"}, raw_delivery=True, batch_size=5)
    resources = built(app)
    assert not [name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Permission"]
    assert resources["ToldOrdersMapping"]["Properties"]["BatchSize"] == 5
    subscription = resources["ToldNewsSubscription"]["Properties"]
    assert (subscription["Protocol"], subscription["RawMessageDelivery"]) == ("sqs", True)
    policy = json.dumps(resources["OrdersQueuePolicy"])
    assert json.dumps({"aws:SourceArn": {"Ref": "NewsTopic"}}) in policy


def test_undeliverable_messages_go_to_a_queue_that_the_topic_may_send_to() -> None:
    app = App("demo")
    app.sns_subscriber(app.topic("news"), dead_letter=app.queue("lost"))(print_it)
    resources = built(app)
    redrive = resources["PrintItNewsSubscription"]["Properties"]["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": ["LostQueue", "Arn"]}}
    assert "sns.amazonaws.com" in json.dumps(resources["LostQueuePolicy"])


def print_it(message: Any) -> None: ...


def test_a_topic_of_another_region_is_subscribed_to_where_it_is() -> None:
    app = App("demo")
    app.sns_subscriber("arn:aws:sns:eu-west-1:210987654321:news")(print_it)
    assert built(app)["PrintItNewsSubscription"]["Properties"]["Region"] == "eu-west-1"


def test_one_function_subscribes_to_a_topic_once() -> None:
    app = App("demo")
    news = app.topic("news")
    for name in ("one", "two"):

        def made(message: Any) -> None: ...

        made.__name__ = name
        app.sns_subscriber(news)(app.function("both")(made))
    with pytest.raises(RegistrationError, match="subscribes to the topic 'news' twice"):
        built(app)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"filter_scope": "Body"}, "filter_scope must be one of"),
        ({"filter_policy": {"a": []}}, "filter_policy is not valid"),
        ({"raw_delivery": True}, "raw_delivery is for queues"),
        ({"batch_size": 5}, "are for a queue"),
        ({"dead_letter": "lost"}, "dead_letter must be a queue of the app"),
        ({"fifo": True}, "cannot invoke a function"),
        ({"through": {"name": "orders", "fifo": True}}, "refuses a FIFO queue behind the standard topic 'news'"),
        ({"through": {"name": "orders"}, "batch_size": 11}, "needs batching_window"),
    ],
)
def test_what_sns_refuses_is_refused(options: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        subscriber(**options)


@pytest.mark.parametrize("fifo", [False, True])
def test_undeliverable_messages_go_to_a_queue_of_the_topics_kind(fifo: bool) -> None:
    app = App("demo")
    topic, queue = app.topic("news", fifo=fifo), app.queue("orders", fifo=fifo)
    wanted = "FIFO" if fifo else "standard"
    with pytest.raises(RegistrationError, match=f"dead_letter must be a {wanted} queue"):
        app.sns_subscriber(topic, through=queue, dead_letter=app.queue("wrong", fifo=not fifo))
    app.sns_subscriber(topic, through=queue, dead_letter=app.queue("right", fifo=fifo))


def test_a_standard_queue_may_be_behind_a_fifo_topic() -> None:
    app = App("demo")
    app.sns_subscriber(app.topic("news", fifo=True), through=app.queue("orders"))(print_it)
    assert built(app)["PrintItNewsSubscription"]["Properties"]["Protocol"] == "sqs"


@pytest.mark.parametrize("option", ["through", "dead_letter"])
def test_sns_cannot_send_to_a_queue_with_the_key_that_aws_manages(option: str) -> None:
    app = App("demo")
    queue: Any = app.queue("orders", kms_key="alias/aws/sqs")
    app.sns_subscriber(app.topic("news"), **{option: queue})(print_it)
    with pytest.raises(RegistrationError, match=r"sns\.amazonaws\.com cannot send to the queue 'orders'"):
        built(app)


@pytest.mark.parametrize("queue", [None, {"name": "orders"}])
@pytest.mark.parametrize(
    ("scope", "policy"),
    [
        ("MessageAttributes", {"kind": ["x"], "size": [{"numeric": [">", 2]}]}),
        ("MessageAttributes", {"kind": [{"exists": False}]}),
        ("MessageAttributes", {"kind": [True], "other": [None]}),
        ("MessageBody", {"order": {"id": [{"prefix": "o-"}]}}),
    ],
)
def test_the_sample_is_one_that_the_filter_policy_lets_through(scope: str, policy: Any, queue: Any) -> None:
    through = {} if queue is None else {"through": queue}
    app, _ = subscriber(filter_policy=policy, filter_scope=scope, **through)
    raw = sample(app)
    sent = raw["Records"][0].get("Sns") or json.loads(raw["Records"][0]["body"])
    assert app.handlers[0].triggers[0].policy.mismatch(sent["MessageAttributes"], sent["Message"]) == ""
    assert sample(app, message="x")["Records"][0]

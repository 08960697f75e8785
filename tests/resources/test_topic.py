"""A topic: what SNS would refuse, its grant, and the one policy that everything writes to."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import granted, resources

from eventfw import App, Queue, Topic
from eventfw.errors import RegistrationError
from eventfw.tools.build.template import Template

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"


@pytest.mark.parametrize("name", ["", "a b", "ä", "a/b", "x" * 257, "news.fifo", "---", 7, None])
def test_names_that_sns_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        Topic(name)
    assert "test_topic.py" in caught.value.place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fifo": "yes"}, "True or False"),
        ({"content_based_deduplication": True}, "fifo=True"),
        ({"display_name": "x" * 101}, "100 characters"),
        ({"kms_key": "my-key"}, "arn:aws:kms:REGION:ACCOUNT:key/ID, or 'alias/aws/sns'"),
        ({"kms_key": "alias/mine"}, "arn:aws:kms"),
    ],
)
def test_options_outside_what_sns_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        Topic("news", **options)


def test_a_fifo_topic_is_called_so() -> None:
    app = App("shop")
    topic = app.topic("news", fifo=True, content_based_deduplication=True, display_name="News")
    assert resources(app)["NewsTopic"]["Properties"] == {
        "TopicName": "shop-dev-news.fifo",
        "FifoTopic": True,
        "ContentBasedDeduplication": True,
        "DisplayName": "News",
    }
    assert topic.name == "news.fifo"
    far = Topic.existing("arn:aws:sns:eu-west-1:123456789012:far.fifo")
    assert (far.key, far.fifo, far.name) == ("far", True, "far.fifo")


def test_the_grant_is_exactly_its_actions_and_those_of_a_customers_key() -> None:
    assert granted(Topic("news").publish) == {"publish": {"": {"sns:Publish"}}}
    template = Template("shop", "dev")
    key = (["kms:Decrypt", "kms:GenerateDataKey"], [KEY])
    assert Topic("news", kms_key=KEY).publish.statements(template)[1:] == [key]
    assert Topic("news", kms_key="alias/aws/sns").publish.statements(template)[1:] == []


def test_messages_are_taken_over_tls_only() -> None:
    app = App("shop")
    app.topic("news")
    policy = resources(app)["NewsTopicPolicy"]["Properties"]
    assert policy["Topics"] == [{"Ref": "NewsTopic"}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert statement["Resource"] == {"Ref": "NewsTopic"}


@pytest.mark.parametrize(("resource", "logical_id"), [(Topic("news"), "NewsTopic"), (Queue("orders"), "OrdersQueue")])
def test_every_statement_is_in_one_policy_and_in_it_once(resource: Topic | Queue, logical_id: str) -> None:
    main = Template("shop", "dev")
    resource.resources(main)
    before = len(main.properties(f"{logical_id}Policy")["PolicyDocument"]["Statement"])
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish"}
    resource.allow(main, statement)
    resource.allow(Template("shop", "dev", main=main), statement)
    resource.allow(main, {**statement, "Principal": {"Service": "events.amazonaws.com"}})
    statements = main.properties(f"{logical_id}Policy")["PolicyDocument"]["Statement"]
    assert len(statements) == before + 2
    assert logical_id in str(statements[-1]["Resource"])


@pytest.mark.parametrize("resource", [Topic.existing("news"), Queue.existing("orders")])
def test_the_policy_of_an_existing_one_is_not_written(resource: Topic | Queue) -> None:
    with pytest.raises(RegistrationError, match=f"The {resource.type} '{resource.key}' is not the app's") as caught:
        resource.allow(Template("shop", "dev"), {})
    assert "test_topic.py" in caught.value.place
    local = Template("shop", "local", local=True)
    resource.resources(local)
    resource.allow(local, {"Effect": "Allow"})
    assert local.has(f"{resource.logical_id}Policy")

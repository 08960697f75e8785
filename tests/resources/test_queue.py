"""A queue: what SQS would refuse, its real names at run time, and its grants."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import Queue
from eventfw.errors import RegistrationError, ResourceError
from eventfw.resources.names import Names


@pytest.mark.parametrize("name", ["", "a b", "ä", "a/b", "x" * 81, "orders.fifo", "---", 7, None])
def test_names_that_sqs_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        Queue(name)
    assert "test_queue.py" in caught.value.place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"visibility_timeout": 43_201}, "0 to 43200"),
        ({"retention": 59}, "60 to 1209600"),
        ({"delay": 901}, "0 to 900"),
        ({"max_receives": 0}, "1 to 1000"),
        ({"fifo": "yes"}, "True or False"),
        ({"content_based_deduplication": True}, "fifo=True"),
    ],
)
def test_options_outside_what_sqs_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        Queue("orders", **options)


@pytest.mark.parametrize(
    "arn", ["arn:aws:sqs:eu-west-1:12", "arn:aws:s3:::x", "arn:aws:sqs::1:x", "arn:aws:sqs:a:12:x"]
)
def test_what_is_no_arn_of_a_queue_is_refused(arn: str) -> None:
    with pytest.raises(RegistrationError, match="not the ARN of a queue"):
        Queue.existing(arn)


def test_a_deployed_function_is_told_the_real_url(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/shop-prod-orders"
    monkeypatch.setenv("EVENTFW_QUEUE_ORDERS", url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    queue = Queue("orders")
    assert (queue.url, queue.name) == (url, "shop-prod-orders")
    assert queue.arn == "arn:aws:sqs:eu-west-1:123456789012:shop-prod-orders"


def test_in_lambda_a_name_that_was_not_granted_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-prod-api")
    with pytest.raises(ResourceError, match=r"shop-prod-api.*uses="):
        _ = Queue("orders").url


def test_in_a_test_the_name_is_the_local_one() -> None:
    assert Queue("orders").name == "orders"
    assert Queue("orders", fifo=True).name == "orders.fifo"
    assert Queue.existing("arn:aws:sqs:eu-west-1:123456789012:far.fifo").arn.endswith(":123456789012:far.fifo")


def test_the_local_url_is_behind_the_door() -> None:
    names = Names("shop", "local")
    assert Queue("orders").local_value(names, "http://127.0.0.1:4566") == "http://127.0.0.1:4566/000000000000/orders"
    assert Queue("orders").local_value(Names("shop", "prod", "1", "eu-west-1"), "").endswith("/1/shop-prod-orders")


def test_grants_are_exactly_their_actions() -> None:
    queue = Queue("orders")
    granted = {grant.verb: grant.actions_by_scope for grant in (queue.send, queue.receive, queue.purge)}
    assert {verb: sorted(actions[""]) for verb, actions in granted.items()} == {
        "send": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"],
        "receive": [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        "purge": ["sqs:PurgeQueue"],
    }

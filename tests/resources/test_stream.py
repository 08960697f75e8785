"""A stream: what Kinesis would refuse, its two modes, and its grants."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import granted, resources

from eventfw import App, Stream
from eventfw.errors import RegistrationError
from eventfw.tools.build.template import Template


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 129, "...", 7])
def test_names_that_kinesis_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        Stream(name)
    assert "test_stream.py" in caught.value.place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shards": 0}, "1 to 10000.*on-demand"),
        ({"shards": True}, "1 to 10000"),
        ({"retention": 23}, "24 to 8760"),
        ({"retention": 8761}, "24 to 8760"),
        ({"kms_key": None}, "alias/aws/kinesis"),
        ({"kms_key": "alias/mine"}, "alias/aws/kinesis"),
    ],
)
def test_options_outside_what_kinesis_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        Stream("clicks", **options)


def test_a_stream_is_on_demand_and_encrypted_unless_shards_are_said() -> None:
    app = App("shop")
    app.stream("clicks")
    app.stream("views", shards=2, retention=48)
    made = resources(app)
    encrypted = {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    assert made["ClicksStream"]["Properties"] == {
        "Name": "shop-dev-clicks",
        "RetentionPeriodHours": 24,
        "StreamEncryption": encrypted,
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
    }
    assert made["ViewsStream"]["Properties"] == {
        "Name": "shop-dev-views",
        "RetentionPeriodHours": 48,
        "StreamEncryption": encrypted,
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "ShardCount": 2,
    }


def test_grants_are_exactly_their_actions_and_those_of_a_customers_key() -> None:
    reading = "DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards"
    assert granted(Stream("clicks").put, Stream("clicks").read) == {
        "put": {"": {"kinesis:PutRecord", "kinesis:PutRecords"}},
        "read": {"": {f"kinesis:{verb}" for verb in reading.split()}},
    }
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    stream, template = Stream("clicks", kms_key=key), Template("shop", "dev")
    assert stream.put.statements(template)[-1] == (["kms:GenerateDataKey"], [key])
    assert stream.read.statements(template)[-1] == (["kms:Decrypt"], [key])
    assert len(Stream("clicks").put.statements(template)) == 1

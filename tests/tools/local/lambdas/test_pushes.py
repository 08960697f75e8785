"""Which pushed events are Lambda's queue's."""

from __future__ import annotations

import json

import pytest

from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.pushes import ASYNCHRONOUS, is_asynchronous
from eventfw.tools.local.lambdas.service import source_of

PLAIN, RULE = FunctionConfiguration("a"), FunctionConfiguration("a", unmarked=True)


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": {}}]},
        {"detail-type": "Order", "source": "my.shop", "detail": {}},
        {"awslogs": {"data": ""}},
    ],
)
def test_what_nobody_waits_for_is_asynchronous(event: object) -> None:
    assert is_asynchronous(source_of(json.dumps(event).encode()), PLAIN)


@pytest.mark.parametrize(
    "kind", ["cognito_userpool", "firehose", "appsync_resolver", "apigw_rest", "iot_custom_authorizer", "s3_batch"]
)
def test_what_somebody_waits_for_is_answered(kind: str) -> None:
    assert not is_asynchronous(kind, RULE)


def test_what_is_of_no_kind_is_a_rules_where_the_function_has_such_a_rule() -> None:
    assert is_asynchronous("unknown", RULE)
    assert not is_asynchronous("unknown", PLAIN)


def test_the_kinds_are_those_that_events_have() -> None:
    from eventfw.sources import table

    rules = (table.EVENT_RULES, table.FIRST_RULES, table.RECORD_RULES)
    kinds = {kind for rule in rules for shapes in rule.values() for kind in shapes} | set(table.RECORD_KINDS.values())
    assert set(ASYNCHRONOUS) <= kinds

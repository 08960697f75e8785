"""A log group: what CloudWatch Logs would refuse, its ARN, and its grants."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import granted, resources

from eventfw import App, LogGroup
from eventfw.errors import RegistrationError
from eventfw.tools.build.template import Template

ARN = "arn:aws:logs:eu-west-1:123456789012:log-group:/my/audit"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 513, "///", 7])
def test_names_that_cloudwatch_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        LogGroup(name)
    assert "test_log_group.py" in caught.value.place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retention": 31}, "one of 1, 3, 5"),
        ({"log_class": "RARE"}, "'STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY'"),
        ({"log_class": "DELIVERY", "retention": 7}, "keeps two days"),
        ({"kms_key": "alias/aws/logs"}, "arn:aws:kms"),
    ],
)
def test_options_outside_what_cloudwatch_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        LogGroup("audit", **options)


def test_logs_are_kept_30_days_unless_said_and_a_delivery_group_says_nothing() -> None:
    app = App("shop")
    app.log_group("audit")
    app.log_group("handed-on", log_class="DELIVERY")
    made = resources(app)
    assert made["AuditLogGroup"]["Properties"] == {
        "LogGroupName": "shop-dev-audit",
        "LogGroupClass": "STANDARD",
        "RetentionInDays": 30,
    }
    assert "RetentionInDays" not in made["HandedOnLogGroup"]["Properties"]


def test_the_arn_has_no_star_however_it_was_written() -> None:
    for written in (ARN, f"{ARN}:*"):
        assert LogGroup.existing(written).arn == ARN
        assert LogGroup.existing(written).name == "/my/audit"
    assert LogGroup("audit").mismatch("arn:aws:logs:us-east-1:000000000000:log-group:audit:*") == ""


def test_grants_are_exactly_their_actions_on_the_groups_streams() -> None:
    group = LogGroup("audit")
    assert granted(group.write, group.read) == {
        "write": {":*": {"logs:CreateLogStream", "logs:PutLogEvents"}},
        "read": {":*": {"logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"}},
    }
    template = Template("shop", "dev")
    group.resources(template)
    ((_, (arn,)),) = group.write.statements(template)
    assert arn["Fn::Sub"].endswith(":log-group:shop-dev-audit:*")

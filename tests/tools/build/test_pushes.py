"""What the local server decides of SNS and EventBridge is taken out of the embedded AWS; what that reads well stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventfw import App
from eventfw.errors import BuildError
from eventfw.resources.names import LOCAL_STAGE
from eventfw.rules.pattern import EventPattern
from eventfw.rules.transform import WHOLE_EVENT
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.build.lambda_service import resolved
from eventfw.tools.build.pushes import dotted, widened
from eventfw.tools.project import Config, Project, Stage


def local_artifacts(app: App) -> Any:
    project = Project(Path(), Config(), app, "app", "app")
    return build(project, Stage(LOCAL_STAGE, region="us-east-1"), local=LocalVariant("http://127.0.0.1/push"))


def of_type(artifacts: Any, type_: str) -> list[Any]:
    return [one["Properties"] for one in artifacts.stacks[0].template["Resources"].values() if one["Type"] == type_]


def test_functions_subscriptions_are_told_with_their_policies_and_queues_keep_theirs() -> None:
    app = App("shop")
    news, mail = app.topic("news"), app.queue("mail")

    @app.sns_subscriber(news, filter_policy={"kind": ["photo"]}, filter_scope="MessageBody")
    def told(message: Any) -> None: ...

    @app.sns_subscriber(news)
    def all_told(message: Any) -> None: ...

    @app.sns_subscriber(news, through=mail, filter_policy={"kind": ["letter"]})
    def queued(message: Any) -> None: ...

    artifacts = local_artifacts(app)
    outputs = {name: f"<{name}>" for name in artifacts.stacks[0].template["Outputs"]}
    found = resolved(artifacts.local, {"shop-local": outputs})["subscriptions"]
    assert [(one["policy"], one["scope"]) for one in found] == [
        ({}, "MessageAttributes"),
        ({"kind": ["photo"]}, "MessageBody"),
    ]
    assert all(one["arn"].startswith("<") for one in found)
    kept = [one.get("FilterPolicy") for one in of_type(artifacts, "AWS::SNS::Subscription")]
    assert [one for one in kept if one] == [{"kind": ["letter"]}]


def subscribed(app: App, policy: Any) -> None:
    news = app.topic("news")

    @app.sns_subscriber(news)
    def told(message: Any) -> None: ...

    by_hand = {"TopicArn": "arn:aws:sns:us-east-1:000000000000:theirs", "Protocol": "lambda", "Endpoint": "x"}
    app.resource("Theirs", "AWS::SNS::Subscription", {**by_hand, "FilterPolicy": policy})


def test_a_policy_that_sns_refuses_is_an_error_and_one_to_be_resolved_stays() -> None:
    app = App("shop")
    subscribed(app, {"kind": [{"prefix": 1}]})
    with pytest.raises(BuildError, match="The FilterPolicy of Theirs is not valid"):
        local_artifacts(app)
    app = App("shop")
    subscribed(app, {"kind": [{"Ref": "AWS::Region"}]})
    artifacts = local_artifacts(app)
    assert [one["policy"] for one in artifacts.local["subscriptions"]] == [{}, {}]
    assert any("FilterPolicy" in one for one in of_type(artifacts, "AWS::SNS::Subscription"))


def test_a_rule_that_changes_its_events_hands_them_over_whole_and_others_stay_as_they_are() -> None:
    app = App("shop")
    how = {"input_template": '{"a": <a>}', "input_paths_map": {"a": "$.detail.items[0]"}}

    @app.event_rule({"source": ["plain"]})
    def plain(event: Any) -> None: ...

    @app.event_rule({"source": ["constant"]}, input={"x": 1})
    def constant(event: Any) -> None: ...

    @app.event_rule({"source": ["changed"]}, input_transformer=how)
    def changed(event: Any) -> None: ...

    rules = {one["EventPattern"]["source"][0]: one for one in of_type(local_artifacts(app), "AWS::Events::Rule")}
    assert set(rules["plain"]["Targets"][0]) == {"Id", "Arn"}
    assert json.loads(rules["constant"]["Targets"][0]["Input"]) == {"x": 1}
    template = rules["changed"]["Targets"][0]["InputTransformer"]["InputTemplate"]
    assert template.count("<") == 3, "the template's own places are not the embedded AWS's to fill"
    filled = template.replace("<aws.events.event.json>", "{}").replace("<aws.events.rule-name>", '"n"')
    said = json.loads(filled.replace("<aws.events.rule-arn>", '"a"'))
    wanted = {"InputPathsMap": {"a": "$.detail.items[0]"}, "InputTemplate": '{"a": <a>}'}
    assert said == {WHOLE_EVENT: {"name": "n", "arn": "a", "target": {"InputTransformer": wanted}}, "event": {}}


def test_a_pattern_that_the_embedded_aws_misreads_is_widened_there_and_told() -> None:
    app = App("shop")
    pattern = {"source": ["shop"], "detail": {"state.name": ["on"], "size": [1]}}

    @app.event_rule(pattern, input={"x": 1})
    def told(event: Any) -> None: ...

    [rule] = of_type(local_artifacts(app), "AWS::Events::Rule")
    assert rule["EventPattern"] == {"source": ["shop"], "detail": {"size": [1]}}
    [target] = rule["Targets"]
    assert "Input" not in target
    template = target["InputTransformer"]["InputTemplate"]
    assert json.dumps(pattern, sort_keys=True) in template
    assert '"Input": "{\\"x\\": 1}"' in template


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ({"detail": {"a.b": ["x"]}}, {"source": "s", "detail": {"a": {"b": "x"}}}),
        ({"detail": {"a": {"b.c": [1]}, "d": [2]}}, {"source": "s", "detail": {"a": {"b": {"c": 1}}, "d": 2}}),
        ({"$or": [{"detail": {"a.b": [1]}}, {"source": ["t"]}]}, {"source": "t", "detail": {}}),
        ({"source": ["s"], "detail.a": ["x"]}, {"source": "s", "detail": {"a": "x"}}),
    ],
)
def test_a_widened_pattern_takes_all_that_the_pattern_takes(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    assert dotted(pattern)
    wide = widened(pattern)
    assert not dotted(wide)
    assert EventPattern(pattern).matches(event)
    assert EventPattern(wide).matches(event)

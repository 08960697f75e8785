"""What the local server does of Lambda itself is told to it as data, and switched off in the embedded AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eventfw import App
from eventfw.resources.names import LOCAL_STAGE
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.build.lambda_service import resolved
from eventfw.tools.project import Config, Project, Stage


def local_artifacts(app: App) -> Any:
    project = Project(Path(), Config(), app, "app", "app")
    return build(project, Stage(LOCAL_STAGE, region="us-east-1"), local=LocalVariant("http://127.0.0.1/push"))


def test_mappings_and_destinations_are_told_with_the_values_that_the_stack_resolves() -> None:
    app = App("shop")
    orders, dead = app.queue("orders"), app.queue("dead")

    @app.sqs_consumer(orders, batch_size=5)
    def order(message: Any) -> None: ...

    @app.event_rule({"source": ["shop"]})
    @app.function(on_failure=dead, dead_letter="arn:aws:sqs:us-east-1:000000000000:elsewhere")
    def told(event: Any) -> None: ...

    artifacts = local_artifacts(app)
    template = artifacts.stacks[0].template
    mapping = template["Resources"]["OrderOrdersMapping"]["Properties"]
    assert mapping["Enabled"] is False
    outputs = {"shop-local": {name: f"<{name}>" for name in template["Outputs"]}}
    answer = resolved(artifacts.local, outputs)
    [one] = answer["mappings"]
    assert one["name"] == "OrderOrdersMapping"
    assert one["properties"]["BatchSize"] == 5
    assert "Enabled" not in one["properties"]
    source = one["properties"]["EventSourceArn"].strip("<>")
    assert template["Outputs"][source]["Value"] == {"Fn::GetAtt": ["OrdersQueue", "Arn"]}
    ends = answer["destinations"]["told"]
    assert ends["dead_letter"] == "arn:aws:sqs:us-east-1:000000000000:elsewhere"
    assert template["Outputs"][ends["on_failure"].strip("<>")]["Value"] == {"Fn::GetAtt": ["DeadQueue", "Arn"]}
    assert not any(one["Type"] == "AWS::Lambda::EventInvokeConfig" for one in template["Resources"].values())

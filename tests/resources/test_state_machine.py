"""State machines: tasks name functions of the app, and the role may do what the definition names, no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from templates import allowed, complaints, deployed, local, properties, types

from eventfw import App, Blueprint, Queue, StateMachine
from eventfw.errors import RegistrationError
from eventfw.resources.names import Names
from eventfw.tools.checks import check

INVOKE = "arn:aws:states:::lambda:invoke"


def task(resource: str = "measure", **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **more}


def only(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"StartAt": "Only", "States": {"Only": state}, **more}


def measuring(app: Any, **settings: Any) -> None:
    @app.step()
    @app.function(**settings)
    def measure(photo: Any) -> None: ...


def definition_in(template: dict[str, Any], logical_id: str = "ThumbnailsStateMachine") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(properties(template, logical_id)["DefinitionString"])
    return found


MEASURE_ARN = {"Fn::GetAtt": ["MeasureFunction", "Arn"]}


@pytest.mark.parametrize(
    ("definition", "where"),
    [
        (only(task()), ("Resource",)),
        (only(task(INVOKE, Parameters={"FunctionName": "measure"})), ("Parameters", "FunctionName")),
        (
            only(task(INVOKE, Arguments={"FunctionName": "measure"}), QueryLanguage="JSONata"),
            ("Arguments", "FunctionName"),
        ),
    ],
)
def test_a_task_names_a_function_and_the_template_has_its_arn(
    definition: dict[str, Any], where: tuple[str, ...]
) -> None:
    app = App("demo")
    app.state_machine("thumbnails", definition)
    measuring(app)
    template = deployed(app)
    value: Any = definition_in(template)["States"]["Only"]
    for key in where:
        value = value[key]
    assert value == "${MeasureFunction}"
    made = properties(template, "ThumbnailsStateMachine")
    assert made["DefinitionSubstitutions"] == {"MeasureFunction": MEASURE_ARN}
    assert (made["StateMachineName"], made["StateMachineType"]) == ("demo-dev-thumbnails", "STANDARD")
    assert allowed(template, "ThumbnailsStateMachineRole") == [(["lambda:InvokeFunction"], [MEASURE_ARN])]
    assert complaints(template) == []


def test_only_step_functions_takes_the_role_and_for_this_account() -> None:
    app = App("demo")
    app.state_machine("thumbnails", only(task()))
    measuring(app)
    [trust] = properties(deployed(app), "ThumbnailsStateMachineRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["states.amazonaws.com"]}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_a_handler_is_named_and_its_function_is_meant() -> None:
    app = App("demo")
    app.state_machine("thumbnails", only(task()))
    measuring(app, name="photos")
    assert definition_in(deployed(app))["States"]["Only"]["Resource"] == "${PhotosFunction}"


def test_a_published_function_is_invoked_through_its_alias() -> None:
    app = App("demo")
    app.state_machine("thumbnails", only(task()))
    measuring(app, provisioned_concurrency=1)
    template = deployed(app)
    assert properties(template, "ThumbnailsStateMachine")["DefinitionSubstitutions"] == {
        "MeasureFunction": {"Ref": "MeasureLiveAlias"}
    }
    assert allowed(template, "ThumbnailsStateMachineRole")[0][1] == [{"Ref": "MeasureLiveAlias"}]


def test_a_function_in_a_blueprints_stack_is_named_by_its_name() -> None:
    from eventfw.tools.build import assemble
    from eventfw.tools.build.assemble import handler_of
    from eventfw.tools.build.functions import Code
    from eventfw.tools.project import Stage

    app, photos = App("demo"), Blueprint("photos")
    app.state_machine("thumbnails", only(task()))
    measuring(photos)
    app.mount(photos, stack=True)
    templates = assemble._main_templates(app, Stage("dev"), lambda one: Code("python3.13", handler_of(one), {}))
    main = templates["demo-dev"].body("test")
    arn = properties(main, "ThumbnailsStateMachine")["DefinitionSubstitutions"]["MeasureFunction"]
    assert arn["Fn::Sub"].endswith(":function:demo-dev-measure")


def test_a_task_of_a_machine_may_start_it() -> None:
    app = App("demo")
    machine = app.state_machine("thumbnails", only(task()))
    measuring(app, uses=[machine.start_execution, machine.send_task_results])
    template = deployed(app)
    arn = properties(template, "MeasureFunction")["Environment"]["Variables"]["EVENTFW_STATE_MACHINE_THUMBNAILS"]
    assert arn["Fn::Sub"].endswith(":stateMachine:demo-dev-thumbnails")
    assert (["states:StartExecution"], [arn]) in allowed(template, "MeasureRole")
    assert complaints(template) == []


def test_functions_are_told_the_arn(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = App("demo").state_machine("thumbnails", only(task()))
    arn = machine.local_value(Names("demo", "dev", "123456789012", "eu-west-1"), "")
    monkeypatch.setenv(machine.variable, arn)
    assert machine.arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:demo-dev-thumbnails"
    assert machine.name == "demo-dev-thumbnails"


def test_resources_are_named_in_texts_and_used_by_grant() -> None:
    app = App("demo")
    orders, photos, news = app.queue("orders"), app.bucket("photos"), app.topic("news")
    parameters = {"QueueUrl": "${orders.url}", "MessageBody": "${photos.name} ${news.arn} ${NewsTopic.name}"}
    app.state_machine(
        "thumbnails",
        only(task("arn:aws:states:::sqs:sendMessage", Parameters=parameters)),
        uses=[orders.send, photos.read, news.publish],
        logging="ALL",
        log_execution_data=True,
        tracing=True,
    )
    template = deployed(app)
    made = properties(template, "ThumbnailsStateMachine")
    assert made["DefinitionSubstitutions"] == {
        "NewsTopicArn": {"Ref": "NewsTopic"},
        "NewsTopicName": {"Fn::GetAtt": ["NewsTopic", "TopicName"]},
        "OrdersQueueUrl": {"Ref": "OrdersQueue"},
        "PhotosBucketName": {"Fn::Sub": "demo-dev-photos-${AWS::AccountId}-${AWS::Region}"},
    }
    sent = definition_in(template)["States"]["Only"]["Parameters"]
    assert sent["MessageBody"] == "${PhotosBucketName} ${NewsTopicArn} ${NewsTopicName}"
    actions = [action for actions, _ in allowed(template, "ThumbnailsStateMachineRole") for action in actions]
    assert {"sqs:SendMessage", "sns:Publish", "logs:CreateLogDelivery", "xray:PutTraceSegments"} <= set(actions)
    assert "lambda:InvokeFunction" not in actions
    assert made["LoggingConfiguration"]["Level"] == "ALL"
    assert made["TracingConfiguration"] == {"Enabled": True}
    assert types(template)["ThumbnailsStateMachineLogGroup"] == "AWS::Logs::LogGroup"
    assert complaints(template) == []


def test_a_distributed_map_may_start_executions_of_its_machine() -> None:
    app = App("demo")
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Each",
        "States": {"Each": task()},
    }
    app.state_machine("thumbnails", only({"Type": "Map", "ItemProcessor": processor, "End": True}))
    measuring(app)
    template = deployed(app)
    given = {actions[0]: arns for actions, arns in allowed(template, "ThumbnailsStateMachineRole")}
    assert given["states:StartExecution"][0]["Fn::Sub"].endswith(":stateMachine:demo-dev-thumbnails")
    assert given["states:DescribeExecution"][0]["Fn::Sub"].endswith(":execution:demo-dev-thumbnails:*")
    assert complaints(template) == []


def test_a_definition_may_be_a_file_beside_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "thumbnails.asl.json").write_text(json.dumps(only(task())))
    code = "def make(app):\n    return app.state_machine('thumbnails', 'flows/thumbnails.asl.json')\n"
    (tmp_path / "shop.py").write_text(code)
    names: dict[str, Any] = {}
    exec(compile(code, str(tmp_path / "shop.py"), "exec"), names)
    app = App("demo")
    names["make"](app)
    measuring(app)
    monkeypatch.chdir("/")
    assert definition_in(deployed(app))["States"]["Only"]["Resource"] == "${MeasureFunction}"


@pytest.mark.parametrize(("text", "told"), [(None, "cannot be read"), ("{'a': 1}", "is not JSON")])
def test_a_file_that_is_no_definition_is_refused(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "flow.asl.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RegistrationError, match=told):
        App("demo").state_machine("thumbnails", str(path))


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (only(task("mesure")), "no function of the app. Did you mean 'measure'?"),
        (only(task("order")), "takes no input of a state"),
        (only(task(INVOKE, Parameters={"Payload.$": "$"})), "says no FunctionName"),
        (only(task(INVOKE, Parameters={"FunctionName": "approve", "Payload.$": "$"})), "waits for a task token"),
        (only(task("approve")), "waits for a task token"),
        (only(task(Parameters={"url": "${orders.url}"})), "names no resources in uses"),
        (only(task(Parameters={"url": "${lost.color}"})), "told of by its arn or name"),
        (only(task(Parameters={"url": "${lost}"})), "names no resources in uses"),
    ],
)
def test_a_definition_that_names_what_is_not_there_is_refused(definition: dict[str, Any], told: str) -> None:
    app = App("demo")
    app.state_machine("thumbnails", definition, uses=[app.queue("lost").send])
    measuring(app)

    @app.sqs_consumer(app.queue("orders"))
    def order(message: Any) -> None: ...

    @app.step(wait_for_task_token=True)
    def approve(task: Any) -> None: ...

    with pytest.raises(RegistrationError, match=told.replace("?", r"\?")):
        deployed(app)


@pytest.mark.parametrize(
    "state",
    [
        task(
            f"{INVOKE}.waitForTaskToken",
            Parameters={"FunctionName": "approve", "Payload": {"token.$": "$$.Task.Token"}},
        ),
        task(
            f"{INVOKE}.waitForTaskToken",
            QueryLanguage="JSONata",
            Arguments={"FunctionName": "approve", "Payload": {"token": "{% $states.context.Task.Token %}"}},
        ),
    ],
)
def test_a_task_that_waits_is_sent_its_token(state: dict[str, Any]) -> None:
    app = App("demo")
    app.state_machine("thumbnails", only(state))

    @app.step(wait_for_task_token=True)
    def approve(task: Any) -> None: ...

    assert complaints(deployed(app)) == []


def test_functions_elsewhere_are_named_by_arn() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:theirs"
    app = App("demo")
    app.state_machine("one", only(task(arn)))
    app.state_machine("two", only(task(INVOKE, Parameters={"FunctionName": arn})))
    template = deployed(app)
    for name in ("One", "Two"):
        assert allowed(template, f"{name}StateMachineRole") == [(["lambda:InvokeFunction"], [arn])]


def test_what_a_definition_computes_it_may_invoke_by_grant() -> None:
    app = App("demo")
    measure = app.lambda_function("measure")
    parameters = {"FunctionName.$": "$.which", "Payload": {}}
    app.state_machine("thumbnails", only(task(INVOKE, Parameters=parameters)), uses=[measure.invoke])
    measuring(app)
    template = deployed(app)
    [(actions, [arn])] = allowed(template, "ThumbnailsStateMachineRole")
    assert actions == ["lambda:InvokeFunction"]
    assert arn["Fn::Sub"].endswith(":function:demo-dev-measure")
    assert complaints(template) == []


def test_uses_of_what_no_app_owns_are_refused() -> None:
    app = App("demo")
    app.state_machine("thumbnails", only(task()), uses=[Queue("elsewhere").send])
    measuring(app)
    with pytest.raises(RegistrationError, match="which no app owns"):
        deployed(app)


def test_existing_resources_that_only_a_machine_uses_are_made_locally() -> None:
    app = App("demo")
    theirs = Queue.existing("theirs")
    app.state_machine("thumbnails", only(task(Parameters={"url": "${theirs.url}"})), uses=[theirs.send])
    measuring(app)
    assert "TheirsQueue" in types(local(app))
    assert "TheirsQueue" not in types(deployed(app))


def test_what_is_left_out_locally_may_be_used_locally() -> None:
    app = App("demo")
    job = app.resource("Job", "AWS::Batch::JobDefinition", {"Type": "container"}, local=False)
    app.state_machine("thumbnails", only(task()), uses=[job.grant(["batch:SubmitJob"], arn=job.ref)])
    measuring(app)
    assert "ThumbnailsStateMachine" in types(local(app))


def test_an_existing_machine_is_named_by_name_or_arn() -> None:
    app = App("demo")
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:payments"
    machines = [StateMachine.existing("refunds"), StateMachine.existing(arn)]

    @app.function(uses=[one.start_execution for one in machines])
    def start(event: Any) -> None: ...

    for template in (deployed(app), local(app)):
        assert "AWS::StepFunctions::StateMachine" not in types(template).values()
    assert machines[1].arn == arn
    assert StateMachine.existing("refunds").start_sync_execution


def test_a_definition_that_is_too_large_is_refused() -> None:
    app = App("demo")
    app.state_machine("thumbnails", only(task(), Comment="x" * 1_048_576))
    measuring(app)
    with pytest.raises(RegistrationError, match="over 1048576"):
        deployed(app)


def test_a_definition_is_checked_where_it_is_written() -> None:
    with pytest.raises(RegistrationError, match=r"test_state_machine.py:\d+: .*no state 'Ohter'.*Did you mean 'Other'"):
        App("demo").state_machine(
            "thumbnails",
            {
                "StartAt": "A",
                "States": {"A": {"Type": "Pass", "Next": "Ohter"}, "Other": {"Type": "Succeed"}},
            },
        )


def test_a_choice_without_a_default_is_a_warning() -> None:
    app = App("demo")
    rule = {"Variable": "$.a", "IsNull": True, "Next": "B"}
    states = {"A": {"Type": "Choice", "Choices": [rule]}, "B": {"Type": "Succeed"}}
    app.state_machine("thumbnails", {"StartAt": "A", "States": states})
    [finding] = check(app)
    assert (finding.kind, finding.refused) == ("doubtful", False)
    assert "no Default" in finding.message


@pytest.mark.parametrize(
    ("name", "definition", "options"),
    [
        ("", only(task()), {}),
        ("a b", only(task()), {}),
        ("a" * 81, only(task()), {}),
        ("a", 5, {}),
        ("a", only(task()), {"type": "FAST"}),
        ("a", only(task()), {"uses": [5]}),
        ("a", only(task()), {"logging": "SOME"}),
        ("a", only(task()), {"log_execution_data": True}),
        ("a", only(task()), {"log_retention": 2}),
        ("a", only(task()), {"tracing": "yes"}),
        ("a", only(task("arn:aws:states:::ecs:runTask.sync")), {"type": "EXPRESS"}),
    ],
)
def test_options_that_cannot_work_are_refused(name: Any, definition: Any, options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").state_machine(name, definition, **options)


def test_only_express_machines_are_waited_for() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="type='EXPRESS'"):
        _ = app.state_machine("slow", only(task())).start_sync_execution
    quick = app.state_machine("quick", only(task()), type="EXPRESS")
    assert quick.start_sync_execution.actions_by_scope == {"": ("states:StartSyncExecution",)}

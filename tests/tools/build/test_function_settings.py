"""What the settings of functions become: properties, permissions, versions, and zips for each architecture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from examples import example

from eventfw import App, Blueprint
from eventfw.errors import BuildError, ProjectError, RegistrationError
from eventfw.resources.queue import Queue
from eventfw.sources.table import SOURCES, load
from eventfw.tools.build import assemble, package
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.build.functions import Code, add_edge_function
from eventfw.tools.build.lint import lint_templates
from eventfw.tools.build.sources import shipped_half
from eventfw.tools.build.stages import functions_in
from eventfw.tools.build.template import Template
from eventfw.tools.build.zips import Entry
from eventfw.tools.project import Config, Project, Stage, load_project

ACCOUNT = "123456789012"
DEV = Stage("dev")
NOT_AT_THE_EDGE = [name for name in sorted(SOURCES) if not load(SOURCES[name]).edge]  # which has versions of its own
VPC = {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]}
POINT = f"arn:aws:elasticfilesystem:eu-west-1:{ACCOUNT}:access-point/fsap-0123456789abcdef0"
EVERYTHING = f"""
from eventfw import App

app = App("lint")
orders, news, shop, uploads = app.queue("orders"), app.topic("news"), app.event_bus("shop"), app.bucket("uploads")


@app.sqs_consumer(orders)
@app.function(
    memory=1024, timeout=20, environment={{"AB": "c"}}, uses=[uploads.read], description="x", tags={{"team": "photos"}},
    architecture="arm64", runtime="python3.13", layers=["arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:tools:3"],
    ephemeral_storage=1024, vpc={VPC!r},
    file_system={{"arn": "{POINT}", "local_mount_path": "/mnt/data"}},
    reserved_concurrency=5, provisioned_concurrency=2, log_retention=7, log_format="JSON",
    application_log_level="WARN", system_log_level="INFO", tracing="Active",
    dead_letter=news, on_success=shop, on_failure=uploads, maximum_retry_attempts=1, maximum_event_age=600,
    kms_key="arn:aws:kms:eu-west-1:{ACCOUNT}:key/1", recursive_loop="Allow",
)
def everything(message): ...


@app.http("/")
@app.function(snap_start=True, runtime="python3.12", dead_letter="arn:aws:sqs:eu-west-1:{ACCOUNT}:dead",
              on_failure="arn:aws:s3:::records", tracing="PassThrough")
def snap(request): ...


@app.function(durable={{"execution_timeout": 3600, "retention_period_in_days": 7}}, runtime="python3.13")
def flow(payload): ...


@app.function(tenant_isolation_mode="PER_TENANT", role="arn:aws:iam::{ACCOUNT}:role/mine")
def tenant(payload): ...


@app.edge_viewer_request("site")
@app.function(reserved_concurrency=3, description="x", tags={{"team": "photos"}}, log_format="JSON",
              role="arn:aws:iam::{ACCOUNT}:role/edge")
def redirect(request): return request
"""


def one(event: Any) -> Any: ...


def two(event: Any) -> Any: ...


def templates(app: App, stage: Stage = DEV, *, runtime: str = "python3.13", sha256: str = "0") -> dict[str, Any]:
    """The main stack's resources as they are deployed, with the zips left out."""

    def code(function: Any) -> assemble.Code:
        return assemble.Code(runtime, assemble.handler_of(function), assemble.code_in_bucket("a", sha256), sha256)

    main = next(iter(assemble._main_templates(app, stage, code).values()))
    resources: dict[str, Any] = main.body("test")["Resources"]
    return resources


def made(**options: Any) -> dict[str, Any]:
    """The resources of an app with one function, ``one``."""
    app = App("shop")
    app.function(**options)(one)
    return templates(app)


def allowed(resources: dict[str, Any], role: str = "OneRole") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def of_type(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    return {name: one for name, one in resources.items() if one["Type"] == type_}


@pytest.fixture
def unique(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an app's module that no other test of this process has imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    return "app_" + "".join(char for char in tmp_path.name if char.isalnum())


def test_cfn_lint_has_nothing_to_say_of_a_function_with_everything(tmp_path: Path, unique: str) -> None:
    (tmp_path / f"{unique}.py").write_text(EVERYTHING)
    stage = Stage("prod", tags={"team": "x"}, functions={"flow": {"memory": 512}})
    artifacts = build(load_project(tmp_path, unique), stage, out=tmp_path / "out")
    artifacts.write(tmp_path / "out")
    lint_templates(tmp_path / "out", artifacts)
    assert [stack.name for stack in artifacts.stacks] == ["lint-prod-edge", "lint-prod"]


def test_settings_are_the_functions_properties() -> None:
    resources = made(
        layers=[f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:tools:3"],
        vpc={**VPC, "ipv6_allowed_for_dual_stack": True},
        log_format="JSON",
        system_log_level="WARN",
        tracing="PassThrough",
        kms_key=f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1",
        recursive_loop="Allow",
        tenant_isolation_mode="PER_TENANT",
        architecture="arm64",
        tags={"b": "2", "a": "1"},
        reserved_concurrency=0,
        ephemeral_storage=600,
    )
    assert (
        resources["OneFunction"]["Properties"].items()
        >= {
            "Architectures": ["arm64"],
            "EphemeralStorage": {"Size": 600},
            "KmsKeyArn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1",
            "Layers": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:tools:3"],
            "LoggingConfig": {"LogGroup": {"Ref": "OneLogGroup"}, "LogFormat": "JSON", "SystemLogLevel": "WARN"},
            "RecursiveLoop": "Allow",
            "ReservedConcurrentExecutions": 0,
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
            "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
            "TracingConfig": {"Mode": "PassThrough"},
            "VpcConfig": {
                "SubnetIds": ["subnet-0a1b2c3d"],
                "SecurityGroupIds": ["sg-0a1b2c3d"],
                "Ipv6AllowedForDualStack": True,
            },
        }.items()
    )
    assert not of_type(resources, "AWS::Lambda::Alias")


def test_lambda_may_make_interfaces_in_the_vpc_and_the_functions_code_may_not() -> None:
    statements = [each for each in allowed(made(vpc=VPC)) if any(name.startswith("ec2:") for name in each["Action"])]
    describe, make, deny = statements
    assert describe["Action"] == ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    assert make["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:*:*/*"}]
    assert (deny["Effect"], set(deny["Action"])) == ("Deny", {*describe["Action"], *make["Action"]})
    own = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:shop-dev-one"
    assert deny["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::Sub": own}}}


def test_a_file_system_may_be_mounted_through_its_access_point_alone() -> None:
    resources = made(vpc=VPC, file_system={"arn": POINT, "local_mount_path": "/mnt/data"})
    mount = {"Arn": POINT, "LocalMountPath": "/mnt/data"}
    assert resources["OneFunction"]["Properties"]["FileSystemConfigs"] == [mount]
    [statement] = [one for one in allowed(resources) if "elasticfilesystem:ClientMount" in one["Action"]]
    assert statement["Resource"] == [f"arn:aws:elasticfilesystem:eu-west-1:{ACCOUNT}:file-system/*"]
    assert statement["Condition"] == {"StringEquals": {"elasticfilesystem:AccessPointArn": POINT}}


def test_only_active_tracing_needs_a_permission() -> None:
    [statement] = [one for one in allowed(made(tracing="Active")) if one["Resource"] == ["*"]]
    assert statement["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    assert len(allowed(made(tracing="PassThrough"))) == 1


def test_dead_letters_and_records_may_be_sent_where_they_go() -> None:
    app = App("shop")
    dead, uploads, news, bus = app.queue("dead"), app.bucket("uploads"), app.topic("news"), app.event_bus("bus")
    app.function(dead_letter=dead, on_success=news, on_failure=uploads)(one)
    app.function(on_success=bus)(two)
    resources = templates(app)
    arn = {"Fn::GetAtt": ["DeadQueue", "Arn"]}
    assert resources["OneFunction"]["Properties"]["DeadLetterConfig"] == {"TargetArn": arn}
    bucket = "arn:${AWS::Partition}:s3:::shop-dev-uploads-${AWS::AccountId}-${AWS::Region}"
    config = resources["OneInvokeConfig"]["Properties"]
    assert config["DestinationConfig"] == {
        "OnSuccess": {"Destination": {"Ref": "NewsTopic"}},
        "OnFailure": {"Destination": {"Fn::Sub": bucket}},
    }
    assert config["Qualifier"] == "$LATEST"
    found = {action: one["Resource"] for one in allowed(resources) for action in one["Action"]}
    assert found["sqs:SendMessage"] == [arn]
    assert found["sns:Publish"] == [{"Ref": "NewsTopic"}]
    assert found["s3:PutObject"] == [{"Fn::Sub": bucket + "/*"}]
    assert found["s3:ListBucket"] == [{"Fn::Sub": bucket}]
    assert any(one["Action"] == ["events:PutEvents"] for one in allowed(resources, "TwoRole"))
    # Lambda sends, not the handler: it is told no names.
    assert "Environment" not in resources["OneFunction"]["Properties"]


@pytest.mark.parametrize(
    ("option", "arn", "action", "resource"),
    [
        ("dead_letter", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:dead", "sqs:SendMessage", ""),
        ("dead_letter", f"arn:aws:sns:eu-west-1:{ACCOUNT}:dead", "sns:Publish", ""),
        ("on_success", f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/shop", "events:PutEvents", ""),
        ("on_failure", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:repair", "lambda:InvokeFunction", ""),
        ("on_failure", "arn:aws:s3:::records", "s3:PutObject", "/*"),
    ],
)
def test_an_arn_is_sent_to_with_the_one_action_it_takes(option: str, arn: str, action: str, resource: str) -> None:
    assert {"Effect": "Allow", "Action": [action], "Resource": [arn + resource]} in allowed(made(**{option: arn}))


def test_retries_and_age_of_asynchronous_events_are_set() -> None:
    config = made(maximum_retry_attempts=0, maximum_event_age=60)["OneInvokeConfig"]["Properties"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    assert "OneInvokeConfig" not in made()


def test_with_a_role_of_the_users_none_is_made() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/mine"
    resources = made(role=role, vpc=VPC, tracing="Active")
    assert resources["OneFunction"]["Properties"]["Role"] == role
    assert not of_type(resources, "AWS::IAM::Role")


@pytest.mark.parametrize(
    "options", [{"provisioned_concurrency": 3}, {"snap_start": True}, {"durable": {"execution_timeout": 60}}], ids=str
)
def test_what_exists_on_versions_only_gets_a_version_and_the_alias_live(options: dict[str, Any]) -> None:
    resources = made(**options, maximum_retry_attempts=1)
    [version] = of_type(resources, "AWS::Lambda::Version")
    alias = resources["OneLiveAlias"]["Properties"]
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert alias["Name"] == resources["OneInvokeConfig"]["Properties"]["Qualifier"] == "live"
    assert resources["OneInvokeConfig"]["DependsOn"] == ["OneLiveAlias"]
    ready = alias.get("ProvisionedConcurrencyConfig")
    assert ready == ({"ProvisionedConcurrentExecutions": 3} if "provisioned_concurrency" in options else None)


def test_triggers_invoke_the_alias_and_are_permitted_on_it() -> None:
    app = App("shop")
    app.http("/")(app.schedule("rate(1 day)")(app.function("one", provisioned_concurrency=1)(one)))
    app.sqs_consumer(app.queue("orders"))(app.s3_trigger(app.bucket("uploads"))(app.function("one")(two)))
    resources = templates(app)
    alias = {"Ref": "OneLiveAlias"}
    permissions = of_type(resources, "AWS::Lambda::Permission").values()
    assert [each["Properties"]["FunctionName"] for each in permissions] == [alias] * 3
    assert resources["OneIntegration"]["Properties"]["IntegrationUri"] == alias
    assert resources["OneSchedule"]["Properties"]["Targets"][0]["Arn"] == alias
    [mapping] = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["Properties"]["FunctionName"] == alias
    notified = resources["UploadsBucket"]["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert notified[0]["Function"] == alias


@pytest.mark.parametrize("source", NOT_AT_THE_EDGE)
def test_every_source_invokes_the_alias_of_a_published_function(source: str) -> None:
    app, _ = example(source)
    app.function(provisioned_concurrency=1)(app.handlers[0].func)
    [function] = app.functions.values()
    resources = templates(app)
    own = {"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig"}
    name = next(name for name in resources if resources[name]["Type"] == "AWS::Lambda::Function")
    for logical_id, resource in resources.items():
        if resource.get("Properties", {}).get("Qualifier") == "live":  # a function URL says so of the alias
            continue
        text = json.dumps(resource)
        for plain in (f'{{"Ref": "{name}"}}', f'["{name}", "Arn"]', f"${{{name}}}", f"${{{name}.Arn}}"):
            assert resource["Type"] in own or plain not in text, f"{logical_id} names {function.name} and not its alias"


@pytest.mark.parametrize("source", NOT_AT_THE_EDGE)
def test_no_source_asks_for_a_role_where_the_user_gave_one(source: str) -> None:
    app, _ = example(source)
    app.function(role=f"arn:aws:iam::{ACCOUNT}:role/mine")(app.handlers[0].func)
    resources = templates(app)
    name = next(name for name in resources if resources[name]["Type"] == "AWS::Lambda::Function")
    assert f'"{name.removesuffix("Function")}Role"' not in json.dumps(resources)


def test_a_grant_for_the_users_pool_asks_for_no_role_either() -> None:
    app = App("shop")
    pool = app.user_pool("people")
    role = f"arn:aws:iam::{ACCOUNT}:role/mine"
    app.cognito_trigger("pre_sign_up", pool, uses=[pool.write])(app.function(role=role)(one))
    assert '"OneRole"' not in json.dumps(templates(app))


def test_a_blueprint_with_its_own_stack_sends_to_what_the_main_stack_has() -> None:
    app, admin = App("shop"), Blueprint("admin")
    admin.function(dead_letter=app.queue("dead"), on_failure=app.topic("news"), snap_start=True)(one)
    app.function()(two)
    app.mount(admin, stack=True)

    def code(function: Any) -> Code:
        return Code("python3.13", assemble.handler_of(function), assemble.code_in_bucket("a", "0"), "0")

    main, own = (each.body("test") for each in assemble._main_templates(app, DEV, code).values())
    assert set(own["Parameters"]) == {"DeadQueueArn", "NewsTopic"} <= set(main["Outputs"])
    assert own["Resources"]["OneFunction"]["Properties"]["DeadLetterConfig"] == {"TargetArn": {"Ref": "DeadQueueArn"}}
    assert "OneLiveAlias" in own["Resources"]


def test_a_dead_letter_queue_that_no_app_owns_is_refused() -> None:
    app = App("shop")
    app.function(dead_letter=Queue("lost"))(one)
    with pytest.raises(RegistrationError, match="'lost', which no app owns"):
        _ = app.functions


def test_a_queue_that_is_there_already_is_sent_to_and_not_made() -> None:
    resources = made(dead_letter=Queue.existing("legacy"))
    arn = {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:legacy"}
    assert resources["OneFunction"]["Properties"]["DeadLetterConfig"] == {"TargetArn": arn}
    assert not of_type(resources, "AWS::SQS::Queue")


def test_another_function_invokes_the_alias_and_may_invoke_nothing_else() -> None:
    app = App("shop")
    flow = app.lambda_function("one")
    app.function(durable={"execution_timeout": 60})(one)
    app.function(uses=[flow.invoke], on_failure=flow)(two)
    resources = templates(app)
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:shop-dev-one:live"
    invoking = [each for each in allowed(resources, "TwoRole") if each["Action"] == ["lambda:InvokeFunction"]]
    assert [each["Resource"] for each in invoking] == [[{"Fn::Sub": arn}]]
    assert resources["TwoFunction"]["Properties"]["Environment"]["Variables"] == {flow.variable: {"Fn::Sub": arn}}
    config = resources["TwoInvokeConfig"]["Properties"]["DestinationConfig"]
    assert config == {"OnFailure": {"Destination": {"Fn::Sub": arn}}}


def test_another_code_or_setting_is_another_version() -> None:
    def version(sha256: str = "0", **options: Any) -> str:
        app = App("shop")
        app.function(provisioned_concurrency=1, **options)(one)
        [found] = of_type(templates(app, sha256=sha256), "AWS::Lambda::Version")
        return found

    assert version() == version()
    assert len({version(), version("1"), version(memory=512), version(environment={"AB": "c"})}) == 4


def test_versions_are_kept_where_executions_may_still_run_in_them() -> None:
    [version] = of_type(made(durable={"execution_timeout": 60}), "AWS::Lambda::Version").values()
    assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"
    [version] = of_type(made(snap_start=True), "AWS::Lambda::Version").values()
    assert "DeletionPolicy" not in version


def test_at_the_edge_logs_have_a_format_and_no_group() -> None:
    app = App("shop")
    app.edge_viewer_request("site")(app.function(log_format="JSON", application_log_level="WARN")(one))
    [edge] = functions_in(app, DEV)
    template = Template("shop", "dev")
    add_edge_function(template, edge, Code("python3.13", "x.one", {"S3Key": "k"}, "0"))
    logging = template.properties("OneFunction")["LoggingConfig"]
    assert logging == {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}


def test_a_durable_function_may_save_its_own_steps() -> None:
    resources = made(durable={"execution_timeout": 60, "retention_period_in_days": 3})
    config = {"ExecutionTimeout": 60, "RetentionPeriodInDays": 3}
    assert resources["OneFunction"]["Properties"]["DurableConfig"] == config
    own = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:shop-dev-one:*"
    actions = ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"]
    assert {"Effect": "Allow", "Action": actions, "Resource": [{"Fn::Sub": own}]} in allowed(resources)


@pytest.mark.parametrize(
    ("options", "runtime", "said"),
    [
        ({"snap_start": True}, "python3.11", "snap_start needs Python 3.12"),
        ({"durable": {"execution_timeout": 60}}, "python3.12", "durable needs Python 3.13"),
    ],
)
def test_what_the_projects_python_is_too_old_for_is_refused(options: Any, runtime: str, said: str) -> None:
    app = App("shop")
    app.function(**options)(one)
    with pytest.raises(BuildError, match=said) as caught:
        templates(app, runtime=runtime)
    assert "test_function_settings.py:" in caught.value.place


def test_the_local_variant_has_nothing_that_only_an_account_has(tmp_path: Path) -> None:
    app = App("shop")
    role = f"arn:aws:iam::{ACCOUNT}:role/mine"
    options: dict[str, Any] = {"vpc": VPC, "role": role, "provisioned_concurrency": 1, "dead_letter": app.queue("dead")}
    app.function(**options, tracing="Active", on_failure="arn:aws:s3:::records", reserved_concurrency=2)(one)
    artifacts = build(Project(tmp_path, Config(), app, "app", "app"), Stage("local"), local=LocalVariant("http://x"))
    resources = artifacts.stacks[0].template["Resources"]
    queues = {"DeadDeadLetterQueue", "DeadDeadLetterQueuePolicy", "DeadQueue", "DeadQueuePolicy"}
    assert set(resources) == {*queues, "OneFunction", "OneLogGroup", "OneRole"}
    assert set(resources["OneFunction"]["Properties"]) & {"VpcConfig", "DeadLetterConfig", "TracingConfig"} == set()
    assert resources["OneFunction"]["Properties"]["Role"] == {"Fn::GetAtt": ["OneRole", "Arn"]}


def test_each_architecture_and_runtime_has_the_requirements_made_for_it(
    tmp_path: Path, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing that is installed differs, they share one zip."""
    (tmp_path / f"{unique}.py").write_text(
        "from eventfw import App\napp = App('demo')\n"
        "@app.function(architecture='arm64')\ndef arm(event): ...\n"
        "@app.function()\ndef intel(event): ...\n"
        "@app.function(runtime='python3.14')\ndef young(event): ...\n"
    )
    asked = []

    def install(folder: Path, python: str, architecture: str) -> dict[str, Entry]:
        asked.append((python, architecture))
        return {"tiny.py": Entry(f"FOR = {architecture!r}\n".encode())} if wheels else {}

    monkeypatch.setattr(package, "install", install)
    loaded = load_project(tmp_path, unique)
    python = loaded.config.python
    for wheels, zips in ((True, 3), (False, 2)):
        artifacts = build(loaded, DEV, out=tmp_path / "out")
        assert {*asked} == {(python, "arm64"), (python, "x86_64"), ("3.14", "x86_64")}
        assert len(artifacts.assets) == zips
        used = {ref.name: ref.asset for ref in artifacts.functions}
        assert (used["arm"] == used["intel"]) is not wheels
        resources = artifacts.stacks[0].template["Resources"]
        for name, ref in used.items():
            assert resources[f"{name.title()}Function"]["Properties"]["Code"]["S3Key"] == f"demo/{ref}.zip"
        assert resources["YoungFunction"]["Properties"]["Runtime"] == "python3.14"


def test_nothing_that_checks_settings_is_in_a_zip(tmp_path: Path) -> None:
    app = App("shop")
    app.function(vpc=VPC, dead_letter=app.queue("dead"), provisioned_concurrency=1)(one)
    shipped = shipped_half(Project(tmp_path, Config(), app, "app", "app"), {})
    assert "eventfw/function.py" in shipped
    assert not {"eventfw/rules/settings.py", "eventfw/rules/function.py"} & set(shipped)


def test_a_stages_settings_take_the_place_of_the_apps_in_that_stage_alone() -> None:
    app = App("shop")
    app.function(memory=256, timeout=10, environment={"AB": "app", "CD": "app"}, tags={"a": "1"})(one)
    own = {"memory": 2048, "provisioned_concurrency": 4, "environment": {"CD": "own"}, "tags": {"b": "2"}}
    prod = Stage("prod", environment={"AB": "stage", "CD": "stage"}, functions={"one": own})
    properties = templates(app, prod)["OneFunction"]["Properties"]
    assert (properties["MemorySize"], properties["Timeout"]) == (2048, 10)
    assert properties["Environment"]["Variables"] == {"AB": "stage", "CD": "own"}
    assert properties["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert "OneLiveAlias" in templates(app, prod)
    assert "OneLiveAlias" not in templates(app)
    assert app.functions["one"].memory == 256
    assert app.functions["one"].said["tags"] == {"a": "1"}


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ({"onne": {"memory": 512}}, r"functions\.onne: the app has no such function\. Did you mean 'one'\?"),
        ({"one": {"provisioned_concurrency": 6}}, r"functions\.one: provisioned_concurrency must be at most"),
        ({"redirect": {"layers": [f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:a:1"]}}, "'redirect' runs at the edge"),
    ],
)
def test_settings_of_a_stage_that_do_not_fit_the_app_are_refused(functions: Any, said: str) -> None:
    app = App("shop")
    app.function(reserved_concurrency=5)(one)
    app.edge_viewer_request("site")(app.function("redirect")(two))
    with pytest.raises(ProjectError, match=said) as caught:
        functions_in(app, Stage("prod", functions=functions))
    assert caught.value.place == "eventfw.toml" and "stages.prod" in caught.value.message

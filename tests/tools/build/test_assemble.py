"""The templates: what is created, under which ids, with which permissions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventfw import App, Blueprint
from eventfw.errors import BuildError, RegistrationError
from eventfw.tools.build.artifacts import Artifacts
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.build.lint import lint_templates
from eventfw.tools.project import Config, Project, Stage

Template = dict[str, Any]
LOCAL = LocalVariant("http://127.0.0.1:1/push")


def handle(event: Any) -> Any:
    """Any handler."""


def named(name: str, func: Any = None) -> Any:
    """A new function with a name, for a handler."""

    def made(event: Any) -> Any: ...

    made.__name__ = name
    return made


def five() -> App:
    app = App("gallery")
    uploads, orders = app.bucket("uploads"), app.queue("orders")

    @app.http("/photos")
    def photos(request: Any) -> Any: ...

    @app.http("/photos/{name}", methods=["GET", "PUT"])
    def photo(request: Any, name: str) -> Any: ...

    app.s3_trigger(uploads, prefix="in/", suffix=".png")(
        app.function(memory=1024, timeout=60, uses=[uploads.write, orders.send])(named("thumbnail"))
    )
    app.sqs_consumer(orders, batch_size=5, maximum_concurrency=2)(named("order"))
    app.schedule("rate(5 minutes)")(named("morning"))
    app.function(environment={"MODE": "x"})(named("direct"))
    return app


def main_template(app: App, stage: str = "dev", *, local: LocalVariant = LOCAL) -> Template:
    """The main stack's template. The local variant differs in what its own test says, and needs no zip."""
    artifacts = build(project(app), Stage(stage), local=local)
    return artifacts.stacks[0].template


def project(app: App, folder: Path = Path("/nowhere")) -> Project:
    return Project(folder, Config(), app, "app", "app")


def ids(template: Template) -> dict[str, str]:
    return {logical: resource["Type"] for logical, resource in template["Resources"].items()}


def test_logical_ids_never_change() -> None:
    assert ids(main_template(five())) == {
        "ApiApiPermission": "AWS::Lambda::Permission",
        "ApiFunction": "AWS::Lambda::Function",
        "ApiIntegration": "AWS::ApiGatewayV2::Integration",
        "ApiLogGroup": "AWS::Logs::LogGroup",
        "ApiRole": "AWS::IAM::Role",
        "DirectFunction": "AWS::Lambda::Function",
        "DirectLogGroup": "AWS::Logs::LogGroup",
        "DirectRole": "AWS::IAM::Role",
        "GetPhotosRouteffbcf838": "AWS::ApiGatewayV2::Route",
        "GetPhotosRoute": "AWS::ApiGatewayV2::Route",
        "HttpApi": "AWS::ApiGatewayV2::Api",
        "HttpApiStage": "AWS::ApiGatewayV2::Stage",
        "MorningFunction": "AWS::Lambda::Function",
        "MorningLogGroup": "AWS::Logs::LogGroup",
        "MorningRole": "AWS::IAM::Role",
        "MorningSchedule": "AWS::Events::Rule",
        "MorningSchedulePermission": "AWS::Lambda::Permission",
        "OrderFunction": "AWS::Lambda::Function",
        "OrderLogGroup": "AWS::Logs::LogGroup",
        "OrderOrdersMapping": "AWS::Lambda::EventSourceMapping",
        "OrderRole": "AWS::IAM::Role",
        "OrdersDeadLetterQueue": "AWS::SQS::Queue",
        "OrdersDeadLetterQueuePolicy": "AWS::SQS::QueuePolicy",
        "OrdersQueue": "AWS::SQS::Queue",
        "OrdersQueuePolicy": "AWS::SQS::QueuePolicy",
        "PutPhotosRoute48c4c84e": "AWS::ApiGatewayV2::Route",
        "ThumbnailFunction": "AWS::Lambda::Function",
        "ThumbnailLogGroup": "AWS::Logs::LogGroup",
        "ThumbnailRole": "AWS::IAM::Role",
        "ThumbnailUploadsPermission": "AWS::Lambda::Permission",
        "UploadsBucket": "AWS::S3::Bucket",
        "UploadsBucketPolicy": "AWS::S3::BucketPolicy",
    }


def test_real_names_carry_app_and_stage_and_a_buckets_account_and_region() -> None:
    resources = main_template(five(), "prod")["Resources"]
    assert resources["OrdersQueue"]["Properties"]["QueueName"] == "gallery-prod-orders"
    assert resources["OrdersDeadLetterQueue"]["Properties"]["QueueName"] == "gallery-prod-orders-dead-letters"
    assert resources["ThumbnailFunction"]["Properties"]["FunctionName"] == "gallery-prod-thumbnail"
    assert resources["MorningSchedule"]["Properties"]["Name"] == "gallery-prod-morning"
    name = resources["UploadsBucket"]["Properties"]["BucketName"]
    assert name == {"Fn::Sub": "gallery-prod-uploads-${AWS::AccountId}-${AWS::Region}"}


def test_in_the_stage_local_names_stand_alone() -> None:
    resources = main_template(five(), "local")["Resources"]
    assert resources["OrdersQueue"]["Properties"]["QueueName"] == "orders"
    assert resources["UploadsBucket"]["Properties"]["BucketName"] == "uploads"


def test_a_role_may_do_what_is_granted_and_nothing_else() -> None:
    resources = main_template(five())["Resources"]
    role = resources["ThumbnailRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["lambda.amazonaws.com"]}
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    bucket = "arn:${AWS::Partition}:s3:::gallery-dev-uploads-${AWS::AccountId}-${AWS::Region}"
    assert {tuple(one["Action"]): one["Resource"] for one in statements} == {
        ("logs:CreateLogStream", "logs:PutLogEvents"): [{"Fn::GetAtt": ["ThumbnailLogGroup", "Arn"]}],
        ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"): [{"Fn::Sub": bucket + "/*"}],
        ("s3:ListBucket",): [{"Fn::Sub": bucket}],
        ("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"): [{"Fn::GetAtt": ["OrdersQueue", "Arn"]}],
    }
    assert all(one["Effect"] == "Allow" and "*" not in one["Action"] for one in statements)


def test_every_permission_names_its_source() -> None:
    permissions = [
        resource["Properties"]
        for resource in main_template(five())["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
    ]
    assert len(permissions) == 3
    assert all(one["SourceArn"] and one["Action"] == "lambda:InvokeFunction" for one in permissions)
    [s3] = [one for one in permissions if one["Principal"] == "s3.amazonaws.com"]
    assert s3["SourceAccount"] == {"Ref": "AWS::AccountId"}  # a bucket's ARN has no account


def test_the_bucket_waits_for_the_permission_that_s3_checks() -> None:
    bucket = main_template(five())["Resources"]["UploadsBucket"]
    assert bucket["DependsOn"] == ["ThumbnailUploadsPermission"]
    [entry] = bucket["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert entry["Function"] == {"Fn::GetAtt": ["ThumbnailFunction", "Arn"]}


def test_data_outlives_the_stack_and_a_queue_does_not() -> None:
    resources = main_template(five())["Resources"]
    kept = {name for name, one in resources.items() if "DeletionPolicy" in one or "UpdateReplacePolicy" in one}
    assert kept == {"UploadsBucket"}
    assert resources["UploadsBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resources["UploadsBucket"]["UpdateReplacePolicy"] == "Retain"


def test_queues_and_buckets_are_encrypted_and_private() -> None:
    resources = main_template(five())["Resources"]
    assert resources["OrdersQueue"]["Properties"]["SqsManagedSseEnabled"] is True
    assert resources["OrdersDeadLetterQueue"]["Properties"]["SqsManagedSseEnabled"] is True
    bucket = resources["UploadsBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    [statement] = resources["UploadsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize(("timeout", "window", "expected"), [(30, 0, 180), (900, 300, 5700), (1, 0, 30)])
def test_a_queue_hides_messages_for_six_timeouts_and_the_window(timeout: int, window: int, expected: int) -> None:
    app = App("shop")
    app.sqs_consumer(app.queue("orders"), batching_window=window)(app.function(timeout=timeout)(named("order")))
    assert main_template(app)["Resources"]["OrdersQueue"]["Properties"]["VisibilityTimeout"] == expected


def test_a_visibility_timeout_below_the_functions_timeout_is_refused() -> None:
    app = App("shop")
    app.sqs_consumer(app.queue("orders", visibility_timeout=10))(app.function(timeout=11)(named("order")))
    with pytest.raises(Exception, match="visibility_timeout must be at least the function's timeout of 11 s") as caught:
        main_template(app)
    assert "test_assemble.py" in str(caught.value)


def test_an_existing_queue_is_named_and_not_created() -> None:
    app = App("shop")
    app.sqs_consumer("legacy")(named("by_name"))
    app.sqs_consumer("arn:aws:sqs:eu-west-1:123456789012:far.fifo")(named("by_arn"))
    template = deployable(app)
    assert "AWS::SQS::Queue" not in ids(template).values()
    mappings = {name: one["Properties"] for name, one in template["Resources"].items() if "Mapping" in name}
    assert mappings["ByNameLegacyMapping"]["EventSourceArn"] == {
        "Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:legacy"
    }
    assert mappings["ByArnFarMapping"]["EventSourceArn"] == "arn:aws:sqs:eu-west-1:123456789012:far.fifo"


def test_the_local_variant_pushes_every_event_to_the_server_and_fires_no_schedule() -> None:
    app = five()
    app.sqs_consumer("legacy")(named("existing"))
    template = main_template(app, "local", local=LocalVariant("http://127.0.0.1:9/push/t"))
    functions = {
        name: one["Properties"] for name, one in template["Resources"].items() if one["Type"] == "AWS::Lambda::Function"
    }
    variables = functions["OrderFunction"]["Environment"]["Variables"]
    assert variables["MINISTACK_LAMBDA_PROXY_URL"] == "http://127.0.0.1:9/push/t/order"
    assert {one["Timeout"] for one in functions.values()} == {900}
    assert template["Resources"]["MorningSchedule"]["Properties"]["State"] == "DISABLED"
    assert template["Resources"]["LegacyQueue"]["Properties"]["QueueName"] == "legacy"


def deployable(app: App, stage: Stage = Stage("dev")) -> Template:  # noqa: B008
    """The main stack's template as it is deployed, with the zips left out."""
    from eventfw.tools.build import assemble

    runtime = "python3.12"
    templates = assemble._main_templates(
        app, stage, lambda one: assemble.Code(runtime, assemble.handler_of(one), assemble.code_in_bucket("a", "0" * 64))
    )
    return next(iter(templates.values())).body("test")


def test_a_blueprint_with_its_own_stack_takes_what_it_refers_to_from_the_main_stack() -> None:
    app, admin = App("shop"), Blueprint("admin")
    orders = app.queue("orders")
    admin.http("/stats")(admin.function(uses=[orders.send])(named("stats")))
    admin.sqs_consumer(orders)(named("consume"))
    app.http("/")(named("home"))
    app.mount(admin, path="/admin", stack=True)
    main, own = build(project(app), Stage("dev"), local=LOCAL).stacks
    assert (main.name, own.name) == ("shop-dev", "shop-dev-admin")
    assert set(own.template["Parameters"]) == {"HttpApi", "OrdersQueue", "OrdersQueueArn"}
    assert set(own.template["Parameters"]) <= set(main.template["Outputs"])
    assert own.template["Resources"]["ConsumeOrdersMapping"]["Properties"]["EventSourceArn"] == {
        "Ref": "OrdersQueueArn"
    }
    assert "OrdersQueue" in main.template["Resources"] and "OrdersQueue" not in own.template["Resources"]


def test_a_bucket_cannot_wait_for_a_later_stack() -> None:
    app, admin = App("shop"), Blueprint("admin")
    admin.s3_trigger(app.bucket("uploads"))(named("thumbnail"))
    app.mount(admin, stack=True)
    with pytest.raises(BuildError, match="without stack=True"):
        build(project(app), Stage("dev"), local=LOCAL)


def test_ids_that_would_clash_are_refused() -> None:
    app = App("shop")
    app.function("a-b")(named("one"))
    app.function("a_b")(named("two"))
    with pytest.raises(BuildError, match="ABLogGroup"):
        main_template(app)


def test_names_over_the_limits_of_aws_are_refused() -> None:
    app = App("a" * 40)
    app.function()(named("b" * 30))
    with pytest.raises(BuildError, match="64 characters"):
        main_template(app)
    app = App("a" * 20)
    app.bucket("b" * 20)
    with pytest.raises(BuildError, match="63 characters"):
        main_template(app)


def test_an_app_without_anything_is_nothing_to_build() -> None:
    with pytest.raises(BuildError, match="nothing to build"):
        main_template(App("shop"))


def test_a_stages_variables_are_added_and_checked() -> None:
    template = deployable(five(), Stage("prod", environment={"MODE": "prod", "LEVEL": "1"}))
    variables = template["Resources"]["DirectFunction"]["Properties"]["Environment"]["Variables"]
    assert variables == {"MODE": "prod", "LEVEL": "1"}
    with pytest.raises(BuildError, match="4096 bytes"):
        deployable(five(), Stage("prod", environment={"LEVEL": "x" * 5000}))


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "app_lint.py").write_text(
        "from eventfw import App\napp = App('lint')\nuploads = app.bucket('uploads', versioned=True)\n"
        "orders = app.queue('orders', fifo=True, content_based_deduplication=True, delay=3)\n"
        "@app.http('/a/{b}')\ndef a(b): ...\n"
        "@app.s3_trigger(uploads, prefix='in/', events=['s3:ObjectRemoved:*'])\n"
        "@app.function(uses=[uploads.read_write, uploads.delete, orders.send, orders.purge], ephemeral_storage=1024,\n"
        "              reserved_concurrency=2, log_retention=7, description='x', environment={'AB': 'c'})\n"
        "def thumbnail(upload): ...\n"
        "@app.sqs_consumer(orders)\ndef order(message): ...\n"
        "@app.sqs_consumer('legacy', batch_size=100, batching_window=1)\ndef legacy(message): ...\n"
        "@app.schedule('cron(0 6 * * ? *)', enabled=False)\ndef morning(tick): ...\n"
        "@app.event_rule({'source': ['my.shop'], 'detail': {'n': [{'numeric': ['>', 1]}, None]}})\ndef n(event): ...\n"
        "@app.edge_viewer_request('site')\ndef redirect(request): return request\n"
        "@app.s3_trigger('theirs.example.com', suffix='.png')\n"
        "@app.s3_trigger('others', via='eventbridge', wildcard='a/*/b', maximum_event_age=60, "
        "dead_letter=app.queue('lost'), events=['s3:ObjectTagging:*', "
        "'s3:ObjectCreated:Put'])\ndef theirs(record): ...\n"
        "@app.s3_batch(manifest=uploads, report='reports')\ndef job(task): ...\n"
        "@app.s3_object_lambda(uploads, operations=['GetObject', 'HeadObject', 'ListObjects', 'ListObjectsV2'],\n"
        "                      payload='x', allowed_features=['GetObject-Range'])\ndef changed(request): ...\n"
    )
    from eventfw.tools.project import load_project

    artifacts = build(load_project(tmp_path, "app_lint"), Stage("dev"), out=tmp_path / "out")
    artifacts.write(tmp_path / "out")
    lint_templates(tmp_path / "out", artifacts)
    assert [stack.name for stack in artifacts.stacks] == ["lint-dev-edge", "lint-dev"]
    assert Artifacts.read(tmp_path / "out").stacks == artifacts.stacks


def test_what_lint_finds_fails_the_build(tmp_path: Path) -> None:
    template = {"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"NoSuchProperty": 1}}}}
    from eventfw.tools.build.artifacts import Stack

    artifacts = Artifacts("shop", "dev", [Stack("shop-dev", None, template)])
    artifacts.write(tmp_path)
    with pytest.raises(BuildError, match="NoSuchProperty"):
        lint_templates(tmp_path, artifacts)


def test_a_manifest_that_names_files_outside_its_folder_is_refused(tmp_path: Path) -> None:
    artifacts = Artifacts("shop", "dev", [])
    artifacts.write(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["stacks"] = [{"name": "x", "region": None, "template": "../outside.json"}]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BuildError, match="outside its folder"):
        Artifacts.read(tmp_path)


def test_queue_and_bucket_names_that_aws_would_refuse_are_refused_with_their_place() -> None:
    long = App("a" * 40)
    long.queue("q" * 30)
    with pytest.raises(RegistrationError, match="over SQS's 80 characters") as caught:
        main_template(long)
    assert "test_assemble.py" in caught.value.place
    upper = App("Shop")
    upper.bucket("uploads")
    with pytest.raises(RegistrationError, match=r"App\('shop'\)"):
        main_template(upper)


def test_the_edge_may_log_where_it_runs_and_a_changed_setting_is_a_new_version() -> None:
    from eventfw.tools.build.functions import Code, add_edge_function
    from eventfw.tools.build.template import Template as Filled

    versions = set()
    for runtime in ("python3.12", "python3.13"):
        app = App("shop")
        app.edge_viewer_request("site")(named("home"))
        template = Filled("shop", "dev")
        add_edge_function(template, app.functions["home"], Code(runtime, "x.home", {"S3Key": "k"}, "0" * 64))
        body = template.body("test")["Resources"]
        versions |= {name for name, one in body.items() if one["Type"] == "AWS::Lambda::Version"}
        [statement] = body["HomeRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        group = "arn:${AWS::Partition}:logs:*:${AWS::AccountId}:log-group:/aws/lambda/us-east-1.shop-dev-home:*"
        assert statement["Resource"] == [{"Fn::Sub": group}]
        assert "logs:CreateLogGroup" in statement["Action"]
    assert len(versions) == 2


def test_a_clash_of_names_says_where_and_between_whom() -> None:
    app = App("p")
    app.function()(named("tick"))
    app.function()(named("Tick"))
    with pytest.raises(BuildError, match=r"of function 'tick'.* of function 'Tick'") as caught:
        main_template(app)
    assert "test_assemble.py:" in caught.value.place


def test_routes_of_all_stacks_count_towards_the_apis_quota() -> None:
    app = App("p")
    for name in ("a", "b"):
        blueprint = Blueprint(name)
        for number in range(200):
            blueprint.http(f"/{name}{number}")(blueprint.function(name)(named(f"{name}{number}")))
        app.mount(blueprint, stack=True)
    with pytest.raises((BuildError, RegistrationError), match="quota 'Routes per API'"):
        main_template(app)


def test_the_names_of_what_a_function_uses_count_in_its_environment() -> None:
    app = App("shop")
    grants = [app.queue(f"q{number}").send for number in range(40)]
    app.function(uses=grants, environment={"TEXT": "x" * 2000})(named("one"))
    with pytest.raises(BuildError, match=r"'one' has at least \d+ bytes") as caught:
        deployable(app)
    assert "test_assemble.py" in caught.value.place


def test_a_new_build_removes_what_the_earlier_one_made_and_nothing_else(tmp_path: Path) -> None:
    from eventfw.tools.build.artifacts import Asset, Stack

    (tmp_path / "assets").mkdir()
    assets = []
    for letter in "ab":
        path = tmp_path / "assets" / f"{letter * 64}.zip"
        path.write_bytes(b"")
        assets.append(Asset(path, letter * 64, 0))
    (tmp_path / "notes.txt").write_text("mine")
    Artifacts("shop", "dev", [Stack("shop-dev", None, {}), Stack("shop-dev-old", None, {})], assets).write(tmp_path)
    Artifacts("shop", "dev", [Stack("shop-dev", None, {})], assets[1:]).write(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"notes.txt", "manifest.json", "shop-dev.template.json", f"assets/{'b' * 64}.zip"}

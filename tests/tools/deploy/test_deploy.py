"""A stage is brought to an AWS over its real API; what was made is looked at through the services themselves."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from eventfw.errors import DeployError
from eventfw.tools.build.artifacts import Artifacts, Stack
from eventfw.tools.deploy.access import Access, Clients
from eventfw.tools.deploy.deploy import Declined, deploy
from eventfw.tools.deploy.destroy import destroy
from eventfw.tools.deploy.plan import Plan
from eventfw.tools.deploy.show import show_plan
from eventfw.tools.deploy.stacks import read_state

pytestmark = pytest.mark.spread

Make = Callable[..., Artifacts]
Template = dict[str, Any]


def changed(template: Template, **properties: Any) -> Template:
    """The template with properties of its queue changed."""
    new = copy.deepcopy(template)
    new["Resources"]["OrdersQueue"]["Properties"].update(properties)
    return new


def actions(plan: Plan) -> dict[str, str]:
    return {change.logical_id: change.action for stack in plan.stacks for change in stack.changes}


def waiting_change_sets(clients: Clients) -> list[str]:
    """Change sets of the stack that were made and neither executed nor deleted."""
    found = clients.client("cloudformation").list_change_sets(StackName="gallery-dev")["Summaries"]
    return [item["ChangeSetName"] for item in found if item["ExecutionStatus"] in ("AVAILABLE", "UNAVAILABLE")]


def test_a_first_deployment_creates_what_the_template_says(
    make: Make, template: Template, access: Access, clients: Clients, account: str, told: Any
) -> None:
    outcome = deploy(make(template), access=access, report=told)

    assert actions(outcome.plan) == {"UploadsBucket": "add", "OrdersQueue": "add", "OrderRole": "add"}
    clients.client("s3").head_bucket(Bucket=f"gallery-dev-uploads-{account}-eu-west-1")
    url = clients.client("sqs").get_queue_url(QueueName="gallery-dev-orders")["QueueUrl"]
    assert outcome.outputs == {"gallery-dev": {"Url": "https://gallery.example", "AQueue": url}}
    assert list(outcome.outputs["gallery-dev"]) == ["Url", "AQueue"]
    assert "CREATE_COMPLETE       OrdersQueue" in told.text


def test_the_stack_carries_the_stages_tags_beside_eventfws_own(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    deploy(replace(make(template), tags={"team": "photos"}), access=access)
    found = clients.client("cloudformation").describe_stacks(StackName="gallery-dev")["Stacks"][0]["Tags"]
    tags = {tag["Key"]: tag["Value"] for tag in found}
    assert tags == {"eventfw:app": "gallery", "eventfw:stage": "dev", "team": "photos"}


def test_the_code_bucket_is_private_encrypted_tls_only_and_expires_unused_code(
    make: Make, template: Template, access: Access, s3: Any, account: str
) -> None:
    deploy(make(template), access=access)

    name = f"eventfw-{account}-eu-west-1"
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    statement = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    controls = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert controls == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert [rule["Filter"] for rule in rules if "Expiration" in rule] == [
        {"Tag": {"Key": "eventfw:state", "Value": "unused"}}
    ]


def test_code_is_uploaded_once_with_its_checksum(
    make: Make, template: Template, access: Access, s3: Any, account: str, told: Any
) -> None:
    deploy(make(template), access=access, report=told)
    digest = hashlib.sha256(b"PK code").digest()
    found = s3.head_object(
        Bucket=f"eventfw-{account}-eu-west-1", Key=f"gallery/{digest.hex()}.zip", ChecksumMode="ENABLED"
    )
    assert found["ChecksumSHA256"] == base64.b64encode(digest).decode()
    assert told.text.count("uploaded gallery/") == 1

    told.lines.clear()
    deploy(make(changed(template, VisibilityTimeout=90)), access=access, report=told)
    assert "uploaded" not in told.text


def test_damaged_and_expiring_code_is_uploaded_again(
    make: Make, template: Template, access: Access, s3: Any, account: str, told: Any
) -> None:
    deploy(make(template), access=access)
    place = {"Bucket": f"eventfw-{account}-eu-west-1", "Key": f"gallery/{hashlib.sha256(b'PK code').hexdigest()}.zip"}
    for spoil in (
        lambda: s3.put_object(**place, Body=b"PK evil"),
        lambda: s3.put_object_tagging(**place, Tagging={"TagSet": [{"Key": "eventfw:state", "Value": "unused"}]}),
    ):
        spoil()
        told.lines.clear()
        deploy(make(template), access=access, report=told)
        assert told.text.count("uploaded gallery/") == 1
        assert s3.get_object(**place)["Body"].read() == b"PK code"
        assert s3.get_object_tagging(**place)["TagSet"] == [{"Key": "eventfw:state", "Value": "used"}]


def test_nothing_to_change_changes_nothing_and_leaves_no_change_set(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    deploy(make(template), access=access)
    outcome = deploy(make(template), access=access, confirm=lambda plan: pytest.fail("asked about nothing"))

    assert not outcome.changed
    assert outcome.outputs["gallery-dev"]["Url"] == "https://gallery.example"
    assert waiting_change_sets(clients) == []


def test_an_update_names_the_properties_that_change(
    make: Make, template: Template, access: Access, clients: Clients, told: Any
) -> None:
    deploy(make(template), access=access)
    outcome = deploy(make(changed(template, VisibilityTimeout=90)), access=access)

    show_plan(outcome.plan, told)
    assert "~ OrdersQueue  AWS::SQS::Queue  VisibilityTimeout" in told.text
    sqs = clients.client("sqs")
    url = sqs.get_queue_url(QueueName="gallery-dev-orders")["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "90"


def test_replaced_data_is_marked_before_anything_happens(
    make: Make, template: Template, access: Access, account: str, s3: Any, told: Any
) -> None:
    deploy(make(template), access=access)
    new = copy.deepcopy(template)
    new["Resources"]["UploadsBucket"]["Properties"]["BucketName"] = f"other-{account}"

    def refuse(plan: Plan) -> bool:
        show_plan(plan, told)
        return False

    with pytest.raises(Declined):
        deploy(make(new), access=access, confirm=refuse)
    assert "1 to REPLACE" in told.text
    assert re.search(r"! UploadsBucket  AWS::S3::Bucket  .*REPLACED by BucketName; DATA: the new one is", told.text)
    assert f"other-{account}" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_removal_and_permissions_are_marked(
    make: Make, template: Template, access: Access, clients: Clients, told: Any
) -> None:
    deploy(make(template), access=access)
    new = copy.deepcopy(template)
    del new["Resources"]["OrderRole"], new["Resources"]["OrdersQueue"], new["Outputs"]["AQueue"]
    outcome = deploy(make(new), access=access)

    show_plan(outcome.plan, told)
    assert "- OrderRole    AWS::IAM::Role   [permissions]" in told.text
    assert "2 to remove" in told.text
    assert not clients.client("sqs").list_queues().get("QueueUrls")


def test_a_failure_shows_its_first_cause_and_goes_back(
    make: Make, template: Template, access: Access, clients: Clients, told: Any
) -> None:
    deploy(make(template), access=access)
    broken = changed(template, VisibilityTimeout=90)
    broken["Resources"]["Bad"] = {
        "Type": "AWS::SQS::Queue",
        "DependsOn": "OrdersQueue",
        "Properties": {"QueueName": "gallery-dev-bad", "VisibilityTimeout": 99999999},
    }

    with pytest.raises(DeployError) as failed:
        deploy(make(broken), access=access, report=told)
    message = str(failed.value)
    assert re.search(r"Bad \(AWS::SQS::Queue\) \w+_FAILED: Invalid value for the parameter VisibilityTimeout", message)
    assert "The stack is what it was before" in message
    assert "UPDATE_ROLLBACK_IN_PROGRESS" in told.text
    assert not deploy(make(template), access=access).changed


def test_a_failed_creation_is_removed_by_the_next_deployment(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    broken = changed(template, VisibilityTimeout=99999999)
    with pytest.raises(DeployError, match="What was created was removed again"):
        deploy(make(broken), access=access)
    assert read_state(clients, "gallery-dev", "eu-west-1").status == "ROLLBACK_COMPLETE"

    outcome = deploy(make(template), access=access)
    assert set(actions(outcome.plan).values()) == {"add"}
    assert read_state(clients, "gallery-dev", "eu-west-1").status == "CREATE_COMPLETE"


def test_a_declined_first_deployment_leaves_no_stack(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    with pytest.raises(Declined, match="no stack was changed"):
        deploy(make(template), access=access, confirm=lambda plan: False)
    assert read_state(clients, "gallery-dev", "eu-west-1").is_new
    assert read_state(clients, "gallery-dev", "eu-west-1").status == ""


def test_a_declined_update_leaves_no_change_set(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    deploy(make(template), access=access)
    with pytest.raises(Declined):
        deploy(make(changed(template, VisibilityTimeout=90)), access=access, confirm=lambda plan: False)
    assert waiting_change_sets(clients) == []


def test_a_code_bucket_of_somebody_else_is_refused_before_any_code_is_sent(
    make: Make, template: Template, access: Access, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")
    stranger = Clients(access).client("s3")
    stranger.create_bucket(
        Bucket=f"eventfw-{account}-eu-west-1", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)

    with pytest.raises(DeployError, match="belongs to another account"):
        deploy(make(template), access=access)
    assert stranger.list_objects_v2(Bucket=f"eventfw-{account}-eu-west-1")["KeyCount"] == 0


def test_every_call_to_the_code_bucket_names_its_owner(
    make: Make, template: Template, access: Access, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    real = Clients._make

    def recording(self: Clients, service: str, region: str) -> Any:
        client = real(self, service, region)
        client.meta.events.register(
            "provide-client-params.s3", lambda params, model, **_: calls.append((model.name, params))
        )
        return client

    monkeypatch.setattr(Clients, "_make", recording)
    deploy(make(template), access=access)
    named = {name for name, params in calls if params.get("ExpectedBucketOwner") == account}
    assert {name for name, _ in calls} - named == {"CreateBucket"}
    assert {"PutObject", "HeadObject"} <= named | {"HeadObject"}


def test_a_template_over_the_request_limit_goes_through_the_bucket(
    make: Make, template: Template, access: Access, clients: Clients, account: str
) -> None:
    for number in range(60):
        template["Resources"][f"Topic{number}"] = {
            "Type": "AWS::SNS::Topic",
            "Metadata": {"why": "x" * 900},
            "Properties": {"TopicName": f"gallery-dev-topic-{number}"},
        }
    deploy(make(template), access=access)

    assert len(clients.client("sns").list_topics()["Topics"]) == 60
    bucket, s3 = f"eventfw-{account}-eu-west-1", clients.client("s3")
    (found,) = s3.list_objects_v2(Bucket=bucket, Prefix="gallery/templates/")["Contents"]
    tags = s3.get_object_tagging(Bucket=bucket, Key=found["Key"])["TagSet"]
    assert tags == [{"Key": "eventfw:state", "Value": "unused"}]


EDGE: Template = {
    "Resources": {"RedirectTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "gallery-dev-edge-v1"}}},
    "Outputs": {"RedirectVersion": {"Value": {"Ref": "RedirectTopic"}}},
}


def with_edge(template: Template) -> Template:
    new = copy.deepcopy(template)
    new["Parameters"] = {"RedirectVersion": {"Type": "String"}}
    new["Resources"]["Seen"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/gallery/edge", "Type": "String", "Value": {"Ref": "RedirectVersion"}},
    }
    return new


def test_the_edge_stack_comes_first_and_fills_the_parameter_of_its_outputs_name(
    make: Make, template: Template, access: Access, clients: Clients, told: Any
) -> None:
    outcome = deploy(make(with_edge(template), edge=EDGE), access=access, report=told)

    arn = outcome.outputs["gallery-dev-edge"]["RedirectVersion"]
    assert arn.startswith("arn:aws:sns:us-east-1:")
    assert clients.client("ssm").get_parameter(Name="/gallery/edge")["Parameter"]["Value"] == arn
    assert [stack.stack for stack in outcome.plan.stacks] == ["gallery-dev-edge", "gallery-dev"]
    assert outcome.plan.stacks[1].follows == ("gallery-dev-edge",)


def test_an_output_that_changes_reaches_the_stack_that_takes_it(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    deploy(make(with_edge(template), edge=EDGE), access=access)
    edge = copy.deepcopy(EDGE)
    edge["Resources"]["RedirectTopic"]["Properties"]["TopicName"] = "gallery-dev-edge-v2"
    outcome = deploy(make(with_edge(template), edge=edge), access=access)

    value = clients.client("ssm").get_parameter(Name="/gallery/edge")["Parameter"]["Value"]
    assert value.endswith("gallery-dev-edge-v2") and value == outcome.outputs["gallery-dev-edge"]["RedirectVersion"]
    assert not deploy(make(with_edge(template), edge=edge), access=access).changed


def test_a_removal_that_the_plan_could_not_show_stops_the_deployment(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    main = with_edge(template)
    main["Resources"]["Seen"]["Properties"]["Name"] = {"Fn::Sub": "/gallery/${RedirectVersion}"}
    deploy(make(main, edge=EDGE), access=access)
    edge = copy.deepcopy(EDGE)
    edge["Resources"]["RedirectTopic"]["Properties"]["TopicName"] = "gallery-dev-edge-v2"

    with pytest.raises(DeployError, match="which the plan did not show"):
        deploy(make(main, edge=edge), access=access)


def test_a_parameter_without_a_source_is_refused(make: Make, template: Template, access: Access) -> None:
    with pytest.raises(DeployError, match="RedirectVersion have no value"):
        deploy(make(with_edge(template)), access=access)


def test_data_kept_by_destroy_is_taken_back_with_what_is_in_it(
    make: Make, template: Template, access: Access, account: str, s3: Any
) -> None:
    deploy(make(template), access=access)
    bucket = f"gallery-dev-uploads-{account}-eu-west-1"
    s3.put_object(Bucket=bucket, Key="cat.png", Body=b"meow")
    destroy("gallery", "dev", access=access)

    outcome = deploy(make(template), access=access)
    assert actions(outcome.plan)["UploadsBucket"] == "adopt"
    assert s3.get_object(Bucket=bucket, Key="cat.png")["Body"].read() == b"meow"
    assert not deploy(make(template), access=access).changed


def test_a_stack_somebody_works_on_is_refused_with_the_remedy(
    make: Make, template: Template, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventfw.tools.deploy import deploy as module

    def busy(clients: Clients, name: str, region: str) -> Any:
        tags = {"eventfw:app": "gallery", "eventfw:stage": "dev"}
        return replace(read_state(clients, name, region), status="UPDATE_IN_PROGRESS", tags=tags)

    monkeypatch.setattr(module, "read_state", busy)
    with pytest.raises(DeployError, match=r"Another deployment is at work on it\. Wait for its end with `aws"):
        deploy(make(template), access=access)


def test_a_stack_of_somebody_else_is_refused(make: Make, template: Template, access: Access, clients: Clients) -> None:
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    clients.client("cloudformation").create_stack(StackName="gallery-dev", TemplateBody=body)
    with pytest.raises(DeployError, match="is not eventfw's"):
        deploy(make(template), access=access)

    deploy(make(template, app="shop-one", stage="dev"), access=access)
    with pytest.raises(DeployError, match="is of the app 'shop-one', stage 'dev'"):
        deploy(make(template, app="shop", stage="one-dev"), access=access)


def test_a_stack_that_left_the_app_is_in_the_plan_and_goes(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    queue = {"Resources": {"OldQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "gallery-dev-old"}}}}
    artifacts = make(template)
    both = replace(artifacts, stacks=[*artifacts.stacks, Stack("gallery-dev-old", None, queue)])
    deploy(both, access=access)
    shown: list[Any] = []

    def agree(plan: Any) -> bool:
        shown.append(plan)
        return True

    deploy(artifacts, access=access, confirm=agree)
    [gone] = [stack for stack in shown[0].stacks if stack.stack == "gallery-dev-old"]
    assert [(change.action, change.logical_id) for change in gone.changes] == [("remove", "OldQueue")]
    assert read_state(clients, "gallery-dev-old", "eu-west-1").status == ""
    assert not deploy(artifacts, access=access).changed

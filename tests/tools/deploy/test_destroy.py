"""A stage goes, its data stays unless that is asked for."""

from __future__ import annotations

import copy
import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from eventfw import App
from eventfw.errors import DeployError
from eventfw.tools.build.artifacts import Artifacts
from eventfw.tools.build.template import Template as BuildTemplate
from eventfw.tools.deploy.access import Access, Clients
from eventfw.tools.deploy.deploy import Declined, deploy
from eventfw.tools.deploy.destroy import destroy
from eventfw.tools.deploy.stacks import read_state

pytestmark = pytest.mark.spread

Make = Callable[..., Artifacts]
Template = dict[str, Any]


@pytest.fixture
def bucket(account: str) -> str:
    return f"gallery-dev-uploads-{account}-eu-west-1"


def buckets(s3: Any) -> list[str]:
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_destroy_keeps_data_and_lists_it(
    make: Make, template: Template, access: Access, clients: Clients, s3: Any, bucket: str
) -> None:
    deploy(make(template), access=access)
    done = destroy("gallery", "dev", access=access)

    assert [kept.physical_id for kept in done.data] == [bucket]
    assert bucket in buckets(s3)
    assert not clients.client("sqs").list_queues().get("QueueUrls")
    assert read_state(clients, "gallery-dev", "eu-west-1").status == ""


def test_delete_data_empties_every_version_and_unfinished_upload(
    make: Make, template: Template, access: Access, s3: Any, bucket: str
) -> None:
    template["Resources"]["UploadsBucket"]["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}
    deploy(make(template), access=access)
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="cat.png", Body=body)
    s3.put_object(Bucket=bucket, Key="dog.png", Body=b"3")
    s3.delete_object(Bucket=bucket, Key="dog.png")
    s3.create_multipart_upload(Bucket=bucket, Key="unfinished")

    destroy("gallery", "dev", access=access, delete_data=True)
    assert bucket not in buckets(s3)


def test_delete_data_reaches_a_table_and_what_an_earlier_destroy_kept(
    make: Make, template: Template, access: Access, clients: Clients, s3: Any, bucket: str
) -> None:
    template["Resources"]["PhotosTable"] = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {
            "TableName": "gallery-dev-photos",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        },
    }
    deploy(make(template), access=access)
    destroy("gallery", "dev", access=access)
    assert clients.client("dynamodb").list_tables()["TableNames"] == ["gallery-dev-photos"]

    done = destroy("gallery", "dev", access=access, delete_data=True)
    assert done.stacks == ()
    assert clients.client("dynamodb").list_tables()["TableNames"] == []
    assert bucket not in buckets(s3)


def test_a_queue_that_holds_messages_stops_destroy(
    make: Make, template: Template, access: Access, clients: Clients
) -> None:
    outcome = deploy(make(template), access=access)
    url = outcome.outputs["gallery-dev"]["AQueue"]
    clients.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    clients.client("sqs").send_message(QueueUrl=url, MessageBody="{}", DelaySeconds=60)

    with pytest.raises(DeployError, match=r"gallery-dev-orders \(2\).*--delete-data"):
        destroy("gallery", "dev", access=access)
    assert read_state(clients, "gallery-dev", "eu-west-1").status == "CREATE_COMPLETE"

    destroy("gallery", "dev", access=access, delete_data=True)
    assert read_state(clients, "gallery-dev", "eu-west-1").status == ""


def test_a_stage_without_stacks_is_no_error(access: Access) -> None:
    done = destroy("gallery", "dev", access=access, confirm=lambda plan: pytest.fail("asked about nothing"))
    assert done.empty and done.stacks == ()


def test_declining_changes_nothing(make: Make, template: Template, access: Access, clients: Clients) -> None:
    deploy(make(template), access=access)
    with pytest.raises(Declined):
        destroy("gallery", "dev", access=access, confirm=lambda plan: False)
    assert read_state(clients, "gallery-dev", "eu-west-1").status == "CREATE_COMPLETE"


def test_the_stack_that_takes_outputs_goes_before_the_one_that_gives_them(
    make: Make, template: Template, access: Access
) -> None:
    edge = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"Version": {"Value": {"Ref": "Topic"}}}}
    main = copy.deepcopy(template)
    main["Parameters"] = {"Version": {"Type": "String"}}
    deploy(make(main, edge=edge), access=access)

    done = destroy("gallery", "dev", access=access)
    assert [stack.name for stack in done.stacks] == ["gallery-dev", "gallery-dev-edge"]


def test_another_stage_and_another_app_are_left_alone(make: Make, access: Access, clients: Clients) -> None:
    topic: Template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    deploy(make(topic), access=access)
    deploy(make(topic, stage="dev-two"), access=access)
    deploy(make(topic, app="gallery-dev"), access=access)

    destroy("gallery", "dev", access=access)
    assert read_state(clients, "gallery-dev-dev", "eu-west-1").status == "CREATE_COMPLETE"
    assert read_state(clients, "gallery-dev-two", "eu-west-1").status == "CREATE_COMPLETE"


def store_often(access: Access, bucket: str, times: int) -> None:
    """Store that many versions of objects, as plain requests: botocore takes ten times as long over each."""
    account, address = bucket.rsplit("-", 3)[0].rpartition("-")[2], urlsplit(str(access.endpoint_url)).netloc
    whose = f"AWS4-HMAC-SHA256 Credential={account}/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(address, timeout=30)
    for number in range(times):
        connection.request("PUT", f"/{bucket}/{number % (times // 2)}.png", b"", {"Authorization": whose})
        assert connection.getresponse().read() == b""
    connection.close()


def test_more_versions_than_one_page_holds_are_deleted(
    make: Make, template: Template, access: Access, s3: Any, bucket: str
) -> None:
    template["Resources"]["UploadsBucket"]["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}
    deploy(make(template), access=access)
    store_often(access, bucket, 1_050)
    assert s3.list_object_versions(Bucket=bucket)["IsTruncated"]

    destroy("gallery", "dev", access=access, delete_data=True)
    assert bucket not in buckets(s3)


def test_data_that_left_the_app_in_an_update_is_found(
    make: Make, template: Template, access: Access, s3: Any, bucket: str
) -> None:
    extra = copy.deepcopy(template)
    extra["Resources"]["ExtraBucket"] = copy.deepcopy(template["Resources"]["UploadsBucket"])
    name = bucket.replace("uploads", "extra")
    extra["Resources"]["ExtraBucket"]["Properties"]["BucketName"] = name
    deploy(make(extra), access=access)
    deploy(make(template), access=access)
    assert name in buckets(s3)

    done = destroy("gallery", "dev", access=access)
    assert name in [kept.physical_id for kept in done.data]
    destroy("gallery", "dev", access=access, delete_data=True)
    assert name not in buckets(s3)


def test_the_stack_at_the_edge_goes_last() -> None:
    from eventfw.tools.deploy.removal import edge_last
    from eventfw.tools.deploy.stacks import APP_TAG, STAGE_TAG, StackState

    def stack(name: str, stage: str, region: str = "us-east-1") -> StackState:
        return StackState(name, region, tags={APP_TAG: "shop", STAGE_TAG: stage})

    stacks = [stack("shop-dev-edge", "dev"), stack("shop-dev-admin", "dev", "us-west-2"), stack("shop-dev", "dev")]
    assert [one.name for one in edge_last(stacks)] == ["shop-dev-admin", "shop-dev", "shop-dev-edge"]
    assert edge_last([stack("shop-edge", "edge"), stack("shop-edge-x", "edge")])[0].name == "shop-edge"


@pytest.mark.parametrize(
    ("held", "owner"),
    [
        ([{"PhysicalResourceId": "photos", "StackId": "arn:other"}], "arn:other"),
        ([{"PhysicalResourceId": "photos-2", "StackId": "arn:other"}], ""),
        (None, ""),
    ],
)
def test_who_owns_kept_data_now_is_what_cloudformation_says(held: list[dict[str, str]] | None, owner: str) -> None:
    """CloudFormation answers for a physical id with all resources of its stack, and with an error for one of none."""
    from botocore.exceptions import ClientError

    from eventfw.tools.deploy.kept import Resource, _owner

    class CloudFormation:
        def describe_stack_resources(self, **asked: str) -> dict[str, Any]:
            assert asked == {"PhysicalResourceId": "photos"}
            if held is None:
                raise ClientError(
                    {"Error": {"Code": "ValidationError", "Message": "no stack"}}, "DescribeStackResources"
                )
            return {"StackResources": held}

    class Clients:
        def client(self, service: str, region: str) -> CloudFormation:
            return CloudFormation()

    assert _owner(Clients(), Resource("eu-west-1", "AWS::S3::Bucket", "photos", "PhotosBucket")) == owner  # type: ignore[arg-type]


@pytest.fixture
def people(template: Template) -> Template:
    """The template with a user pool, its client, and a table, as ``app.user_pool`` and ``app.table`` write them."""
    app = App("gallery")
    app.user_pool("people")
    app.table("photos")
    made = BuildTemplate("gallery", "dev")
    for resource in app.resources:
        resource.resources(made)
    template["Resources"] |= made.body("")["Resources"]
    return template


def pools(clients: Clients) -> list[str]:
    return [pool["Id"] for pool in clients.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]]


def test_a_later_deploy_takes_a_kept_user_pool_back_by_its_id(
    make: Make, people: Template, access: Access, clients: Clients, told: Any
) -> None:
    deploy(make(people), access=access)
    (pool,) = pools(clients)
    clients.client("cognito-idp").admin_create_user(UserPoolId=pool, Username="ann@example.com")
    clients.client("dynamodb").put_item(TableName="gallery-dev-photos", Item={"id": {"S": "cat"}})
    kept = {item.physical_id for item in destroy("gallery", "dev", access=access).data}
    assert {pool, "gallery-dev-photos"} < kept

    people["Resources"]["PeopleUserPool"]["Properties"]["LambdaConfig"] = {
        "PreSignUp": {"Fn::GetAtt": ["OrderRole", "Arn"]}
    }
    outcome = deploy(make(people), access=access, report=told)
    (plan,) = outcome.plan.stacks
    shown = {change.logical_id: (change.action, change.physical_id) for change in plan.changes}
    assert shown["PeopleUserPool"] == ("adopt", pool)
    assert shown["PeopleUserPoolClient"][0] == "add"
    assert pools(clients) == [pool]
    assert len(clients.client("cognito-idp").list_users(UserPoolId=pool)["Users"]) == 1
    assert clients.client("dynamodb").scan(TableName="gallery-dev-photos")["Count"] == 1
    pooled = clients.client("cognito-idp").describe_user_pool(UserPoolId=pool)["UserPool"]
    assert pooled["LambdaConfig"]["PreSignUp"].startswith("arn:aws:iam:")
    assert not deploy(make(people), access=access).changed


def test_a_user_pool_comes_back_into_a_stack_that_is_there(
    make: Make, template: Template, people: Template, access: Access, clients: Clients
) -> None:
    without = copy.deepcopy(people)
    del without["Resources"]["PeopleUserPool"], without["Resources"]["PeopleUserPoolClient"]
    deploy(make(people), access=access)
    before = pools(clients)
    deploy(make(without), access=access)
    assert pools(clients) == before
    deploy(make(people), access=access)
    assert pools(clients) == before


def test_declining_takes_nothing_back(make: Make, people: Template, access: Access, clients: Clients) -> None:
    deploy(make(people), access=access)
    destroy("gallery", "dev", access=access)
    with pytest.raises(Declined):
        deploy(make(people), access=access, confirm=lambda plan: False)
    assert read_state(clients, "gallery-dev", "eu-west-1").status == ""


def test_delete_data_deletes_a_user_pool_with_its_users_and_domain(
    make: Make, people: Template, access: Access, clients: Clients
) -> None:
    deploy(make(people), access=access)
    (pool,) = pools(clients)
    clients.client("cognito-idp").admin_create_user(UserPoolId=pool, Username="ann@example.com")
    clients.client("cognito-idp").create_user_pool_domain(UserPoolId=pool, Domain="gallery-dev")

    destroy("gallery", "dev", access=access, delete_data=True)
    assert pools(clients) == []
    assert clients.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.parametrize(
    ("logical_id", "option", "on", "off"),
    [
        ("PhotosTable", "DeletionProtectionEnabled", True, False),
        ("PeopleUserPool", "DeletionProtection", "ACTIVE", "INACTIVE"),
    ],
)
def test_what_has_deletion_protection_stops_delete_data_before_anything_goes(
    make: Make, people: Template, access: Access, clients: Clients, logical_id: str, option: str, on: Any, off: Any
) -> None:
    properties = people["Resources"][logical_id]["Properties"]
    properties[option] = on
    deploy(make(people), access=access)
    with pytest.raises(DeployError, match="have deletion protection"):
        destroy("gallery", "dev", access=access, delete_data=True)
    assert read_state(clients, "gallery-dev", "eu-west-1").status == "CREATE_COMPLETE"

    properties[option] = off
    deploy(make(people), access=access)
    destroy("gallery", "dev", access=access, delete_data=True)
    assert pools(clients) == []

"""Data that outlives a stack: found in live and in deleted stacks, and deleted when the user asks for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Client, Clients, aws_errors, code_of
from eventfw.tools.deploy.changeset import pauses
from eventfw.tools.deploy.data import CODE_TYPES, data_ids
from eventfw.tools.deploy.report import Reporter
from eventfw.tools.deploy.stacks import APP_TAG, STAGE_TAG, StackState, read_template, stacks_of

_GONE = ("NoSuchBucket", "404", "NotFound", "ResourceNotFoundException")


@dataclass(frozen=True, order=True)
class Resource:
    """A resource by what CloudFormation calls it: ``physical_id`` is a bucket's name, a queue's URL."""

    region: str
    type: str
    physical_id: str
    logical_id: str = ""

    def __str__(self) -> str:
        return f"{self.physical_id} ({self.type}, {self.region})"


def resources_of(clients: Clients, stack: StackState) -> list[Resource]:
    """Every resource that a stack holds."""
    with aws_errors(f"listing the resources of {stack.name}", clients.endpoint_url):
        client = clients.client("cloudformation", stack.region)
        pages = client.get_paginator("list_stack_resources").paginate(StackName=stack.id)
        return [
            Resource(stack.region, item["ResourceType"], item["PhysicalResourceId"], item["LogicalResourceId"])
            for page in pages
            for item in page["StackResourceSummaries"]
            if item.get("PhysicalResourceId") and item["ResourceStatus"] != "DELETE_COMPLETE"
        ]


def data_of(clients: Clients, stack: StackState, resources: list[Resource]) -> list[Resource]:
    """Which of a stack's resources outlive it: what its own template, as it was sent, retains."""
    with aws_errors(f"reading the template of {stack.name}", clients.endpoint_url):
        retained = data_ids(read_template(clients.client("cloudformation", stack.region), stack.id))
    return [resource for resource in resources if resource.logical_id in retained]


def left_behind(clients: Clients, app: str, stage: str, region: str) -> list[Resource]:
    """Data that stacks of the stage kept, when they or it went, and that still exists.

    CloudFormation remembers deleted stacks, and events, for 90 days.
    """
    with aws_errors(f"looking for data that was kept in {region}", clients.endpoint_url):
        found = {resource for _, resource in _skipped(clients, app, stage, region)}
    ours = {stack.id for stack in stacks_of(clients, app, region) if stack.tags.get(STAGE_TAG) == stage}
    return [
        resource
        for resource in sorted(found)
        if _exists(clients, resource) and _owner(clients, resource) in {"", *ours}
    ]


def last_kept(clients: Clients, app: str, stage: str, region: str) -> dict[tuple[str, str], Resource]:
    """What was kept, still exists and is of no stack now, by logical id and type: of each the one kept last."""
    with aws_errors(f"looking for data that was kept in {region}", clients.endpoint_url):
        found = sorted(_skipped(clients, app, stage, region), key=lambda item: item[0])
    return {
        (resource.logical_id, resource.type): resource
        for _, resource in found
        if _exists(clients, resource) and not _owner(clients, resource)
    }


def _skipped(clients: Clients, app: str, stage: str, region: str) -> list[tuple[datetime, Resource]]:
    """What deletions and updates of the stage's stacks left in place, and when."""
    client = clients.client("cloudformation", region)
    pages = client.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    gone = [
        item["StackId"]
        for page in pages
        for item in page["StackSummaries"]
        if item["StackName"] == f"{app}-{stage}" or item["StackName"].startswith(f"{app}-{stage}-")
    ]
    ids = [stack for stack in gone if _tags(client, stack) == (app, stage)]
    ids += [stack.id for stack in stacks_of(clients, app, region) if stack.tags.get(STAGE_TAG) == stage]
    return [found for stack in ids for found in _skipped_of(client, region, stack)]


def _tags(client: Client, stack_id: str) -> tuple[str | None, str | None]:
    described = client.describe_stacks(StackName=stack_id)["Stacks"][0].get("Tags", [])
    tags = {tag["Key"]: tag["Value"] for tag in described}
    return tags.get(APP_TAG), tags.get(STAGE_TAG)


def _owner(clients: Clients, resource: Resource) -> str:
    """The id of the stack that a resource belongs to now; ``""`` where it belongs to none."""
    from botocore.exceptions import ClientError

    try:
        answer = clients.client("cloudformation", resource.region).describe_stack_resources(
            PhysicalResourceId=resource.physical_id
        )
    except ClientError as error:
        if code_of(error) == "ValidationError":  # CloudFormation's word for: of no stack
            return ""
        raise
    held = [item for item in answer["StackResources"] if item.get("PhysicalResourceId") == resource.physical_id]
    return str(held[0]["StackId"]) if held else ""


def _skipped_of(client: Client, region: str, stack_id: str) -> list[tuple[datetime, Resource]]:
    """What a stack's deletion, or an update of it, left in place."""
    return [
        (
            event["Timestamp"],
            Resource(region, event["ResourceType"], event["PhysicalResourceId"], event["LogicalResourceId"]),
        )
        for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "DELETE_SKIPPED" and event["ResourceType"] not in CODE_TYPES
    ]


def delete_resource(clients: Clients, resource: Resource, report: Reporter) -> None:
    """Delete a resource with everything in it."""
    report.step(resource.physical_id, f"  deleting {resource}", "running")
    with aws_errors(f"deleting {resource}", clients.endpoint_url):
        _DELETERS.get(resource.type, _delete_any)(clients, resource)
    report.step(resource.physical_id, f"  deleted {resource}", "done")


def _exists(clients: Clients, resource: Resource) -> bool:
    from botocore.exceptions import ClientError

    try:
        if resource.type == "AWS::S3::Bucket":
            clients.client("s3", resource.region).head_bucket(**_owned(clients, resource))
        elif resource.type == "AWS::DynamoDB::Table":
            clients.client("dynamodb", resource.region).describe_table(TableName=resource.physical_id)
        elif resource.type == "AWS::Cognito::UserPool":
            clients.client("cognito-idp", resource.region).describe_user_pool(UserPoolId=resource.physical_id)
        else:
            clients.client("cloudcontrol", resource.region).get_resource(
                TypeName=resource.type, Identifier=resource.physical_id
            )
    except ClientError as error:
        if code_of(error) in _GONE:
            return False
        raise
    return True


def _owned(clients: Clients, resource: Resource) -> dict[str, Any]:
    return {"Bucket": resource.physical_id, "ExpectedBucketOwner": clients.account}


def _delete_bucket(clients: Clients, resource: Resource) -> None:
    """Every version, delete marker and unfinished upload, then the bucket: S3 deletes only an empty one."""
    s3, owned = clients.client("s3", resource.region), _owned(clients, resource)
    for page in s3.get_paginator("list_multipart_uploads").paginate(**owned):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Key=upload["Key"], UploadId=upload["UploadId"], **owned)
    while objects := _versions(
        s3.list_object_versions(**owned)
    ):  # from the start: deleting moves what a page begins at
        answer = s3.delete_objects(Delete={"Objects": objects, "Quiet": True}, **owned)
        _require_none(resource, answer.get("Errors", []))
    s3.delete_bucket(**owned)


def _versions(page: dict[str, Any]) -> list[dict[str, str]]:
    found = page.get("Versions", []) + page.get("DeleteMarkers", [])
    return [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]


def _require_none(resource: Resource, errors: list[dict[str, str]]) -> None:
    if errors:
        raise DeployError(
            f"{len(errors)} objects of {resource.physical_id} could not be deleted; the first is "
            f"{errors[0]['Key']!r}: {errors[0].get('Message', '')} ({errors[0].get('Code', '')}). "
            "Look for an object lock or a bucket policy that denies it.",
            place=resource.physical_id,
        )


def protected(clients: Clients, resources: list[Resource]) -> list[Resource]:
    """Which of the resources their service refuses to delete, because that was asked for."""
    found = []
    for resource in resources:
        with aws_errors(f"looking at {resource}", clients.endpoint_url):
            if resource.type == "AWS::DynamoDB::Table":
                client = clients.client("dynamodb", resource.region)
                table = client.describe_table(TableName=resource.physical_id)["Table"]
                on = bool(table.get("DeletionProtectionEnabled"))
            elif resource.type == "AWS::Cognito::UserPool":
                client = clients.client("cognito-idp", resource.region)
                pool = client.describe_user_pool(UserPoolId=resource.physical_id)["UserPool"]
                on = pool.get("DeletionProtection") == "ACTIVE"
            else:
                on = False
        found += [resource] if on else []
    return found


def _delete_table(clients: Clients, resource: Resource) -> None:
    """The table, and wait until its name is free."""
    client = clients.client("dynamodb", resource.region)
    client.delete_table(TableName=resource.physical_id)
    for pause in pauses():
        if not _exists(clients, resource):
            break
        time.sleep(pause)


def _delete_user_pool(clients: Clients, resource: Resource) -> None:
    """The pool's domains, which Cognito wants gone first, and the pool with all its users."""
    client = clients.client("cognito-idp", resource.region)
    pool = client.describe_user_pool(UserPoolId=resource.physical_id)["UserPool"]
    for domain in filter(None, (pool.get("CustomDomain"), pool.get("Domain"))):
        client.delete_user_pool_domain(Domain=domain, UserPoolId=resource.physical_id)
    client.delete_user_pool(UserPoolId=resource.physical_id)


def _delete_any(clients: Clients, resource: Resource) -> None:
    """Any other type goes through Cloud Control, which deletes what CloudFormation can create."""
    client = clients.client("cloudcontrol", resource.region)
    progress = client.delete_resource(TypeName=resource.type, Identifier=resource.physical_id)["ProgressEvent"]
    for pause in pauses():
        if progress["OperationStatus"] not in ("PENDING", "IN_PROGRESS"):
            break
        time.sleep(pause)
        progress = client.get_resource_request_status(RequestToken=progress["RequestToken"])["ProgressEvent"]
    if progress["OperationStatus"] != "SUCCESS":
        raise DeployError(
            f"{resource} could not be deleted: {progress.get('StatusMessage', 'no reason given')}. "
            "Delete it in the console.",
            place=resource.physical_id,
        )


_DELETERS: dict[str, Callable[[Clients, Resource], None]] = {
    "AWS::S3::Bucket": _delete_bucket,
    "AWS::DynamoDB::Table": _delete_table,
    "AWS::Cognito::UserPool": _delete_user_pool,
}

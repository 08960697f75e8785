"""Data that outlives a stack: found in live and in deleted stacks, and deleted when the user asks for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
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
    client = clients.client("cloudformation", region)
    found: list[Resource] = []
    with aws_errors(f"looking for data that was kept in {region}", clients.endpoint_url):
        pages = client.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
        names = [
            item
            for page in pages
            for item in page["StackSummaries"]
            if item["StackName"] == f"{app}-{stage}" or item["StackName"].startswith(f"{app}-{stage}-")
        ]
        for item in names:
            tags = {
                tag["Key"]: tag["Value"]
                for tag in client.describe_stacks(StackName=item["StackId"])["Stacks"][0].get("Tags", [])
            }
            if (tags.get(APP_TAG), tags.get(STAGE_TAG)) == (app, stage):
                found += _skipped(client, region, item["StackId"])
        for stack in stacks_of(clients, app, region):
            if stack.tags.get(STAGE_TAG) == stage:
                found += _skipped(client, region, stack.id)
    ours = {stack.id for stack in stacks_of(clients, app, region) if stack.tags.get(STAGE_TAG) == stage}
    return [
        resource
        for resource in sorted(set(found))
        if _exists(clients, resource) and _owner(clients, resource) in {"", *ours}
    ]


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


def _skipped(client: Client, region: str, stack_id: str) -> list[Resource]:
    """What a stack's deletion, or an update of it, left in place."""
    found: list[Resource] = []
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event["ResourceStatus"] == "DELETE_SKIPPED" and event["ResourceType"] not in CODE_TYPES:
                found.append(
                    Resource(region, event["ResourceType"], event["PhysicalResourceId"], event["LogicalResourceId"])
                )
    return found


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


def _delete_table(clients: Clients, resource: Resource) -> None:
    clients.client("dynamodb", resource.region).delete_table(TableName=resource.physical_id)


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
}

"""The code bucket: one per account and region, shared by the apps there, made on first use.

What is in it is used longer than one deployment: when an update fails, CloudFormation goes back to the code the stack
had, however old. So age alone expires nothing. Code that no stack of the app names any more is tagged
``eventfw:state=unused`` (see ``unused.py``) and the bucket's lifecycle expires what carries the tag, 30 days after it
was uploaded. Code that is needed again while it carries the tag is uploaded again, which makes it new and
``used``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Client, Clients, aws_errors, code_of
from eventfw.tools.deploy.report import Reporter

if TYPE_CHECKING:
    from eventfw.tools.build.artifacts import Asset

STATE_TAG = "eventfw:state"
USED, UNUSED = "used", "unused"
UNUSED_DAYS = 30
_GONE = ("404", "NoSuchBucket", "NotFound", "NoSuchKey")


class CodeBucket:
    """The bucket ``eventfw-<account>-<region>``; every call names the owner it must have."""

    def __init__(self, clients: Clients, region: str, report: Reporter) -> None:
        self.name = f"eventfw-{clients.account}-{region}"
        self.region = region
        self._clients = clients
        self._owner = {"Bucket": self.name, "ExpectedBucketOwner": clients.account}
        self._report = report
        self._ready = False

    @property
    def s3(self) -> Client:
        """The S3 client of the bucket's region."""
        return self._clients.client("s3", self.region)

    def put_asset(self, app: str, asset: Asset) -> bool:
        """Upload a zip as ``<app>/<sha256>.zip`` unless the same bytes are there; True when it was uploaded."""
        self._ensure()
        key, digest = f"{app}/{asset.sha256}.zip", _base64_digest(asset.sha256)
        if self._holds(key, asset.bytes, digest):
            return False
        size = f"{asset.bytes / 1_000_000:.1f} MB" if asset.bytes >= 100_000 else f"{asset.bytes:,} bytes"
        self._report.step(key, f"uploading {key} ({size}) to {self.name}", "running")
        with aws_errors(f"uploading {key} to {self.name}", self._clients.endpoint_url), asset.path.open("rb") as body:
            self.s3.put_object(
                Key=key,
                Body=body,
                ChecksumSHA256=digest,
                ContentType="application/zip",
                Tagging=urlencode({STATE_TAG: USED}),
                **self._owner,
            )
        self._report.step(key, f"uploaded {key} ({size})", "done")
        return True

    def put_template(self, app: str, body: bytes) -> str:
        """Upload a template too long for a request; the URL CloudFormation reads it from."""
        self._ensure()
        key = f"{app}/templates/{hashlib.sha256(body).hexdigest()}.json"
        with aws_errors(f"uploading a template to {self.name}", self._clients.endpoint_url):
            self.s3.put_object(
                Key=key,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ContentType="application/json",
                Tagging=urlencode({STATE_TAG: UNUSED}),
                **self._owner,
            )
        if self._clients.endpoint_url:
            return f"{self._clients.endpoint_url}/{self.name}/{key}"
        suffix = "amazonaws.com.cn" if self._clients.partition == "aws-cn" else "amazonaws.com"
        return f"https://{self.name}.s3.{self.region}.{suffix}/{key}"

    def objects(self, app: str) -> list[dict[str, Any]]:
        """The app's zips: ``Key`` and ``LastModified`` of each."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Prefix=f"{app}/", **self._owner)
        return [item for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".zip")]

    def is_unused(self, key: str) -> bool:
        """Whether an object carries the tag that expires it."""
        tags = self.s3.get_object_tagging(Key=key, **self._owner)["TagSet"]
        return {"Key": STATE_TAG, "Value": UNUSED} in tags

    def set_unused(self, key: str, unused: bool) -> None:
        """Tag an object for expiry, or as used."""
        tag = {"Key": STATE_TAG, "Value": UNUSED if unused else USED}
        self.s3.put_object_tagging(Key=key, Tagging={"TagSet": [tag]}, **self._owner)

    def _holds(self, key: str, size: int, digest: str) -> bool:
        from botocore.exceptions import ClientError

        with aws_errors(f"looking for {key} in {self.name}", self._clients.endpoint_url):
            try:
                found = self.s3.head_object(Key=key, ChecksumMode="ENABLED", **self._owner)
            except ClientError as error:
                if code_of(error) in _GONE:
                    return False
                raise
            same = found["ContentLength"] == size and found.get("ChecksumSHA256") == digest
            return same and not self.is_unused(key)

    def _ensure(self) -> None:
        if self._ready:
            return
        if not self.exists():
            self._create()
        with aws_errors(f"securing the code bucket {self.name}", self._clients.endpoint_url):
            if not self._is_secured():
                self._secure()
        self._ready = True

    def exists(self) -> bool:
        """Whether the bucket is there; one that is somebody else's is refused."""
        from botocore.exceptions import ClientError

        with aws_errors(f"looking for the code bucket {self.name}", self._clients.endpoint_url):
            try:
                self.s3.head_bucket(**self._owner)
            except ClientError as error:
                if code_of(error) in _GONE:
                    return False
                if code_of(error) in ("403", "AccessDenied", "Forbidden"):
                    raise self._foreign() from error
                raise
        return True

    def _create(self) -> None:
        from botocore.exceptions import ClientError

        place = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        with aws_errors(f"creating the code bucket {self.name}", self._clients.endpoint_url):
            try:
                self.s3.create_bucket(Bucket=self.name, ObjectOwnership="BucketOwnerEnforced", **place)
            except ClientError as error:
                if code_of(error) == "BucketAlreadyExists":
                    raise self._foreign() from error
                if code_of(error) != "BucketAlreadyOwnedByYou":  # another deployment was quicker
                    raise
        self._report.note(f"created the code bucket {self.name}")

    def _foreign(self) -> DeployError:
        return DeployError(
            f"The code bucket {self.name} is not yours to use: it belongs to another account than "
            f"{self._clients.account}, or these credentials may not read it. Code is never sent to it. Ask for "
            "s3:ListBucket on it; if somebody else owns it, report it to AWS and deploy to another region.",
            place=self.name,
        )

    def _is_secured(self) -> bool:
        """The lifecycle is set last, so a bucket that has one has everything."""
        from botocore.exceptions import ClientError

        try:
            self.s3.get_bucket_lifecycle_configuration(**self._owner)
        except ClientError as error:
            if code_of(error) == "NoSuchLifecycleConfiguration":
                return False
            raise
        return True

    def _secure(self) -> None:
        self.s3.put_public_access_block(
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
            **self._owner,
        )
        self.s3.put_bucket_ownership_controls(
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, **self._owner
        )
        self.s3.put_bucket_encryption(
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            **self._owner,
        )
        self.s3.put_bucket_policy(Policy=json.dumps(self._tls_only()), **self._owner)
        self.s3.put_bucket_lifecycle_configuration(LifecycleConfiguration={"Rules": _LIFECYCLE}, **self._owner)

    def _tls_only(self) -> dict[str, Any]:
        arn = f"arn:{self._clients.partition}:s3:::{self.name}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }


_LIFECYCLE: list[dict[str, Any]] = [
    {
        "ID": "expire-unused-code",
        "Status": "Enabled",
        "Filter": {"Tag": {"Key": STATE_TAG, "Value": UNUSED}},
        "Expiration": {"Days": UNUSED_DAYS},
    },
    {
        "ID": "abort-unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
]


def _base64_digest(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()

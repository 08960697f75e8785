"""Bucket: an S3 bucket."""

from __future__ import annotations

from ..errors import RegistrationError
from ..options import flag, refused, text
from .names import pascal
from .queue import partition
from .resource import Grant, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .names import Names
    from .resource import Template


class Bucket(Resource):
    """An S3 bucket that the app owns: private, encrypted (SSE-S3), reached over TLS only, and kept when the stack goes.
    Or (``Bucket.existing``) one that is there already.

    Options
        ``versioned``: keep every version of an object.

    An owned one is called ``<app>-<stage>-<name>-<account>-<region>``, because bucket names are shared by all of AWS.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """

    type = "bucket"

    def __init__(self, name: str, *, versioned: bool = False) -> None:
        super().__init__(name)
        self.versioned = versioned
        self.validate()

    def validate(self) -> None:
        checked_name(self.key)
        flag("bucket", "versioned", self.versioned)

    @classmethod
    def existing(cls, name: str) -> Self:
        """A bucket that is there already, by name or ARN. It is never created or deleted on AWS; of its notifications
        a trigger changes only those that it made."""
        text("bucket", "name", name, "Give the name or ARN of an existing bucket.")
        short = name
        if name.startswith("arn:"):
            parts = name.split(":", 5)
            if len(parts) != 6 or parts[2:5] != ["s3", "", ""] or "/" in parts[5]:
                raise refused(f"{name!r} is not the ARN of a bucket. Write arn:aws:s3:::NAME.")
            short = parts[5]
        if not 3 <= len(short) <= 63 or not all(
            char.isascii() and (char.isdigit() or char.islower() or char in "-.") for char in short
        ):
            raise refused(
                f"S3 has no bucket called {short!r}: a name has 3 to 63 lower-case letters, digits, hyphens and dots."
            )
        bucket = cls.__new__(cls)
        Resource.__init__(bucket, short, owned=False)
        bucket.versioned = False
        return bucket

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "Bucket"

    @property
    def name(self) -> str:
        """The bucket's real name."""
        return self.told() or self.key

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        import os

        return f"arn:{partition(os.environ.get('AWS_REGION', 'us-east-1'))}:s3:::{self.name}"

    @property
    def read(self) -> Grant:
        """Leave to read and list objects. A trigger on the bucket implies it."""
        return Grant(self, "read", {"": ("s3:ListBucket",), "/*": ("s3:GetObject",)})

    @property
    def write(self) -> Grant:
        """Leave to write objects."""
        return Grant(self, "write", {"/*": ("s3:PutObject", "s3:AbortMultipartUpload")})

    @property
    def delete(self) -> Grant:
        """Leave to delete objects."""
        return Grant(self, "delete", {"/*": ("s3:DeleteObject",)})

    @property
    def read_write(self) -> Grant:
        """Leave to read, list, write and delete objects."""
        objects = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject")
        return Grant(self, "read_write", {"": ("s3:ListBucket",), "/*": objects})

    def local_value(self, names: Names, endpoint: str) -> str:
        return names.bucket(self.key) if self.owned else self.key

    def reference(self, template: Template) -> Any:
        """Built from names: a ``Ref`` would close a circle, because the bucket waits for its functions' permissions."""
        return template.bucket_name(self.key) if self.owned else self.key

    def arn_in(self, template: Template) -> Any:
        name = self.reference(template)
        text_of = name if isinstance(name, str) else name["Fn::Sub"]
        return {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{text_of}"}

    def resources(self, template: Template) -> None:
        """The bucket and the policy that refuses anything but TLS. The local variant makes an existing one, too, under
        its own name."""
        if not self.owned:
            if template.local:
                template.add(self.logical_id, "AWS::S3::Bucket", {"BucketName": self.key})
            return
        name = template.physical(self.key)
        if name != name.lower():
            raise RegistrationError(
                f"The bucket would be called {name}-<account>-<region>, and S3 takes lower-case names only. "
                f"Write App({template.app_name.lower()!r}).",
                place=self.place,
            )
        closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        properties: dict[str, Any] = {
            "BucketName": template.bucket_name(self.key),
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
        }
        if self.versioned:
            properties["VersioningConfiguration"] = {"Status": "Enabled"}
        template.add(self.logical_id, "AWS::S3::Bucket", properties, retain=True)
        arn = {"Fn::GetAtt": [self.logical_id, "Arn"]}
        statement = {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, {"Fn::Join": ["", [arn, "/*"]]}],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = {
            "Bucket": {"Ref": self.logical_id},
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        }
        template.add(pascal(self.key) + "BucketPolicy", "AWS::S3::BucketPolicy", policy)


def checked_name(name: str) -> None:
    """Refuse what cannot be the app's part of a bucket name: lower-case letters, digits and hyphens."""
    text("bucket", "name", name, 'Write app.bucket("uploads").')
    fine = all(char.isascii() and (char.isdigit() or char.islower() or char == "-") for char in name)
    if not fine or name.startswith("-") or name.endswith("-") or not 3 <= len(name) <= 40:
        raise refused(
            f"S3 refuses the bucket name {name!r}: use 3 to 40 lower-case letters, digits and hyphens, "
            f"with a letter or digit at both ends (app, stage, account and region are added to it)."
        )

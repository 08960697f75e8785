"""A bucket: what S3 would refuse, its real name at run time, and its grants."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import Bucket
from eventfw.errors import RegistrationError
from eventfw.resources.names import Names
from eventfw.tools.build.template import Template


@pytest.mark.parametrize("name", ["", "ab", "Uploads", "up_loads", "-uploads", "uploads-", "x" * 41, "up.loads", 1])
def test_names_that_s3_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        Bucket(name)
    assert "test_bucket.py" in caught.value.place


def test_a_deployed_function_is_told_the_real_name(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket("uploads")
    assert (bucket.name, bucket.arn) == ("uploads", "arn:aws:s3:::uploads")
    monkeypatch.setenv("EVENTFW_BUCKET_UPLOADS", "shop-prod-uploads-123456789012-cn-north-1")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert bucket.name == "shop-prod-uploads-123456789012-cn-north-1"
    assert bucket.arn == "arn:aws-cn:s3:::shop-prod-uploads-123456789012-cn-north-1"


def test_grants_are_exactly_their_actions() -> None:
    bucket = Bucket("uploads")
    every = (bucket.read, bucket.write, bucket.delete, bucket.read_write)
    granted = {
        grant.verb: {scope: set(actions) for scope, actions in grant.actions_by_scope.items()} for grant in every
    }
    writing = {"s3:PutObject", "s3:AbortMultipartUpload"}
    assert granted == {
        "read": {"": {"s3:ListBucket"}, "/*": {"s3:GetObject"}},
        "write": {"/*": writing},
        "delete": {"/*": {"s3:DeleteObject"}},
        "read_write": {"": {"s3:ListBucket"}, "/*": {"s3:GetObject", "s3:DeleteObject", *writing}},
    }


@pytest.mark.parametrize("named", ["photos.example.com", "arn:aws:s3:::photos.example.com"])
def test_an_existing_bucket_keeps_its_name_in_every_stage(named: str) -> None:
    bucket = Bucket.existing(named)
    assert (bucket.key, bucket.owned, bucket.name) == ("photos.example.com", False, "photos.example.com")
    assert bucket.reference(Template("shop", "prod")) == "photos.example.com"
    assert bucket.arn_in(Template("shop", "prod")) == {"Fn::Sub": "arn:${AWS::Partition}:s3:::photos.example.com"}
    assert bucket.local_value(Names("shop", "prod"), "") == "photos.example.com"


def test_an_existing_bucket_is_made_in_the_local_variant_only() -> None:
    local, real = Template("shop", "local", local=True), Template("shop", "prod")
    for template in (local, real):
        Bucket.existing("photos").resources(template)
    assert local.properties("PhotosBucket") == {"BucketName": "photos"}
    assert real.empty


@pytest.mark.parametrize(
    "named", ["arn:aws:sqs:us-east-1:123456789012:photos", "arn:aws:s3:::photos/*", "Photos", "ab"]
)
def test_what_names_no_bucket_is_refused(named: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        Bucket.existing(named)
    assert "test_bucket.py" in caught.value.place

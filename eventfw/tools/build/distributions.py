"""What a distribution gets once the whole app is in the template: its functions, and leave to read from buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventfw.errors import BuildError
from eventfw.resources.api import Api
from eventfw.resources.distribution import Distribution, bare, is_bucket, served_by
from eventfw.resources.names import pascal
from eventfw.sources.edge import EdgeTrigger, output_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eventfw.app import App
    from eventfw.resources.bucket import Bucket
    from eventfw.tools.build.template import Template


def complete(app: App, template: Template) -> None:
    """Finish the app's own distributions in the template of its main stack.

    The local variant has no functions at the edge: the local server runs them itself.
    """
    for distribution in distributions(app):
        template.output(
            distribution.logical_id, template.reference(distribution.logical_id), f"The distribution {distribution.key}"
        )
        origins = [one.origin for one in (distribution.default, *distribution.behaviors)]
        for origin in [served_by(origin) for origin in origins if not isinstance(origin, str)]:
            if is_bucket(origin):
                _allow_reading(distribution, origin, template)
            elif not template.has(origin.logical_id):
                raise BuildError(
                    f"The distribution {distribution.key!r} has the app's HTTP API as an origin, and the app has no "
                    f"@app.http route. Give it an origin: a bucket, or the name of a host.",
                    place=distribution.place,
                )
            elif not template.local:
                _address(app, distribution, origin, template)
        if not template.local:
            _associate(app, distribution, template)


def _address(app: App, distribution: Distribution, origin: Api, template: Template) -> None:
    """Ask an API that answers on a domain of its own only, there."""
    api = next((one for one in app.resources if isinstance(one, Api) and one.logical_id == origin.logical_id), origin)
    if api.disable_execute_api_endpoint:
        for one in template.properties(distribution.logical_id)["DistributionConfig"]["Origins"]:
            if one["Id"] == api.logical_id:
                one["DomainName"] = api.domain


def distributions(app: App) -> Iterator[Distribution]:
    """The distributions that the app owns."""
    return (resource for resource in app.resources if isinstance(resource, Distribution) and resource.owned)


def _allow_reading(distribution: Distribution, bucket: Bucket, template: Template) -> None:
    """Let a distribution read a bucket's objects, and no other distribution.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    policy = template.properties(pascal(bucket.key) + "BucketPolicy")["PolicyDocument"]
    statement = {
        "Sid": distribution.logical_id + "Reads",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": [bucket.logical_id, "Arn"]}, "/*"]]},
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn_in(template)}},
    }
    if statement not in policy["Statement"]:
        policy["Statement"].append(statement)


def _associate(app: App, distribution: Distribution, template: Template) -> None:
    """Have the distribution run the versions that the edge's stack, in us-east-1, tells of as its outputs."""
    config = template.properties(distribution.logical_id)["DistributionConfig"]
    for trigger in (trigger for handler in app.handlers for trigger in handler.triggers):
        if isinstance(trigger, EdgeTrigger) and trigger.distribution is distribution:
            name = output_of(trigger)
            said = f"The output {name} of {app.name}'s edge stack, in us-east-1"
            association = {
                "EventType": trigger.event_type,
                "LambdaFunctionARN": template.parameter(name, said),
                **({"IncludeBody": True} if trigger.include_body else {}),
            }
            behavior = _behavior(config, trigger.path)
            behavior.setdefault("LambdaFunctionAssociations", []).append(association)


def _behavior(config: dict[str, Any], path: str) -> dict[str, Any]:
    """The cache behavior of a path pattern. One that only a handler names is like the default one."""
    default: dict[str, Any] = config["DefaultCacheBehavior"]
    if not path:
        return default
    behaviors: list[dict[str, Any]] = config["CacheBehaviors"]
    for one in behaviors:
        if bare(one["PathPattern"]) == bare(path):
            return one
    kept = {name: value for name, value in default.items() if name != "LambdaFunctionAssociations"}
    behaviors.append({"PathPattern": path, **kept})
    return behaviors[-1]

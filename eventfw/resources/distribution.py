"""Distribution: a CloudFront distribution in front of the app's API, a bucket or another host."""

from __future__ import annotations

from ..options import Checked, closest, flag, one_of, printable, refused, strings, text
from .names import pascal
from .resource import Grant, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from .api import Api
    from .bucket import Bucket
    from .names import Names
    from .resource import Template

    Origin: TypeAlias = Bucket | Api | str | None

#: What is said of each behavior, and of the distribution for all others.
OPTIONS = ("cache_policy", "origin_request_policy", "response_headers_policy", "viewer_protocol_policy", "compress")
#: The types of resources that can be an origin.
SERVE = ("bucket", "http_api", "rest_api")
#: Managed policies that send the origin the viewer's Host header.
SENDS_HOST = ("AllViewer", "UseOriginCacheControlHeaders", "UseOriginCacheControlHeaders-QueryStrings")


class Behavior(Checked):
    """How a distribution serves the paths of one pattern, ``""`` for all others: from which origin, and with which of
    ``OPTIONS``."""

    def __init__(self, path: str, origin: Origin, options: dict[str, Any]) -> None:
        self.path = path
        self.origin = origin
        self.options = options
        self.validate()

    def validate(self) -> None:
        owner = "behavior" if self.path else "distribution"
        if self.path != "":
            refuse_pattern(owner, self.path)
        for name in self.options:
            if name not in OPTIONS:
                raise refused(
                    f"{owner} has no option {name!r}.{closest(name, OPTIONS)} Its options are {', '.join(OPTIONS)}."
                )
        refuse_origin(owner, self.origin)
        choices = ("redirect-to-https", "https-only", "allow-all")
        one_of(owner, "viewer_protocol_policy", option_of(self, "viewer_protocol_policy"), choices)
        flag(owner, "compress", option_of(self, "compress"))
        policies = ("cache_policy", "origin_request_policy", "response_headers_policy")
        for option, value in ((option, option_of(self, option)) for option in policies):
            if value != "" and not is_id(value):
                one_of(owner, option, value, managed(option))
            if value in SENDS_HOST and not isinstance(self.origin, str):
                fact = "S3" if is_bucket(self.origin) else "API Gateway"
                raise refused(
                    f"{option} must not send the viewer's Host header for {owner}, as {value!r} does: {fact} answers "
                    f"403 to a host that it does not know. Remove {option}."
                )


class Distribution(Resource):
    """A CloudFront distribution that the app owns, in its main stack.

    Options
        ``origin``: where it fetches what it does not have: left out, the app's own HTTP API; another API of its own; a
        bucket of the app, which only this distribution may then read from without credentials; or the name of a host
        that is asked over HTTPS.
        ``cache_policy``: a managed policy by its name, or one of yours by its id. ``CachingDisabled`` unless said, for
        a bucket ``CachingOptimized`` (a day, unless the object says otherwise).
        ``origin_request_policy``: what is sent to the origin beside what the cache policy names, in the same way;
        ``AllViewerExceptHostHeader`` unless said (all headers, cookies and the query string), for a bucket none.
        ``response_headers_policy``: headers that are added for the viewer, in the same way; none unless said.
        ``viewer_protocol_policy``: ``redirect-to-https``, ``https-only`` or ``allow-all``.
        ``compress``: compress what the viewer accepts compressed.
        ``aliases``: host names of yours that lead to it; they need ``certificate``.
        ``certificate``: the ARN of a certificate of ACM for them, in us-east-1. TLS 1.2 is then the least it speaks.
        ``price_class``: ``PriceClass_All``, or ``PriceClass_200`` or ``PriceClass_100`` for fewer, cheaper places.
        ``default_root_object``: what is served for ``/``, ``index.html`` for example; without a slash before it.
        ``web_acl``: the ARN of a global web ACL of AWS WAF.

    Requests are not logged. Making, changing and deleting a distribution takes CloudFront some minutes each.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-web-values-specify.html
    """

    type = "distribution"

    def __init__(
        self,
        name: str,
        *,
        origin: Origin = None,
        cache_policy: str = "",
        origin_request_policy: str = "",
        response_headers_policy: str = "",
        viewer_protocol_policy: str = "redirect-to-https",
        compress: bool = True,
        aliases: Sequence[str] = (),
        certificate: str = "",
        price_class: str = "PriceClass_All",
        default_root_object: str = "",
        web_acl: str = "",
    ) -> None:
        super().__init__(name)
        said = (cache_policy, origin_request_policy, response_headers_policy, viewer_protocol_policy, compress)
        self.default = Behavior("", origin, dict(zip(OPTIONS, said, strict=True)))
        self.behaviors: list[Behavior] = []
        self.aliases = aliases
        self.certificate = certificate
        self.price_class = price_class
        self.default_root_object = default_root_object
        self.web_acl = web_acl
        self.validate()

    @classmethod
    def existing(cls, name: str) -> Distribution:
        """A distribution that is not the app's: a name to call it by. It is never created, changed or deleted."""
        found = cls(name)
        found.owned = False
        return found

    def behavior(self, path: str, origin: Origin = None, **options: Any) -> None:
        """Serve the paths of a pattern in another way: ``site.behavior("/images/*", uploads)``.

        ``path`` may have ``*`` (any characters, ``/`` too) and ``?`` (one). The first pattern that fits, in the order
        they were given, has the request. ``origin``, and of the options ``cache_policy``, ``origin_request_policy``,
        ``response_headers_policy``, ``viewer_protocol_policy`` and ``compress``, are as for the distribution: without
        an origin it is the app's HTTP API.
        """
        refuse_second(self, path)
        self.behaviors.append(Behavior(path, origin, options))

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "Distribution"

    @property
    def claims(self) -> set[str]:
        return super().claims | {f"host name {alias!r}" for alias in self.aliases}

    @property
    def domain(self) -> str:
        """The host name CloudFront gave it, ``d111111abcdef8.cloudfront.net``; locally the edge's, with its port."""
        return self.told().partition("/")[2] or f"{self.key}.localhost"

    @property
    def id(self) -> str:
        """Its id, ``EDFDVBD6EXAMPLE``, as CloudFront's API takes it."""
        return self.told().partition("/")[0] or "EDFDVBD6EXAMPLE"

    @property
    def named(self) -> Grant:
        """No permission: a function that has it knows ``domain`` and ``id``."""
        return Grant(self, "named", {})

    @property
    def invalidate(self) -> Grant:
        """Leave to have objects forgotten by its caches, and to ask how far that is."""
        return Grant(self, "invalidate", {"": ("cloudfront:CreateInvalidation", "cloudfront:GetInvalidation")})

    def local_value(self, names: Names, endpoint: str) -> str:
        return f"{local_id(self.key)}/{self.key}.localhost" + (f":{names.edge_port}" if names.edge_port else "")

    def reference(self, template: Template) -> Any:
        domain = template.reference(self.logical_id, "DomainName")
        return {"Fn::Join": ["/", [template.reference(self.logical_id), domain]]}

    def arn_in(self, template: Template) -> Any:
        arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${id}"
        return {"Fn::Sub": [arn, {"id": template.reference(self.logical_id)}]}

    def local(self) -> tuple[str, dict[str, Any]]:
        """What the local edge needs to know of it: the pattern, the origin and the policies of each behavior."""
        rows = [behavior_data(one) for one in (*self.behaviors, self.default)]
        return "distributions", {"name": self.key, "behaviors": rows, "default_root_object": self.default_root_object}

    def resources(self, template: Template) -> None:
        """The distribution. Its functions, and leave to read buckets, are added when all of the app's are there."""
        if not self.owned:
            return
        every = [*self.behaviors, self.default]
        origins = {origin_id(one.origin): one.origin for one in every}
        control = access_control(self, template) if any(map(is_bucket, origins.values())) else ""
        config: dict[str, Any] = {
            "Enabled": True,
            "Comment": template.physical(self.key),
            "HttpVersion": "http2and3",
            "IPV6Enabled": True,
            "PriceClass": self.price_class,
            "Origins": [origin_properties(origin, template, control) for origin in origins.values()],
            "DefaultCacheBehavior": behavior_properties(self.default),
            "CacheBehaviors": [{"PathPattern": one.path, **behavior_properties(one)} for one in self.behaviors],
        }
        if self.default_root_object:
            config["DefaultRootObject"] = self.default_root_object
        if self.web_acl:
            config["WebACLId"] = self.web_acl
        if self.aliases:
            config["Aliases"] = list(self.aliases)
        if self.certificate:
            config["ViewerCertificate"] = {
                "AcmCertificateArn": self.certificate,
                "SslSupportMethod": "sni-only",
                "MinimumProtocolVersion": "TLSv1.2_2021",
            }
        template.add(self.logical_id, "AWS::CloudFront::Distribution", {"DistributionConfig": config})
        own = next((alias for alias in self.aliases if "*" not in alias), "")
        url = f"https://{own}" if own else {"Fn::Sub": f"https://${{{self.logical_id}.DomainName}}"}
        template.output(pascal(self.key) + "Url", url, f"Where the distribution {self.key} is served")

    def validate(self) -> None:
        text("distribution", "name", self.key, 'Write app.distribution("site").')
        if not pascal(self.key):
            raise refused(f"distribution needs a letter or digit in its name, not {self.key!r}.")
        one_of("distribution", "price_class", self.price_class, ("PriceClass_All", "PriceClass_200", "PriceClass_100"))
        strings("distribution", "aliases", self.aliases, "www.example.com")
        if bool(self.aliases) != bool(self.certificate):
            missing = "certificate" if self.aliases else "aliases"
            raise refused(f"aliases and certificate need each other for distribution. Give {missing}, too.")
        if self.certificate and not str(self.certificate).startswith("arn:aws:acm:us-east-1:"):
            raise refused(
                f"certificate must be the ARN of a certificate in us-east-1 for distribution, not "
                f"{self.certificate!r}: CloudFront takes none of another region. Write arn:aws:acm:us-east-1:..."
            )
        root = self.default_root_object
        if not isinstance(root, str) or root.startswith("/"):
            raise refused(f"default_root_object has no / before it for distribution: 'index.html', not {root!r}.")
        if self.web_acl and ":global/webacl/" not in str(self.web_acl):
            raise refused(
                f"web_acl must be the ARN of a global web ACL for distribution, not {self.web_acl!r}. Make one with "
                f"scope CLOUDFRONT in us-east-1."
            )


def refuse_pattern(owner: str, path: object) -> None:
    """Refuse what is no path pattern of a cache behavior."""
    if not isinstance(path, str) or not path or len(path) > 255 or " " in path or not path.isascii():
        raise refused(f"path must be a pattern such as '/images/*' for {owner}, not {path!r}.")
    if path == "*":
        raise refused(f"path must not be '*' for {owner}: that is the distribution itself. Leave it out.")


def refuse_origin(owner: str, origin: object) -> None:
    """Refuse what is no bucket that the app owns, no API of its own, and no name of a host."""
    if isinstance(origin, str):
        if "/" in origin or ":" in origin or "." not in origin:
            raise refused(f"origin must be a host name such as 'www.example.com' for {owner}, not {origin!r}.")
    elif origin is not None and not (isinstance(origin, Resource) and origin.owned and origin.type in SERVE):
        raise refused(
            f"origin must be a bucket that the app owns, an API of its own, a host name, or left out for its default "
            f"HTTP API, for {owner}, not {printable(repr(origin))}."
        )


def option_of(behavior: Behavior, name: str) -> Any:
    """An option, or what it is unless it is said."""
    return behavior.options.get(name, {"viewer_protocol_policy": "redirect-to-https", "compress": True}.get(name, ""))


def policy_of(behavior: Behavior, option: str) -> str:
    """A policy by its name or id, ``""`` for none: the one that was given, or that of an API or of a bucket."""
    unless = {
        "cache_policy": ("CachingDisabled", "CachingOptimized"),
        "origin_request_policy": ("AllViewerExceptHostHeader", ""),
    }
    given: str = option_of(behavior, option)
    return given or unless.get(option, ("", ""))[is_bucket(behavior.origin)]


def refuse_second(distribution: Distribution, path: str) -> None:
    """Refuse a pattern that has a behavior."""
    if bare(path) in [bare(other.path) for other in (distribution.default, *distribution.behaviors)]:
        name = distribution.key
        raise refused(f"The distribution {name!r} serves {path!r} in a way of its own already. Keep one.")


def bare(path: object) -> object:
    """A pattern to compare with others: CloudFront takes ``images/*`` and ``/images/*`` for the same."""
    return path.removeprefix("/") if isinstance(path, str) else path


def is_bucket(origin: object) -> bool:
    """Whether an origin is a bucket."""
    return isinstance(origin, Resource) and origin.type == "bucket"


def is_id(value: object) -> bool:
    """Whether this is the id of a policy: a UUID."""
    parts = value.split("-") if isinstance(value, str) else []
    right = [len(part) for part in parts] == [8, 4, 4, 4, 12]
    return right and all(char in "0123456789abcdef" for char in "".join(parts))


def managed(option: str) -> dict[str, str]:
    """The ids of AWS's own policies, which are the same in every account.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
    """
    return {
        "cache_policy": {
            "CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "CachingOptimizedForUncompressedObjects": "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
            "UseOriginCacheControlHeaders": "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
            "UseOriginCacheControlHeaders-QueryStrings": "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
        },
        "origin_request_policy": {
            "AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
            "AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
            "CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
        },
        "response_headers_policy": {
            "CORS-With-Preflight": "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
            "SecurityHeadersPolicy": "67f7725c-6f97-4210-82d7-5512b31e9d03",
        },
    }[option]


def policy_id(option: str, name: str) -> str:
    """The id of a policy that was given by name or id."""
    return managed(option).get(name, name)


def origin_id(origin: Any) -> str:
    """What a distribution calls an origin."""
    return origin if isinstance(origin, str) else served_by(origin).logical_id


def served_by(origin: Any) -> Any:
    """The bucket or API that is an origin; where none is said, the app's default HTTP API."""
    from .http_api import HttpApi

    return HttpApi() if origin is None else origin


def origin_data(origin: Any) -> dict[str, str]:
    """An origin as data."""
    if isinstance(origin, str):
        return {"kind": "host", "host": origin}
    if is_bucket(origin):
        return {"kind": "bucket", "bucket": origin.key}
    return {"kind": "api", "api": served_by(origin).key}


def behavior_data(behavior: Behavior) -> dict[str, Any]:
    """A behavior as data, with its policies as they were given."""
    policies = {option: policy_of(behavior, option) for option in OPTIONS[:3]}
    compress = option_of(behavior, "compress")
    return {"path": behavior.path, "origin": origin_data(behavior.origin), "compress": compress, **policies}


def local_id(name: str) -> str:
    """The id of a distribution on the developer's machine, where CloudFront gives it none."""
    from hashlib import sha256

    return "E" + sha256(name.encode()).hexdigest()[:13].upper()


def access_control(distribution: Distribution, template: Template) -> str:
    """What has CloudFront sign its requests to buckets. Its name is unique in the account, which has regions."""
    from hashlib import sha256

    name = template.physical(distribution.key)
    if len(name) > 64 - 14 - 1:  # the longest name of a region has 14 characters
        name = f"{name[:40]}-{sha256(name.encode()).hexdigest()[:8]}"
    config = {
        "Name": {"Fn::Sub": f"{name}-${{AWS::Region}}"},
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    logical_id = pascal(distribution.key) + "OriginAccessControl"
    return template.add(logical_id, "AWS::CloudFront::OriginAccessControl", {"OriginAccessControlConfig": config})


def origin_properties(origin: Any, template: Template, control: str) -> dict[str, Any]:
    """An origin of a distribution. A bucket's name is built, not referred to: a bucket waits for its functions, and
    these may wait for the distribution."""
    properties: dict[str, Any] = {"Id": origin_id(origin)}
    if is_bucket(origin):
        name = template.bucket_name(origin.key)
        bucket = name if isinstance(name, str) else name["Fn::Sub"]
        properties["DomainName"] = {"Fn::Sub": f"{bucket}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"}
        properties["S3OriginConfig"] = {"OriginAccessIdentity": ""}
        properties["OriginAccessControlId"] = {"Fn::GetAtt": [control, "Id"]}
        return properties
    api = f"${{{origin_id(origin)}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    properties["DomainName"] = origin if isinstance(origin, str) else {"Fn::Sub": api}
    properties["CustomOriginConfig"] = {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]}
    return properties


def behavior_properties(behavior: Behavior) -> dict[str, Any]:
    """A cache behavior without its pattern."""
    bucket = is_bucket(behavior.origin)
    sent = policy_of(behavior, "origin_request_policy")
    properties: dict[str, Any] = {
        "TargetOriginId": origin_id(behavior.origin),
        "ViewerProtocolPolicy": option_of(behavior, "viewer_protocol_policy"),
        "CachePolicyId": policy_id("cache_policy", policy_of(behavior, "cache_policy")),
        "Compress": option_of(behavior, "compress"),
        "AllowedMethods": ["GET", "HEAD"] if bucket else ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
    }
    if sent:
        properties["OriginRequestPolicyId"] = policy_id("origin_request_policy", sent)
    added = policy_of(behavior, "response_headers_policy")
    if added:
        properties["ResponseHeadersPolicyId"] = policy_id("response_headers_policy", added)
    return properties

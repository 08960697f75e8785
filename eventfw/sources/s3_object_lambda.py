"""``@app.s3_object_lambda``: objects transformed on their way out of a bucket, behind an Object Lambda access point."""

from __future__ import annotations

from ..http import HTTPError, Response
from ..options import refused
from ..resources.bucket import Bucket
from ..resources.names import pascal
from ..trigger import Trigger
from .s3_object_lambda_events import CONTEXTS
from .s3_object_lambda_events import S3ObjectRequest as S3ObjectRequest
from .s3_object_lambda_events import S3Original as S3Original

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

OPERATIONS = tuple(CONTEXTS.values())
FEATURES = ("GetObject-Range", "GetObject-PartNumber", "HeadObject-Range", "HeadObject-PartNumber")
NAME_MIN, NAME_MAX = 3, 45  # characters, of an Object Lambda access point
TIMEOUT_MAX = 60  # seconds that S3 waits for a whole answer
PASSED_ON = {  # header: what WriteGetObjectResponse calls it
    "accept-ranges": "AcceptRanges",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-range": "ContentRange",
    "content-type": "ContentType",
    "etag": "ETag",
    "expires": "Expires",
    "last-modified": "LastModified",
    "x-amz-version-id": "VersionId",
}
STATUSES = (200, 206, 304, 400, 401, 403, 404, 405, 409, 411, 412, 416, 500, 503)
ERROR_CODES = {400: "InvalidRequest", 403: "AccessDenied", 404: "NoSuchKey", 412: "PreconditionFailed"}


class S3ObjectLambda(Trigger):
    """Run for every request to an Object Lambda access point, and answer it.

    ``bucket``: a bucket that the app owns, or the name or ARN of an existing one. ``operations``: of ``GetObject`` (the
    default), ``HeadObject``, ``ListObjects`` and ``ListObjectsV2``; others pass by the function. ``payload``: a text
    handed over with every request. ``allowed_features``: of ``GetObject-Range``, ``GetObject-PartNumber``,
    ``HeadObject-Range`` and ``HeadObject-PartNumber``; S3 refuses such requests otherwise.

    The handler returns bytes, text, a :class:`~eventfw.Response` or what :meth:`S3ObjectRequest.fetch` gave; an
    :class:`~eventfw.HTTPError` is the caller's error. Any other exception is S3's ``LambdaRuntimeError``. S3 waits 60
    seconds for the whole answer. Since 2025-11-07 AWS has Object Lambda only for accounts that used it before.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-writing-lambda.html
    """

    decorator = "s3_object_lambda"
    example = "@app.s3_object_lambda(uploads)"
    kinds = ("s3_object_lambda",)
    answers = (HTTPError,)

    def __init__(
        self,
        bucket: Bucket | str,
        *,
        operations: str | Sequence[str] = ("GetObject",),
        payload: str = "",
        allowed_features: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.bucket = self.resource = Bucket.of("s3_object_lambda", bucket)
        self.operations = (operations,) if isinstance(operations, str) else operations
        self.payload_text = payload
        self.allowed_features = allowed_features
        self._client: Any = None
        self.validate()

    def validate(self) -> None:
        several("operations", self.operations, OPERATIONS)
        if not self.operations:
            raise refused("operations must name at least one operation for s3_object_lambda. Remove it for GetObject.")
        several("allowed_features", self.allowed_features, FEATURES)
        if not isinstance(self.payload_text, str):
            raise refused(f"payload must be a string for s3_object_lambda, not {self.payload_text!r}. Use json.dumps.")
        for feature in self.allowed_features:
            if feature.partition("-")[0] not in self.operations:
                operation = feature.partition("-")[0]
                raise refused(f"{feature} needs {operation} among the operations of s3_object_lambda. Add it there.")

    def title(self) -> str:
        return f"s3 object lambda {self.bucket.key} {' '.join(self.operations)}"

    def parse(self, raw: Any, context: Any) -> S3ObjectRequest:
        return S3ObjectRequest(raw, context)

    def payload(self, event: S3ObjectRequest) -> Any:
        from json import loads

        return loads(event.payload)

    def mismatch(self, raw: Any) -> str:
        operation = S3ObjectRequest(raw).operation
        return "" if operation in self.operations else f"operation {operation} is not {' or '.join(self.operations)}"

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """Handlers of one function are told apart by the operation only."""
        if not isinstance(other, S3ObjectLambda) or other.handler == self.handler:
            return None
        both = [operation for operation in self.operations if operation in other.operations]
        return self.sample(operation=both[0]) if both else None

    def encode(self, result: Any, event: S3ObjectRequest) -> dict[str, Any]:
        """Send the object with WriteGetObjectResponse, which only GetObject has; a head or list is returned."""
        if event.operation == "GetObject":
            context = event._context
            self._s3().write_get_object_response(
                RequestRoute=context["outputRoute"], RequestToken=context["outputToken"], **written(result)
            )
            return {"status_code": 200}
        return returned(result, event.operation)

    def _s3(self) -> Any:
        """The S3 client, made at the first answer of an environment. Lambda's Python has boto3."""
        if self._client is None:
            import os

            import boto3
            from botocore.config import Config

            # The route is the first part of the host's name, which the host of an endpoint of one's own cannot have.
            own = bool(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
            self._client = boto3.client("s3", config=Config(inject_host_prefix=not own))
        return self._client

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """Leave to send objects, at this access point alone: it waits for the function, so its ARN is built."""
        name = access_point_name(self, template)
        arn = f"arn:${{AWS::Partition}}:s3-object-lambda:${{AWS::Region}}:${{AWS::AccountId}}:accesspoint/{name}"
        sends = "GetObject" in self.operations
        return [(["s3-object-lambda:WriteGetObjectResponse"], [{"Fn::Sub": arn}])] if sends else []

    def resources(self, function: Function, template: Template) -> None:
        """The bucket's access point, the Object Lambda access point over it, and what callers name it by."""
        if function.timeout > TIMEOUT_MAX:
            raise self.refused(
                f"timeout must be at most {TIMEOUT_MAX} for a function of s3_object_lambda, not {function.timeout}: S3 "
                f"waits no longer. Lower it in @app.function(timeout={TIMEOUT_MAX})."
            )
        base = pascal(self.own_name) + "ObjectLambda"
        theirs = not self.bucket.owned and not template.local
        bucket = self.bucket.reference(template) if theirs else template.reference(self.bucket.logical_id)
        closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        supporting = {"Bucket": bucket, "PublicAccessBlockConfiguration": dict.fromkeys(closed, True)}
        template.add(base + "SupportingAccessPoint", "AWS::S3::AccessPoint", supporting)
        runs: dict[str, Any] = {"FunctionArn": template.function_arn(function)}
        if self.payload_text:
            runs["FunctionPayload"] = self.payload_text
        configuration: dict[str, Any] = {
            "SupportingAccessPoint": {"Fn::GetAtt": [base + "SupportingAccessPoint", "Arn"]},
            "TransformationConfigurations": [
                {"Actions": list(self.operations), "ContentTransformation": {"AwsLambda": runs}}
            ],
        }
        if self.allowed_features:
            configuration["AllowedFeatures"] = list(self.allowed_features)
        properties = {"Name": access_point_name(self, template), "ObjectLambdaConfiguration": configuration}
        template.add(base + "AccessPoint", "AWS::S3ObjectLambda::AccessPoint", properties)
        template.output(base + "AccessPointArn", {"Fn::GetAtt": [base + "AccessPoint", "Arn"]}, "What callers ask")
        alias = {"Fn::GetAtt": [base + "AccessPoint", "Alias.Value"]}
        template.output(base + "AccessPointAlias", alias, "What callers may name as the bucket")

    def faults(self) -> Collection[str]:
        """Not an error: accounts that use the service keep it."""
        return [
            "AWS has S3 Object Lambda only for accounts that used it before 2025-11-07; in any other no request will "
            "come. Put the transformation behind @app.http, or CloudFront."
        ]

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request. Fields: ``operation``, ``key``, ``headers`` (name: value), ``input_s3_url``, ``payload``."""
        from urllib.parse import quote

        self.fields_among(fields, ("operation", "key", "headers", "input_s3_url", "payload"))
        operation = str(fields.get("operation", self.operations[0]))
        part = next((name for name, known in CONTEXTS.items() if known == operation), None)
        if part is None:
            raise self.refused(f"operation must be one of {', '.join(OPERATIONS)}, not {operation!r}.")
        path = "/" + quote(str(fields.get("key", "example.txt"))) if operation.endswith("Object") else "/"
        source = f"https://example-123456789012.s3-accesspoint.us-east-1.amazonaws.com{path}?X-Amz-SignedHeaders=host"
        context = {"inputS3Url": str(fields.get("input_s3_url", source))}
        if operation == "GetObject":
            context |= {"outputRoute": "io-use1-001", "outputToken": "T3V0cHV0VG9rZW4="}
        host = "example-123456789012.s3-object-lambda.us-east-1.amazonaws.com"
        configuration = {
            "accessPointArn": "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/example",
            "supportingAccessPointArn": "arn:aws:s3:us-east-1:123456789012:accesspoint/example-supporting",
            "payload": str(fields.get("payload", self.payload_text)),
        }
        return {
            "xAmzRequestId": "1a5ed718-5f53-471d-b6fe-5cf62d88d02a",
            part: context,
            "configuration": configuration,
            "userRequest": {
                "url": f"https://{host}{path}",
                "headers": {
                    "Host": host,
                    **{name: str(value) for name, value in (fields.get("headers") or {}).items()},
                },
            },
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDAJDPLRKLG7UEXAMPLE",
                "arn": "arn:aws:iam::123456789012:user/example",
                "accountId": "123456789012",
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            },
            "protocolVersion": "1.00",
        }


def access_point_name(trigger: S3ObjectLambda, template: Template) -> str:
    """What the Object Lambda access point is called: small letters, digits and hyphens, at most 45."""
    name = template.physical(trigger.own_name).lower().replace("_", "-").replace(".", "-").strip("-")
    if len(name) < NAME_MIN:
        name += "-object-lambda"
    if len(name) > NAME_MAX:
        raise trigger.refused(
            f"The Object Lambda access point would be called {name!r}, and S3 takes names of at most {NAME_MAX} "
            f"characters. Rename the app, the stage or the handler."
        )
    return name


def several(option: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse what is no list of ``allowed`` words, or has one twice."""
    if not isinstance(value, (list, tuple)):
        raise refused(f"{option} must be a list such as [{allowed[0]!r}] for s3_object_lambda, not {value!r}.")
    for one in value:
        if one not in allowed:
            raise refused(f"{option} takes {', '.join(allowed)} for s3_object_lambda, not {one!r}.")
    if len(set(value)) != len(value):
        raise refused(f"{option} names something twice for s3_object_lambda: {value!r}. Keep one.")


def answer(result: Any, operation: str) -> Response:
    """What a handler returned, as a Response; its body as bytes."""
    if isinstance(result, (str, bytes, bytearray)):
        result = Response(result)
    if not isinstance(result, Response):
        hint = " Add a return." if result is None else ""
        raise TypeError(
            f"An s3_object_lambda handler answers {operation} with bytes, text or a Response, not {result!r:.99}.{hint}"
        )
    if not isinstance(result.body, (str, bytes, bytearray)):
        raise TypeError(f"The body of a Response to {operation} is bytes or text, not {type(result.body).__name__}.")
    return result


def written(result: Any) -> dict[str, Any]:
    """The parameters of WriteGetObjectResponse that say a handler's result."""
    if isinstance(result, HTTPError):
        code, message = error_of(result)
        return {"StatusCode": allowed(result.status), "ErrorCode": code, "ErrorMessage": message}
    response = answer(result, "GetObject")
    body = response.body.encode() if isinstance(response.body, str) else bytes(response.body)
    if isinstance(response, S3Original) and response.status >= 400:
        code, message = (between(body.decode(errors="replace"), tag) for tag in ("Code", "Message"))
        return {"StatusCode": response.status, "ErrorCode": code or "RequestFailed", "ErrorMessage": message}
    found: dict[str, Any] = {"StatusCode": allowed(response.status), "Body": body}
    if isinstance(result, str):
        found["ContentType"] = "text/plain; charset=utf-8"
    for name, value in response.headers.items():
        if name in PASSED_ON:
            found[PASSED_ON[name]] = value
        elif name.startswith("x-amz-meta-"):
            found.setdefault("Metadata", {})[name.removeprefix("x-amz-meta-")] = value
        elif not isinstance(response, S3Original):
            raise TypeError(f"S3 sends no header {name!r} with an object. It sends {', '.join(sorted(PASSED_ON))}.")
    return found


def allowed(status: int) -> int:
    """A status that WriteGetObjectResponse takes."""
    if status not in STATUSES:
        raise TypeError(f"S3 sends an object with status {', '.join(map(str, STATUSES))}, not {status}.")
    return status


def error_of(error: HTTPError) -> tuple[str, str]:
    """S3's code for an error, and its message."""
    other = "RequestFailed" if error.status < 500 else "InternalError"
    return ERROR_CODES.get(error.status, other), error.message


def between(text: str, tag: str) -> str:
    """What an element of S3's XML holds."""
    return text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]


def returned(result: Any, operation: str) -> dict[str, Any]:
    """The answer to a head or a list, which is returned: AWS's own form as it is, or made from the result."""
    if isinstance(result, dict):
        return result
    if isinstance(result, HTTPError):
        code, message = error_of(result)
        return {"statusCode": result.status, "errorCode": code, "errorMessage": message}
    response = answer(result, operation)
    body = response.body if isinstance(response.body, str) else bytes(response.body).decode(errors="replace")
    if isinstance(response, S3Original) and response.status >= 400:
        code = between(body, "Code") or "RequestFailed"
        return {"statusCode": response.status, "errorCode": code, "errorMessage": between(body, "Message")}
    if operation != "HeadObject":
        return {"statusCode": response.status, "listResultXml": body}
    headers: dict[str, Any] = dict(response.headers.items())
    if "content-length" in headers:
        headers["content-length"] = int(headers["content-length"])
    return {"statusCode": response.status, "headers": headers}

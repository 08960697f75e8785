"""RestApi: a REST API of API Gateway."""

from __future__ import annotations

from ..options import refused
from .api import Api, invocation_uri, parameters, route_id
from .names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..function import Function
    from ..sources.authorizer import Authorizer
    from ..sources.http import Http
    from .jwt_authorizer import JwtAuthorizer
    from .resource import Template

RESOURCE, METHOD, AUTHORIZER = "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method", "AWS::ApiGateway::Authorizer"
RESOURCES_MAX = 300  # of one API; adjustable, see "API Gateway quotas for configuring and running a REST API"
SEGMENT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:,")


class RestApi(Api):
    """A REST API: ``admin = app.rest_api("admin")``, then ``@app.get("/photos", api=admin)``.

    Options
        ``name``: the API's and its stage's, with which its paths begin, here and on AWS: ``/admin/photos``.
        ``binary_media_types``: content types that are bytes. All are unless said, so that nothing must be known
        beforehand; AWS leaves bytes in base64 for a client whose first ``Accept`` is not among them.
        ``rate_limit``, ``burst_limit``: requests a second and at once, over which clients get 429.
        ``domain``, ``certificate``: a domain of the API's own, and the ARN of its certificate in the same region.
        ``disable_execute_api_endpoint``: answer on that domain only.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
    """

    type = "rest_api"
    rest = True

    def __init__(
        self,
        name: str,
        *,
        binary_media_types: Sequence[str] = ("*/*",),
        rate_limit: float | None = None,
        burst_limit: int | None = None,
        domain: str = "",
        certificate: str = "",
        disable_execute_api_endpoint: bool = False,
    ) -> None:
        super().__init__(
            name,
            rate_limit=rate_limit,
            burst_limit=burst_limit,
            domain=domain,
            certificate=certificate,
            disable_execute_api_endpoint=disable_execute_api_endpoint,
        )
        self.binary_media_types = binary_media_types
        self.validate()

    def validate(self) -> None:
        super().validate()
        if not self.key:
            raise refused('name must say something for rest_api: the paths of a REST API begin with it, "/v1/photos".')
        types: object = self.binary_media_types
        if not isinstance(types, (list, tuple)) or not all(isinstance(one, str) and "/" in one for one in types):
            raise refused(f"binary_media_types must be a list such as ['image/*'] for rest_api, not {types!r}.")

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "RestApi"

    def described(self) -> dict[str, Any]:
        return {**super().described(), "binary_media_types": list(self.binary_media_types)}

    def resources(self, template: Template) -> None:
        """The API, and its stage of the same name. The deployment comes last, when all routes are known."""
        own = self.logical_id
        properties: dict[str, Any] = {
            "Name": self.named(template),
            "EndpointConfiguration": {"Types": ["REGIONAL"]},
        }
        if self.binary_media_types:
            properties["BinaryMediaTypes"] = list(self.binary_media_types)
        if self.disable_execute_api_endpoint and not template.local:
            properties["DisableExecuteApiEndpoint"] = True
        template.add(own, "AWS::ApiGateway::RestApi", properties)
        url = f"https://${{{own}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{self.key}"
        template.output(own + "Url", {"Fn::Sub": url}, "Where the REST routes are served")

    def event(
        self, method: str, path: str, query: str, headers: dict[str, str], body: str | None, route: Http
    ) -> dict[str, Any]:
        """A request as a REST API writes it."""
        queries, values = parameters(query), route.template.values(path)
        resource = route.template.api
        return {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: several[-1] for name, several in queries.items()} or None,
            "multiValueQueryStringParameters": queries or None,
            "pathParameters": {name: str(value) for name, value in (values or {}).items()} or None,
            "stageVariables": None,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "example",
                "domainName": "example.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "example",
                "extendedRequestId": "JKJaXmPLvHcESHA=",
                "httpMethod": method,
                "identity": {"sourceIp": "203.0.113.10", "userAgent": headers.get("user-agent", "eventfw")},
                "path": f"/{self.key}{path}",
                "protocol": "HTTP/1.1",
                "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "requestTime": "01/Jan/2026:00:00:00 +0000",
                "requestTimeEpoch": 1767225600000,
                "resourceId": "example",
                "resourcePath": resource,
                "stage": self.key,
            },
            "body": body,
            "isBase64Encoded": False,
        }

    def add_route(self, template: Template, function: Function, http: Http) -> None:
        """The resources on the way to the path, where they are missing; a method each; a permission."""
        if template.main is not template:
            raise http.refused(
                f"The REST API {self.key!r} is deployed with the app's main stack, before the stack of this blueprint. "
                f"Mount the blueprint without stack=True, or use an HTTP API."
            )
        self.ensure(template)
        place = self._place(template, http)
        self.integrate(template, function)
        authorization = self.authorization(template, http)
        for method in http.methods:
            properties = {
                "RestApiId": {"Ref": self.logical_id},
                "ResourceId": place,
                "HttpMethod": method,
                **authorization,
                "Integration": {
                    "Type": "AWS_PROXY",
                    "IntegrationHttpMethod": "POST",
                    "Uri": invocation_uri(template.function_arn(function)),
                },
            }
            name = route_id(method, http.template.shape).replace("Route", "Method")
            template.add(self.logical_id + name, METHOD, properties)
        if len(self.parts(template, RESOURCE)) >= RESOURCES_MAX:  # the root counts, too
            raise http.refused(
                f"The API {self.key!r} has more than {RESOURCES_MAX} resources, API Gateway's quota 'Resources per "
                f"API'. Take several paths with one {{rest:path}} route, or give some of them an API of their own."
            )

    def _place(self, template: Template, http: Http) -> Any:
        """The id of the resource for a path: each segment is one, below that of the segment before it."""
        parent: Any = {"Fn::GetAtt": [self.logical_id, "RootResourceId"]}
        path = http.template.api
        if path == "/":
            return parent
        if path.endswith("/"):
            raise http.refused(f"A path of a REST API cannot end in a slash, as {path!r} does. Remove it.")
        shapes: list[str] = []
        for segment in path[1:].split("/"):
            variable = segment.startswith("{")
            if not variable and not SEGMENT.issuperset(segment):
                raise http.refused(f"A REST API takes letters, digits and -._~:, in a path's segment, not {segment!r}.")
            if variable:
                self._only_variable(template, http, parent, segment)
            shapes.append(("{+}" if segment.endswith("+}") else "{}") if variable else segment)
            name = self.logical_id + resource_id("/" + "/".join(shapes))
            if not template.has(name):
                properties = {"RestApiId": {"Ref": self.logical_id}, "ParentId": parent, "PathPart": segment}
                template.add(name, RESOURCE, properties)
            parent = {"Ref": name}
        return parent

    def _only_variable(self, template: Template, http: Http, parent: Any, segment: str) -> None:
        """Refuse a second parameter beside another: a REST API takes one in each place."""
        for properties in self.parts(template, RESOURCE).values():
            part = properties["PathPart"]
            if properties["ParentId"] == parent and part.startswith("{") and part != segment:
                raise http.refused(
                    f"A REST API takes one parameter in each place of its paths: {http.template.api!r} has {segment} "
                    f"where another route has {part}. Call both the same, or use an HTTP API."
                )

    def parts(self, template: Template, type_: str) -> dict[str, Any]:
        """What a template has of this API, of one type."""
        api = {"Ref": self.logical_id}
        return {name: each for name, each in template.of_type(type_).items() if each["RestApiId"] == api}

    def authorization(self, template: Template, http: Http) -> dict[str, Any]:
        """What a method says of who may send requests to it."""
        by = http.authorizer
        if by is None:
            return {"AuthorizationType": "NONE"}
        if by == "iam":
            return {"AuthorizationType": "AWS_IAM"}
        found = {"AuthorizerId": {"Ref": by.id_in(self)}}
        if by.decorator:
            return {"AuthorizationType": "CUSTOM", **found}
        if isinstance(by.issuer, str) or not by.identity_sources[0].startswith("header."):
            raise http.refused(
                "A REST API cannot look at tokens but those of a user pool, in a header. Use an HTTP API, or an "
                "@app.authorizer."
            )
        self.pool_authorizer(template, by)
        scopes = {"AuthorizationScopes": list(http.scopes)} if http.scopes else {}
        return {"AuthorizationType": "COGNITO_USER_POOLS", **found, **scopes}

    def pool_authorizer(self, template: Template, jwt: JwtAuthorizer) -> None:
        """Have API Gateway look at a user pool's tokens itself. It asks for no audience."""
        if template.has(jwt.id_in(self)):
            return
        properties = {
            "RestApiId": {"Ref": self.logical_id},
            "Name": jwt.key,
            "Type": "COGNITO_USER_POOLS",
            "IdentitySource": f"method.request.{jwt.identity_sources[0]}",
            "ProviderARNs": [jwt.pool_arn_in(template)],
        }
        template.add(jwt.id_in(self), AUTHORIZER, properties)
        self.count_authorizers(template, AUTHORIZER)

    def add_authorizer(self, template: Template, function: Function, authorizer: Authorizer) -> None:
        """Have API Gateway ask a function."""
        self.ensure(template)
        properties: dict[str, Any] = {
            "RestApiId": {"Ref": self.logical_id},
            "Name": authorizer.handler,
            "Type": authorizer.type,
            "AuthorizerUri": invocation_uri(template.function_arn(function)),
            "AuthorizerResultTtlInSeconds": authorizer.ttl,
        }
        sources = authorizer.sources_of("method.request.", "context.", "stageVariables.")
        if sources:
            properties["IdentitySource"] = ",".join(sources)
        if authorizer.identity_validation_expression:
            properties["IdentityValidationExpression"] = authorizer.identity_validation_expression
        own = template.add(authorizer.id_in(self), AUTHORIZER, properties)
        arn = self.execution_arn(template, {"Ref": own})
        template.permit(function, own, "apigateway.amazonaws.com", arn)
        self.count_authorizers(template, AUTHORIZER)

    def conclude(self, template: Template) -> None:
        """The deployment, a new one whenever a route has changed, and the stage that serves it."""
        own = self.logical_id
        methods = self.parts(template, METHOD)
        if not methods:
            raise self.refused(
                f"The REST API {self.key!r} has no routes, and AWS deploys none without. Write "
                f"@app.get('/path', api=...) with it, or remove it.",
            )
        from hashlib import sha256
        from json import dumps

        told = [methods, *(self.parts(template, type_) for type_ in (RESOURCE, AUTHORIZER)), template.properties(own)]
        digest = sha256(dumps(told, sort_keys=True).encode()).hexdigest()[:8]
        deployment = template.add(
            f"{own}Deployment{digest}",
            "AWS::ApiGateway::Deployment",
            {"RestApiId": {"Ref": own}},
            depends_on=sorted(methods),
        )
        stage: dict[str, Any] = {
            "RestApiId": {"Ref": own},
            "DeploymentId": {"Ref": deployment},
            "StageName": self.key,
        }
        if self.rate_limit is not None:
            stage["MethodSettings"] = [
                {
                    "HttpMethod": "*",
                    "ResourcePath": "/*",
                    "ThrottlingRateLimit": self.rate_limit,
                    "ThrottlingBurstLimit": self.burst_limit,
                }
            ]
        template.add(own + "Stage", "AWS::ApiGateway::Stage", stage)
        self.custom_domain(template, own + "Stage")


def resource_id(shape: str) -> str:
    """A resource's logical id, after its API's: made as a route's is."""
    return route_id("", shape).replace("Route", "Resource")

"""HttpApi: an HTTP API of API Gateway."""

from __future__ import annotations

from ..options import flag
from .api import Api, invocation_uri, parameters, route_id
from .cors import checked_cors
from .names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..function import Function
    from ..sources.authorizer import Authorizer
    from ..sources.http import Http
    from .cors import Cors
    from .jwt_authorizer import JwtAuthorizer
    from .resource import Template

ROUTE, AUTHORIZER = "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Authorizer"
ROUTES_MAX = 300  # of one API; adjustable, see "HTTP API quotas" in the API Gateway guide
LOGGED = (
    "requestId", "identity.sourceIp", "requestTime", "httpMethod", "path", "routeKey", "status", "protocol",
    "responseLength", "responseLatency", "integrationErrorMessage", "authorizer.error",
)  # fmt: skip


class HttpApi(Api):
    """An HTTP API. Routes that name no API belong to the one without a name, which is there by itself;
    ``app.http_api(cors=...)`` gives it options.

    Options
        ``name``: the API's, with which its paths begin, here and on AWS: ``/admin/...``. ``""`` is the default API.
        ``cors``: origins whose pages may call the API, or a :class:`Cors`.
        ``rate_limit``, ``burst_limit``: requests a second and at once, over which clients get 429.
        ``access_logs``: write a line of JSON for each request to a log group, kept for 30 days.
        ``domain``, ``certificate``: a domain of the API's own, and the ARN of its certificate in the same region.
        ``disable_execute_api_endpoint``: answer on that domain only.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
    """

    type = "http_api"

    def __init__(
        self,
        name: str = "",
        *,
        cors: str | Sequence[str] | Cors | None = None,
        rate_limit: float | None = None,
        burst_limit: int | None = None,
        access_logs: bool = False,
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
        self.cors = checked_cors("http_api", cors)
        self.access_logs = access_logs
        self.validate()

    def validate(self) -> None:
        super().validate()
        flag("http_api", "access_logs", self.access_logs)

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "HttpApi"

    def described(self) -> dict[str, Any]:
        return {**super().described(), "cors": self.cors.properties() if self.cors else None}

    def resources(self, template: Template) -> None:
        """The API and its stage, which deploys every change by itself."""
        own = self.logical_id
        properties: dict[str, Any] = {"Name": self.named(template), "ProtocolType": "HTTP"}
        if self.cors:
            properties["CorsConfiguration"] = self.cors.properties()
        if self.disable_execute_api_endpoint and not template.local:
            properties["DisableExecuteApiEndpoint"] = True
        template.add(own, "AWS::ApiGatewayV2::Api", properties)
        stage: dict[str, Any] = {"ApiId": {"Ref": own}, "StageName": self.key or "$default", "AutoDeploy": True}
        if self.rate_limit is not None:
            limits = {"ThrottlingRateLimit": self.rate_limit, "ThrottlingBurstLimit": self.burst_limit}
            stage["DefaultRouteSettings"] = limits
        if self.access_logs:
            name = f"/aws/apigateway/{template.physical(template.app_name)}{'-' * bool(self.key)}{self.key}"
            group = template.add(own + "LogGroup", "AWS::Logs::LogGroup", {"LogGroupName": name, "RetentionInDays": 30})
            line = ",".join(f'"{field.rpartition(".")[2]}":"$context.{field}"' for field in LOGGED)
            stage["AccessLogSettings"] = {
                "DestinationArn": {"Fn::GetAtt": [group, "Arn"]},
                "Format": "{" + line + "}",
            }
        template.add(own + "Stage", "AWS::ApiGatewayV2::Stage", stage)
        self.custom_domain(template, own + "Stage")
        endpoint = {"Fn::GetAtt": [own, "ApiEndpoint"]}
        url = {"Fn::Sub": ["${endpoint}/" + self.key, {"endpoint": endpoint}]} if self.key else endpoint
        template.output(own + "Url", url, "Where the HTTP routes are served")

    def event(
        self, method: str, path: str, query: str, headers: dict[str, str], body: str | None, route: Http
    ) -> dict[str, Any]:
        """A request as API Gateway writes it, payload format 2.0."""
        key = f"{'ANY' if method not in route.methods else method} {route.template.api}"
        whole = f"/{self.key}{path}" if self.key else path
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": whole,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "example",
                "domainName": "example.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "example",
                "http": {
                    "method": method,
                    "path": whole,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.10",
                    "userAgent": headers.get("user-agent", "eventfw"),
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": key,
                "stage": self.key or "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1767225600000,
            },
            "isBase64Encoded": False,
        }
        if values := route.template.values(path):
            event["pathParameters"] = {name: str(value) for name, value in values.items()}
        if query:
            event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters(query).items()}
        if body is not None:
            event["body"] = body
        return event

    def add_route(self, template: Template, function: Function, http: Http) -> None:
        """An integration and a permission for each function; a route for each method."""
        self.ensure(template)
        own = self.logical_id if self.key else ""
        integration = own + pascal(function.name) + "Integration"
        if not template.has(integration):
            properties = {
                "ApiId": template.reference(self.logical_id),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": template.function_arn(function),
                "PayloadFormatVersion": "2.0",
            }
            template.add(integration, "AWS::ApiGatewayV2::Integration", properties)
            self.integrate(template, function)
        authorization = self.authorization(template, http)
        for method in http.methods:
            properties = {
                "ApiId": template.reference(self.logical_id),
                "RouteKey": f"{method} {http.template.api}",
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]},
                **authorization,
            }
            template.add(own + route_id(method, http.template.shape), ROUTE, properties)
        if len(self.parts(template, ROUTE)) > ROUTES_MAX:
            raise http.refused(
                f"The API has more than {ROUTES_MAX} routes, API Gateway's quota 'Routes per API'. Take several paths "
                f"with one {{rest:path}} route, or give some of them an API of their own: api=app.http_api('other')."
            )

    def parts(self, template: Template, type_: str) -> dict[str, Any]:
        """What a template has of this API, of one type."""
        api = {"Ref": self.logical_id}
        return {name: each for name, each in template.of_type(type_).items() if each["ApiId"] == api}

    def authorization(self, template: Template, http: Http) -> dict[str, Any]:
        """What a route says of who may send requests to it."""
        by = http.authorizer
        if by is None:
            return {}
        cors = "CorsConfiguration" in template.properties(self.logical_id)
        if cors and not {"ANY", "OPTIONS"}.isdisjoint(http.methods):
            raise http.refused(
                "The route takes OPTIONS, with which browsers ask for leave and show no credentials: its authorizer "
                "would refuse them, and the API has cors. Name the methods without it: methods=['GET', ...]."
            )
        if by == "iam":
            return {"AuthorizationType": "AWS_IAM"}
        found = {"AuthorizerId": template.reference(by.id_in(self))}
        if by.decorator:
            return {"AuthorizationType": "CUSTOM", **found}
        self.jwt_authorizer(template.main, by)
        scopes = {"AuthorizationScopes": list(http.scopes)} if http.scopes else {}
        return {"AuthorizationType": "JWT", **found, **scopes}

    def jwt_authorizer(self, template: Template, jwt: JwtAuthorizer) -> None:
        """Have API Gateway look at tokens itself."""
        if template.has(jwt.id_in(self)):
            return
        properties = {
            "ApiId": {"Ref": self.logical_id},
            "AuthorizerType": "JWT",
            "Name": jwt.key,
            "IdentitySource": [f"$request.{source}" for source in jwt.identity_sources],
            "JwtConfiguration": {"Issuer": jwt.issuer_in(template), "Audience": jwt.audience_in(template)},
        }
        template.add(jwt.id_in(self), AUTHORIZER, properties)
        self.count_authorizers(template, AUTHORIZER)

    def add_authorizer(self, template: Template, function: Function, authorizer: Authorizer) -> None:
        """Have API Gateway ask a function."""
        self.ensure(template)
        properties: dict[str, Any] = {
            "ApiId": template.reference(self.logical_id),
            "AuthorizerType": "REQUEST",
            "Name": authorizer.handler,
            "AuthorizerUri": invocation_uri(template.function_arn(function)),
            "AuthorizerPayloadFormatVersion": "2.0",
            "EnableSimpleResponses": authorizer.simple_responses,
            "AuthorizerResultTtlInSeconds": authorizer.ttl,
        }
        if authorizer.identity_sources:
            properties["IdentitySource"] = authorizer.sources_of("$request.", "$context.", "$stageVariables.")
        own = template.add(authorizer.id_in(self), AUTHORIZER, properties)
        arn = self.execution_arn(template, {"Ref": own})
        template.permit(function, own, "apigateway.amazonaws.com", arn)
        self.count_authorizers(template, AUTHORIZER)

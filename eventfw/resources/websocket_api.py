"""WebSocketApi: a WebSocket API of API Gateway."""

from __future__ import annotations

from ..options import refused
from .api import Api, invocation_uri
from .names import pascal
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..function import Function
    from ..sources.authorizer import Authorizer
    from ..sources.websocket import WebSocket
    from .names import Names
    from .resource import Template

ROUTE, AUTHORIZER = "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Authorizer"
ROUTES_MAX = 300  # of one API; adjustable, see "API Gateway quotas for configuring and running a WebSocket API"
PREDEFINED = ("$connect", "$disconnect", "$default")
SELECTION = "$request.body."
PORT = 8000  # where `eventfw local` serves unless told otherwise


class WebSocketApi(Api):
    """A WebSocket API: ``chat = app.websocket_api("chat")``, then ``@app.websocket(chat, "sendMessage")``.

    Options
        ``name``: the API's and its stage's, which is the path that clients connect to, here and on AWS: ``/chat``.
        ``route_selection_expression``: which field of a message names its route: ``$request.body.FIELD``.
        ``rate_limit``, ``burst_limit``: messages a second and at once, over which clients get an error.
        ``domain``, ``certificate``: a domain of the API's own, and the ARN of its certificate in the same region.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
    """

    type = "websocket_api"
    http = False
    rest = True  # its authorizers are asked as a REST API's are

    def __init__(
        self,
        name: str,
        *,
        route_selection_expression: str = SELECTION + "action",
        rate_limit: float | None = None,
        burst_limit: int | None = None,
        domain: str = "",
        certificate: str = "",
    ) -> None:
        super().__init__(
            name,
            rate_limit=rate_limit,
            burst_limit=burst_limit,
            domain=domain,
            certificate=certificate,
            disable_execute_api_endpoint=False,
        )
        self.route_selection_expression = route_selection_expression
        self.validate()

    def validate(self) -> None:
        super().validate()
        if not self.key:
            raise refused("name must say something for websocket_api: clients connect to the path of that name.")
        expression: object = self.route_selection_expression
        fields = expression.removeprefix(SELECTION).split(".") if isinstance(expression, str) else []
        if not str(expression).startswith(SELECTION) or not all(
            field.isascii() and field.replace("_", "").replace("-", "").isalnum() for field in fields
        ):
            raise refused(
                f"route_selection_expression must be such as '$request.body.action' for websocket_api: the message's "
                f"field that names the route, not {expression!r}."
            )

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "WebSocketApi"

    @property
    def endpoint(self) -> str:
        """The address of the management API, for boto3's client ``apigatewaymanagementapi``: its ``endpoint_url``."""
        return self.told() or f"http://127.0.0.1:{PORT}/{self.key}"

    @property
    def url(self) -> str:
        """The address that clients connect to: ``wss://...``."""
        return self.endpoint.replace("http", "ws", 1)

    @property
    def manage_connections(self) -> Grant:
        """Leave to send messages to the API's connections, to look at them and to end them."""
        return Grant(
            self, "manage_connections", {f"/{self.stage}/*/@connections/*": ("execute-api:ManageConnections",)}
        )

    def local_value(self, names: Names, endpoint: str) -> str:
        return f"http://127.0.0.1:{names.http_port or PORT}/{self.key}"

    def reference(self, template: Template) -> Any:
        address = "https://${api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/" + self.stage
        return {"Fn::Sub": [address, {"api": template.reference(self.logical_id)}]}

    def resources(self, template: Template) -> None:
        """The API and its stage, which deploys every change by itself."""
        own = self.logical_id
        properties = {
            "Name": self.named(template),
            "ProtocolType": "WEBSOCKET",
            "RouteSelectionExpression": self.route_selection_expression,
        }
        template.add(own, "AWS::ApiGatewayV2::Api", properties)
        stage: dict[str, Any] = {"ApiId": {"Ref": own}, "StageName": self.stage, "AutoDeploy": True}
        if self.rate_limit is not None:
            limits = {"ThrottlingRateLimit": self.rate_limit, "ThrottlingBurstLimit": self.burst_limit}
            stage["DefaultRouteSettings"] = limits
        template.add(own + "Stage", "AWS::ApiGatewayV2::Stage", stage)
        self.custom_domain(template, own + "Stage")
        url = {"Fn::Sub": ["${endpoint}/" + self.stage, {"endpoint": {"Fn::GetAtt": [own, "ApiEndpoint"]}}]}
        template.output(own + "Url", url, f"Where clients of {self.key} connect")

    def add_websocket(self, template: Template, function: Function, websocket: WebSocket) -> None:
        """A route; an integration and a permission for each function."""
        self.ensure(template)
        own, api = self.logical_id, template.reference(self.logical_id)
        integration = own + pascal(function.name) + "Integration"
        if not template.has(integration):
            properties = {
                "ApiId": api,
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": invocation_uri(template.function_arn(function)),
            }
            template.add(integration, "AWS::ApiGatewayV2::Integration", properties)
            self.integrate(template, function)
        route: dict[str, Any] = {
            "ApiId": api,
            "RouteKey": websocket.route,
            "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]},
            **self.authorization(template, websocket),
        }
        if websocket.reply:
            route["RouteResponseSelectionExpression"] = "$default"
        name = template.add(own + route_name(websocket.route), ROUTE, route)
        if websocket.reply and not template.local:  # which the embedded AWS does not know
            response = {"ApiId": api, "RouteId": {"Ref": name}, "RouteResponseKey": "$default"}
            template.add(name + "Response", "AWS::ApiGatewayV2::RouteResponse", response)
        if sum(each["ApiId"] == api for each in template.of_type(ROUTE).values()) > ROUTES_MAX:
            raise websocket.refused(
                f"The API {self.key!r} has more than {ROUTES_MAX} routes, API Gateway's quota 'Routes per API'. Take "
                f"several with the route $default."
            )

    def authorization(self, template: Template, websocket: WebSocket) -> dict[str, Any]:
        """What a route says of who may connect."""
        by = websocket.authorizer
        if by is None:
            return {}
        if by == "iam":
            return {"AuthorizationType": "AWS_IAM"}
        return {"AuthorizationType": "CUSTOM", "AuthorizerId": template.reference(by.id_in(self))}

    def add_authorizer(self, template: Template, function: Function, authorizer: Authorizer) -> None:
        """Have API Gateway ask a function who may connect."""
        self.ensure(template)
        properties: dict[str, Any] = {
            "ApiId": template.reference(self.logical_id),
            "AuthorizerType": "REQUEST",
            "Name": authorizer.handler,
            "AuthorizerUri": invocation_uri(template.function_arn(function)),
        }
        if authorizer.identity_sources:
            properties["IdentitySource"] = authorizer.sources_of("route.request.", "context.", "stageVariables.")
        own = template.add(authorizer.id_in(self), AUTHORIZER, properties)
        arn = self.execution_arn(template, {"Ref": own})
        template.permit(function, own, "apigateway.amazonaws.com", arn)


def route_name(route: str) -> str:
    """A route's logical id, after its API's: ``$connect`` is ``ConnectRoute``. What is more than plain letters and
    digits, or could be taken for one of AWS's own, ends in a checksum."""
    name = pascal(route) + "Route"
    if route in PREDEFINED or (route.isascii() and route.isalnum() and "$" + route.lower() not in PREDEFINED):
        return name
    from zlib import crc32

    return f"{name}{crc32(route.encode()):08x}"

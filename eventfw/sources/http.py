"""``@app.http``: API Gateway HTTP API; its events, and those of whatever else leads HTTP requests to a function."""

from __future__ import annotations

from ..errors import RuleError
from ..http import (
    JSON,
    HTTPError,
    Query,
    Request,
    as_response,
    encoded_body,
    json_text,
    method_and_path,
    phrase,
)
from ..options import printable, refused
from ..paths import HttpTable, PathTemplate
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")
ROUTES_MAX = 300  # of one API; adjustable, see "HTTP API quotas" in the API Gateway guide
API = "HttpApi"
ROUTE = "AWS::ApiGatewayV2::Route"


class Http(Trigger):
    """Answer HTTP requests on a path.

    ``path`` may hold parameters: ``/photos/{name}``, ``{id:int}``, ``{rest:path}`` (last, takes slashes too).
    ``methods`` is one method or several; ``ANY`` takes every method no other route of the path names.

    The API sends a request to the most specific route: a literal segment goes before a parameter, a parameter before
    ``{rest:path}``. A path or method without a route is API Gateway's 404 and invokes nothing. A function URL, a load
    balancer and VPC Lattice send everything to the function, which then answers 404 itself, or 405 where the path has
    routes for other methods.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "http"
    example = '@app.http("/path")'
    kinds = ("apigw_http_v2", "function_url", "alb", "vpc_lattice_v1", "vpc_lattice_v2")
    kinds_in_words = "an HTTP request"
    self_routed = kinds[1:]
    answers = (HTTPError,)
    shares_api = True

    def __init__(self, path: str, methods: str | Sequence[str] = "GET") -> None:
        super().__init__()
        self.methods = checked_methods(methods)
        if not isinstance(path, str):
            raise refused(f'path must be text such as "/photos/{{name}}" for http, not {path!r}.')
        self.path = path
        self.mount("")

    def mount(self, prefix: str) -> None:
        """Compile the path, behind the prefix of the blueprint it is mounted with."""
        try:
            self.template = PathTemplate(prefix if prefix and self.path == "/" else prefix + self.path)
        except RuleError as error:
            raise refused(error.message) from None
        self.parameters = tuple(self.template.parameters)
        self.route_keys = [f"{method} {self.template.api}" for method in self.methods]

    def key(self) -> Collection[tuple[str, str]]:
        return [
            (f"{method} {self.template.shape}", f"The route {method} {self.template.api}") for method in self.methods
        ]

    def title(self) -> str:
        return f"{','.join(self.methods)} {self.template.text}"

    def parse(self, raw: Any, context: Any) -> Request:
        if "rawPath" in raw or "routeKey" in raw:
            return Request(raw, context)
        return TargetRequest(raw, context)

    def call(self, binding: Binding, event: Request) -> Any:
        if not self.parameters:
            return binding(event, event.context)
        values = self.template.values(event.raw_path)
        if values is None:
            raise HTTPError(404)
        event.path_parameters = values
        return binding(event, event.context, values)

    def payload(self, event: Request) -> Any:
        return event.json

    def encode(self, result: Any, event: Request) -> dict[str, Any]:
        kind = type(result)
        if (kind is dict or kind is list) and type(event) is Request:
            # The usual answers, as the rest of this would give them, in half the time.
            return {"statusCode": 200, "headers": {"content-type": JSON}, "body": json_text(result)}
        response = as_response(result)
        body, is_base64, content_type = encoded_body(response)
        headers = {name: response.headers.get(name) for name in response.headers}
        if content_type and "content-type" not in headers:
            headers["content-type"] = content_type
        cookies = response.cookies
        if "set-cookie" in headers:  # one field a cookie: an expiry date has a comma, so they cannot be joined
            cookies = [value for name, value in response.headers.items() if name == "set-cookie"] + cookies
            del headers["set-cookie"]
        if type(event) is not Request:
            return answered(event.raw, response.status, headers, cookies, body, is_base64)
        answer: dict[str, Any] = {"statusCode": response.status, "headers": headers, "body": body}
        if is_base64:
            answer["isBase64Encoded"] = True
        if cookies:
            answer["cookies"] = cookies
        return answer

    def mismatch(self, raw: Any) -> str:
        if raw.get("routeKey") in self.route_keys:
            return ""
        method, path = method_and_path(raw)
        if method not in self.methods and "ANY" not in self.methods:
            return f"method {printable(method)} is not {' or '.join(self.methods)}"
        table = HttpTable([("ANY", self.template.api, "", "")])
        return "" if table.match("", path) else f"path `{printable(path)}` does not match `{self.template.text}`"

    @classmethod
    def index(cls, triggers: Sequence[Http]) -> Finder:
        """By the route's key where API Gateway has matched it, else the most specific route of method and path.

        API Gateway answers misses for itself; from the others a path or method without a route comes here.
        """
        keys = {key: position for position, trigger in enumerate(triggers) for key in trigger.route_keys}
        table = HttpTable((*key.split(" ", 1), "", "") for key in keys)

        def find(raw: Any) -> Iterable[int]:
            position = keys.get(raw.get("routeKey"))
            if position is not None:
                return (position,)
            found = table.match(*method_and_path(raw))
            return () if found is None else (keys[found[0]],)

        def miss(kind: str, raw: Any) -> HTTPError | None:
            if kind not in cls.self_routed:
                return None
            allowed = table.allowed(method_and_path(raw)[1])
            return HTTPError(405, headers={"allow": ", ".join(allowed)}) if allowed else HTTPError(404)

        return Finder(find, exact=True, miss=miss)

    def shadow(self, others: Sequence[Trigger]) -> str:
        """``ANY`` gets what no other route of its path names: next to nothing, where they name all seven methods."""
        if "ANY" not in self.methods:
            return ""
        same = [
            other
            for other in (self, *others)
            if isinstance(other, Http) and other.template.shape == self.template.shape
        ]
        named = {method for other in same for method in other.methods}
        if not named.issuperset(METHODS):
            return ""
        return (
            f"ANY {self.template.text} is left with nothing but unusual methods such as TRACE: all seven others have "
            f"routes of their own. Remove ANY."
        )

    def resources(self, function: Function, template: Template) -> None:
        """The API, once; an integration and a permission for each function; a route for each method."""
        if not template.has(API):
            main, stage = template.main, {"ApiId": {"Ref": API}, "StageName": "$default", "AutoDeploy": True}
            main.add(API, "AWS::ApiGatewayV2::Api", {"Name": main.physical(main.app_name), "ProtocolType": "HTTP"})
            main.add(API + "Stage", "AWS::ApiGatewayV2::Stage", stage)
            main.output("HttpApiUrl", {"Fn::GetAtt": [API, "ApiEndpoint"]}, "Where the HTTP routes are served")
        from ..resources.names import pascal

        base = pascal(function.name)
        integration = base + "Integration"
        if not template.has(integration):
            arn = template.function_arn(function)
            properties = {
                "ApiId": template.reference(API),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": arn,
                "PayloadFormatVersion": "2.0",
            }
            template.add(integration, "AWS::ApiGatewayV2::Integration", properties)
            source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${api}/*"
            api = {"Fn::Sub": [source, {"api": template.reference(API)}]}
            template.permit(function, base + "Api", "apigateway.amazonaws.com", api)
        for method in self.methods:
            properties = {
                "ApiId": template.reference(API),
                "RouteKey": f"{method} {self.template.api}",
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]},
            }
            template.add(route_id(method, self.template.shape), ROUTE, properties)
        if template.count(ROUTE) > ROUTES_MAX:
            raise self.refused(
                f"The API has more than {ROUTES_MAX} routes, API Gateway's quota 'Routes per API'. Take several paths "
                f"with one {{rest:path}} route, or give some of them an app of their own."
            )

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request for this route. Fields: ``method``, ``path``, ``query``, ``body``, ``headers``, path parameters."""
        from urllib.parse import quote

        parameters = () if fields.get("path") else self.parameters
        self.fields_among(fields, ("method", "path", "query", "body", "headers", *parameters))
        method = str(fields.pop("method", "GET" if "ANY" in self.methods else self.methods[0])).upper()
        segments = self.template.text.split("/")
        for index, name, converter in () if fields.get("path") else self.template.positions:
            value = str(fields.pop(name, "1" if converter == "int" else "example"))
            segments[index] = quote(value, safe="/" if converter == "path" else "")
        path = fields.pop("path", "") or "/".join(segments)
        body = fields.pop("body", None)
        headers = {"host": "example.execute-api.us-east-1.amazonaws.com", **(fields.pop("headers", None) or {})}
        if body is not None and not isinstance(body, str):
            from json import dumps

            body = dumps(body)
            headers.setdefault("content-type", "application/json")
        query = str(fields.pop("query", ""))
        return sample_event(method, path, query, headers, body, self)


class TargetRequest(Request):
    """An HTTP request through an Application Load Balancer or VPC Lattice, the function being the target.

    Each form calls its fields by names of its own, which tell it: ``httpMethod`` is a load balancer's, with
    ``multiValueHeaders`` if it sends several values of a name; ``raw_path`` is Lattice's V1, and its V2 has neither.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
    """

    @property
    def query(self) -> Query:
        """The query parameters, decoded, which neither service does. VPC Lattice leaves them on the path as well; a
        load balancer takes them apart, and sends the last value of a name only, unless it is told to send all."""
        if self._query is None:
            raw = self.raw
            query = (raw.get("raw_path") or raw["path"]).partition("?")[2]
            if not query:
                several = raw.get("multiValueQueryStringParameters") or raw.get("queryStringParameters")
                for name, value in (several or raw.get("query_string_parameters") or {}).items():
                    for one in value if isinstance(value, list) else [value]:
                        query += f"&{name}={one}"
            self._query = Query(query)
        return self._query

    @property
    def source_ip(self) -> str:
        """The last of X-Forwarded-For, without the port that a load balancer can be told to add."""
        last = self.headers.get("x-forwarded-for").rpartition(",")[2].strip(" [")
        return last.partition(":" if last.count(":") == 1 else "]")[0]  # 192.0.2.1:80, or [2001:db8::1]:80

    @property
    def cookies(self) -> dict[str, str]:
        line = ";".join(self.headers._fields.get("cookie", ()))
        if "raw_path" in self.raw:  # V1 joins the fields of one name so; no cookie may hold a comma or a space
            line = line.replace(", ", ";")
        sent = line.strip("; ")
        return Request({"cookies": sent and sent.split(";")}).cookies


def answered(
    raw: Any, status: int, headers: dict[str, Any], cookies: list[str], body: str, is_base64: bool
) -> dict[str, Any]:
    """A response as the service takes it that sent the request ``raw``.

    A service that sends one value of a header also takes one, so that one cookie can be set. More are an error: nobody
    knows which the user can do without, and a login that lost one is hard to find.
    """
    lists = "multiValueHeaders" in raw
    if lists:
        for name in headers:
            headers[name] = [headers[name]]
    if cookies[1:] and not lists and "version" not in raw:
        raise ValueError(
            f"The answer sets {len(cookies)} cookies, and its target group takes one. Turn on the attribute "
            "lambda.multi_value_headers.enabled (load balancer), or event structure V2 (VPC Lattice)."
        )
    if cookies:
        headers["set-cookie"] = cookies if lists or cookies[1:] else cookies[0]
    answer = {
        "statusCode": status,
        "multiValueHeaders" if lists else "headers": headers,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    if "httpMethod" in raw:
        answer["statusDescription"] = f"{status} {phrase(status)}"
    return answer


def checked_methods(methods: object) -> tuple[str, ...]:
    """HTTP methods in upper case."""
    if callable(methods):
        raise refused("methods must be a string or a list of strings for http.")
    given = [methods] if isinstance(methods, str) else methods
    if not isinstance(given, (list, tuple)) or not given:
        raise refused(f"methods must be 'GET' or a list such as ['GET', 'POST'] for http, not {methods!r}.")
    found = []
    for method in given:
        upper = method.upper() if isinstance(method, str) else method
        if upper not in METHODS:
            raise refused(f"methods must be among {', '.join(METHODS)} for http, not {method!r}.")
        if upper in found:
            raise refused(f"methods has {upper!r} twice for http. Remove one.")
        found.append(upper)
    return tuple(found)


def route_id(method: str, shape: str) -> str:
    """A route's logical id: ``GET /photos`` is ``GetPhotosRoute``.

    It is made of the path without its parameters' names, so that renaming one changes the route in place. A path with
    more than plain lower-case segments ends in a checksum: ``/a-b``, ``/a/b`` and ``/a/b/{}`` are all ``AB`` otherwise.
    """
    from ..resources.names import pascal

    name = pascal(method.lower()) + pascal(shape) + "Route"
    segments = [] if shape == "/" else shape[1:].split("/")
    if all(part.isascii() and part.isalnum() and part.islower() and part[0].isalpha() for part in segments):
        return name
    from zlib import crc32

    return f"{name}{crc32(f'{method} {shape}'.encode()):08x}"


def sample_event(
    method: str, path: str, query: str, headers: dict[str, str], body: str | None, route: Http
) -> dict[str, Any]:
    """A request as API Gateway writes it, payload format 2.0."""
    key = f"{'ANY' if method not in route.methods else method} {route.template.api}"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "domainName": "example.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "example",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.10",
                "userAgent": headers.get("user-agent", "eventfw"),
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": key,
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }
    values = route.template.values(path)
    if values:
        event["pathParameters"] = {name: str(value) for name, value in values.items()}
    if query:
        from urllib.parse import parse_qsl

        joined: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            joined.setdefault(name, []).append(value)
        event["queryStringParameters"] = {name: ",".join(values) for name, values in joined.items()}
    if body is not None:
        event["body"] = body
    return event

"""``@app.alb``: requests that an Application Load Balancer forwards, by a rule of one of its listeners."""

from __future__ import annotations

from ..answering.fronts import Ruled, fits, likely, listed
from ..http_forms import TargetRequest
from ..options import by_name, flag, printable, refused, whole
from ..resources.names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.raw import RawResource
    from ..resources.resource import Template

    Values = str | Sequence[str]

PRIORITY_MAX = 50_000
VALUES_MAX, VALUES_OF_ONE_MAX = 5, 3  # of one rule, and of one of its conditions
LENGTH_MAX = 128  # characters of a value
METHOD_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")
FIELDS = {"host": "host-header", "path": "path-pattern", "methods": "http-request-method", "source_ip": "source-ip"}
CHECKER = "ELB-HealthChecker/"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/example/50dc6c495c0c9188"


class Alb(Ruled):
    """Answer requests that a listener of an Application Load Balancer forwards to the function.

    A handler that has ``http`` routes gets no more requests by it: all routes of its function are then served behind
    the listener as well.

    Options
        ``listener``: its ARN, or an ``app.resource`` of that type.
        ``priority``: 1-50000, the rule's place among those of the listener. The lowest that fits takes a request.
        ``path``, ``host``, ``methods``, ``source_ip``: one or several, of which one must fit. ``*`` and ``?`` stand for
        anything and for one character in paths (which are case-sensitive) and hosts; addresses are CIDR blocks.
        ``headers``, ``query``: by name, one or several values, of which one must fit. All names must.
        ``multi_value``: whether repeated headers and parameters all arrive, and several cookies can be set.
        ``health_check``: a path that the load balancer asks every 35 seconds, if it shall.

    A rule has at least one condition, and at most five values, three in one condition. A request and an answer have at
    most 1 MB. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
    """

    decorator = "alb"
    example = (
        '@app.alb("arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/50dc6c495c0c9188/'
        'f2f7dc8efc522ab2", priority=10, path="/photos/*")'
    )
    kinds = ("alb",)
    self_routed = kinds
    name = "load balancer"

    def __init__(
        self,
        listener: str | RawResource,
        *,
        priority: int,
        path: Values = (),
        host: Values = (),
        methods: Values = (),
        headers: Mapping[str, Values] | None = None,
        query: Mapping[str, Values] | None = None,
        source_ip: Values = (),
        multi_value: bool = True,
        health_check: str = "",
    ) -> None:
        super().__init__()
        self.listener = listener
        self.priority = priority
        self.path = listed(path)
        self.host = listed(host)
        self.methods = [method.upper() if isinstance(method, str) else method for method in listed(methods)]
        self.headers = {
            name: listed(values) for name, values in by_name("alb", "headers", headers, "{'x-tenant': 'a'}").items()
        }
        self.query = {name: listed(values) for name, values in by_name("alb", "query", query, "{'size': 'xl'}").items()}
        self.source_ip = listed(source_ip)
        self.multi_value = multi_value
        self.health_check = health_check
        self.validate()

    def validate(self) -> None:
        listener: Any = self.listener
        right = ":listener/app/" in listener if isinstance(listener, str) else hasattr(listener, "cloudformation_type")
        if not right:
            raise refused(
                f"listener must be the ARN of a listener of an Application Load Balancer, such as arn:aws:"
                f"elasticloadbalancing:REGION:ACCOUNT:listener/app/NAME/ID/ID, or an app.resource, for alb, not "
                f"{listener!r}."
            )
        whole(
            "alb", "priority", self.priority, 1, PRIORITY_MAX, "The lowest of a listener's rules that fits goes first."
        )
        flag("alb", "multi_value", self.multi_value)
        self._check_values()
        if any(not value.startswith(("/", "*")) for value in self.path):
            raise refused(f"path must begin with / or * for alb, not {self.path!r}.")
        for method in self.methods:
            if not METHOD_SIGNS.issuperset(method):
                raise refused(f"methods takes methods such as 'GET' for alb, not {method!r}.")
        from ipaddress import ip_network

        for block in self.source_ip:
            try:
                ip_network(block)
            except ValueError as error:
                raise refused(f"source_ip takes CIDR blocks such as 203.0.113.0/24 for alb: {error}.") from None
            if "/" not in block:
                raise refused(f"source_ip takes CIDR blocks for alb, not {block!r}. Write '{block}/32'.")
        check: object = self.health_check
        if not isinstance(check, str) or (check and not check.startswith("/")):
            raise refused(f"health_check must be a path such as '/health' for alb, not {check!r}.")

    def _check_values(self) -> None:
        conditions = [(option, getattr(self, option)) for option in FIELDS if getattr(self, option)]
        conditions += [*self.headers.items(), *self.query.items()]
        if not conditions:
            raise refused("A rule of alb needs a condition. Write path='*' for all requests to the listener.")
        for name, values in conditions:
            for value in values:
                if not isinstance(value, str) or not 0 < len(value) <= LENGTH_MAX:
                    raise refused(f"{name} takes text of 1 to {LENGTH_MAX} characters for alb, not {value!r}.")
            if not 0 < len(values) <= VALUES_OF_ONE_MAX:
                raise refused(
                    f"{name} has {len(values)} values, and alb takes 1 to {VALUES_OF_ONE_MAX} in a condition."
                )
        if sum(len(values) for _, values in conditions) > VALUES_MAX:
            raise refused(f"A rule of alb has at most {VALUES_MAX} values in all its conditions. Write another rule.")

    def key(self) -> list[tuple[str, str]]:
        listener = self.listener if isinstance(self.listener, str) else self.listener.key
        return [(f"alb {listener} {self.priority}", f"A rule of priority {self.priority} in this listener")]

    def title(self) -> str:
        return f"load balancer rule {self.priority}: {', '.join(self.said())}"

    def said(self) -> list[str]:
        """The conditions, in words."""
        found = [f"{name} {' or '.join(getattr(self, name))}" for name in FIELDS if getattr(self, name)]
        found += [f"header {name} {' or '.join(values)}" for name, values in self.headers.items()]
        return found + [f"query {name} {' or '.join(values)}" for name, values in self.query.items()]

    def parse(self, raw: Any, context: Any) -> TargetRequest:
        return TargetRequest(raw, context)

    def unmet(self, raw: Any) -> str:
        """A health check follows no rule."""
        request = TargetRequest(raw)
        if request.headers.get("user-agent").startswith(CHECKER):
            return ""
        return unmet(self.conditions(), raw["httpMethod"], request, host=request.headers.get("host"))

    def conditions(self) -> dict[str, Any]:
        """The conditions as data."""
        plain = {name: getattr(self, name) for name in ("path", "host", "methods")}
        return {**plain, "headers": self.headers, "query": self.query}

    def resources(self, function: Function, template: Template) -> None:
        """A target group for the function, which it may be put into once the load balancer may invoke it, and a rule.
        The local server stands for the load balancer, so that the embedded AWS is given none."""
        if template.local:
            return
        group = pascal(function.name) + "TargetGroup"
        properties: dict[str, Any] = {
            "TargetType": "lambda",
            "Targets": [{"Id": template.function_arn(function)}],
            "TargetGroupAttributes": [
                {"Key": "lambda.multi_value_headers.enabled", "Value": str(self.multi_value).lower()}
            ],
            "HealthCheckEnabled": bool(self.health_check),
        }
        if self.health_check:
            properties["HealthCheckPath"] = self.health_check
        if not template.has(group):
            # The group's own ARN would be circular: it takes the function only when the permission is there.
            source = "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:targetgroup/*"
            before = template.permit(function, group, "elasticloadbalancing.amazonaws.com", {"Fn::Sub": source})
            template.add(group, "AWS::ElasticLoadBalancingV2::TargetGroup", properties, depends_on=[before])
        elif template.properties(group) != properties:
            raise self.refused(
                f"The rules of one function share a target group, so multi_value and health_check must be the same in "
                f"all of them. Give {self.handler} a function of its own, or say them alike."
            )
        rule = {
            "ListenerArn": self.listener if isinstance(self.listener, str) else self.listener.reference(template),
            "Priority": self.priority,
            "Conditions": self._written(),
            "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": group}}],
        }
        template.add(pascal(self.own_name) + "ListenerRule", "AWS::ElasticLoadBalancingV2::ListenerRule", rule)

    def _written(self) -> list[dict[str, Any]]:
        """The conditions as CloudFormation writes them."""
        configurations = {
            "host": "HostHeaderConfig",
            "path": "PathPatternConfig",
            "methods": "HttpRequestMethodConfig",
            "source_ip": "SourceIpConfig",
        }
        found: list[dict[str, Any]] = [
            {"Field": field, configurations[option]: {"Values": getattr(self, option)}}
            for option, field in FIELDS.items()
            if getattr(self, option)
        ]
        for name, values in self.headers.items():
            found.append({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": values}})
        for name, values in self.query.items():
            pairs = [{"Key": name, "Value": value} for value in values]
            found.append({"Field": "query-string", "QueryStringConfig": {"Values": pairs}})
        return found

    def local(self) -> tuple[str, dict[str, Any]]:
        return "fronts", {"kind": "alb", "multi_value": self.multi_value, "conditions": self.conditions()}

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request that the rule takes. Fields: ``method``, ``path``, ``query``, ``body``, ``headers``."""
        if self.path and not self.routed:
            fields.setdefault("path", likely(self.path[0]))
        if self.methods and not self.routed:
            fields.setdefault("method", self.methods[0])
        if self.query:
            fields.setdefault("query", "&".join(f"{name}={likely(values[0])}" for name, values in self.query.items()))
        method, path, query, headers, body = self.request(fields)
        own = {name.lower(): likely(values[0]) for name, values in self.headers.items()}
        host = likely(self.host[0]) if self.host else "example-1234567890.us-east-1.elb.amazonaws.com"
        headers = {"host": host, "x-forwarded-for": "203.0.113.10", **own, **headers}
        pairs = [part.partition("=") for part in query.split("&") if part]
        event: dict[str, Any] = {
            "requestContext": {"elb": {"targetGroupArn": GROUP}},
            "httpMethod": method,
            "path": path,
            "body": body or "",
            "isBase64Encoded": False,
        }
        if not self.multi_value:
            return {**event, "headers": headers, "queryStringParameters": {name: value for name, _, value in pairs}}
        several: dict[str, list[str]] = {}
        for name, _, value in pairs:
            several.setdefault(name, []).append(value)
        lists = {name: [value] for name, value in headers.items()}
        return {**event, "multiValueHeaders": lists, "multiValueQueryStringParameters": several}


def unmet(conditions: Mapping[str, Any], method: str, request: TargetRequest, *, host: str) -> str:
    """The first condition of a rule that a request does not meet, or ``""``. Without a ``host``, hosts are not looked
    at. Only paths are case-sensitive."""
    if conditions["methods"] and method not in conditions["methods"]:
        return f"method {printable(method)} is not {' or '.join(conditions['methods'])}"
    path = request.raw_path
    if conditions["path"] and not any(fits(pattern, path) for pattern in conditions["path"]):
        return f"path `{printable(path)}` does not match `{' or '.join(conditions['path'])}`"
    named = host.rpartition(":")[0] or host
    if host and conditions["host"] and not any(fits(one.lower(), named.lower()) for one in conditions["host"]):
        return f"host `{printable(named)}` does not match `{' or '.join(conditions['host'])}`"
    kinds: tuple[tuple[str, Any], ...] = (("headers", request.headers), ("query", request.query))
    for kind, given in kinds:
        for name, wanted in conditions[kind].items():
            values = given.get_all(name)
            if not any(fits(one.lower(), value.lower()) for one in wanted for value in values):
                what = kind.removesuffix("s").replace("query", "parameter")
                return f"{what} {name} is not `{' or '.join(wanted)}`"
    return ""

"""``@app.vpc_lattice``: requests that reach a service of VPC Lattice, from within a service network."""

from __future__ import annotations

from ..answering.fronts import Ruled, fits, likely
from ..http_forms import TargetRequest
from ..options import by_name, one_of, printable, refused, whole
from ..resources.names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..function import Function
    from ..resources.lattice_service import LatticeService
    from ..resources.resource import Template

METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE")  # PATCH cannot be asked for
PRIORITY_MAX = 2000
HEADERS_MAX = 5  # of one rule
LENGTH_MAX = 128  # characters of a value
ARN = "arn:aws:vpc-lattice:us-east-1:123456789012:"


class VpcLattice(Ruled):
    """Answer requests to a service of VPC Lattice.

    A handler that has ``http`` routes gets no more requests by it: all routes of its function are then served by the
    service as well.

    Options
        ``service``: an ``app.lattice_service``, or the ARN of a listener of an existing one.
        ``priority``: 1-2000, the rule's place among those of the listener. Without it the handler gets what no rule
        takes; that is for a service of the app's own.
        ``path``: one path, or with ``*`` at its end all that begin like it. Upper and lower case are told apart.
        ``method``: one method; all unless said.
        ``headers``: a value for each name, with ``*`` at its end for all that begin like it, or at both ends for all
        that contain it.

    A request and an answer have at most 6 MB. https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
    https://docs.aws.amazon.com/vpc-lattice/latest/ug/listener-rules.html
    """

    decorator = "vpc_lattice"
    example = '@app.vpc_lattice(inside, priority=10, path="/photos/*")'
    kinds = ("vpc_lattice_v2", "vpc_lattice_v1")
    self_routed = kinds
    name = "Lattice service"

    def __init__(
        self,
        service: LatticeService | str,
        *,
        priority: int | None = None,
        path: str = "",
        method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.service = service
        self.priority = priority
        self.path = path
        self.method = method.upper() if isinstance(method, str) else method
        self.headers = by_name("vpc_lattice", "headers", headers, "{'x-tenant': 'a'}")
        self.validate()

    def validate(self) -> None:
        service: Any = self.service
        if not (
            ":service/svc-" in service and "/listener/" in service
            if isinstance(service, str)
            else hasattr(service, "listener_id")
        ):
            raise refused(
                f"service must be what app.lattice_service(...) gave, or the ARN of a listener such as arn:aws:"
                f"vpc-lattice:REGION:ACCOUNT:service/svc-ID/listener/listener-ID, for vpc_lattice, not {service!r}."
            )
        conditions = bool(self.path or self.method or self.headers)
        if self.priority is None:
            if conditions:
                raise refused("A rule of vpc_lattice needs a priority. Write priority=10, for example.")
            if isinstance(service, str):
                raise refused(
                    "vpc_lattice gets what no rule takes only of an app.lattice_service: an existing listener has its "
                    "own default. Give it a priority and a condition."
                )
            return
        whole("vpc_lattice", "priority", self.priority, 1, PRIORITY_MAX, "The lowest that fits goes first.")
        if not conditions:
            raise refused("A rule of vpc_lattice needs a path, a method or headers. Write path='/*' for everything.")
        if self.method:
            one_of("vpc_lattice", "method", self.method, METHODS)
        self._check_values()

    def _check_values(self) -> None:
        path: object = self.path
        if not isinstance(path, str) or (path and not path.startswith("/")) or "*" in path[:-1]:
            raise refused(f"path must be such as '/photos' or '/photos/*' for vpc_lattice, not {path!r}.")
        if len(self.headers) > HEADERS_MAX:
            raise refused(f"headers may have {HEADERS_MAX} names in a rule of vpc_lattice, not {len(self.headers)}.")
        for name, value in [("path", self.path or "/"), *self.headers.items()]:
            bare = value.strip("*") if isinstance(value, str) else ""
            if not bare or len(bare) > LENGTH_MAX or "*" in bare or (value != bare and not value.endswith("*")):
                raise refused(
                    f"{name} takes a text of 1 to {LENGTH_MAX} characters for vpc_lattice, with * at its end for all "
                    f"that begin so, or a header's at both ends for all that contain it, not {value!r}."
                )

    def key(self) -> list[tuple[str, str]]:
        listener = self.service if isinstance(self.service, str) else self.service.key
        said = f"A rule of priority {self.priority}" if self.priority else "A handler for what no rule takes"
        return [(f"lattice {listener} {self.priority}", f"{said} of this service")]

    def title(self) -> str:
        said = [f"path {self.path}"] * bool(self.path) + [f"method {self.method}"] * bool(self.method)
        said += [f"header {name} {value}" for name, value in self.headers.items()]
        named = "" if isinstance(self.service, str) else f" {self.service.key}"
        rule = f"rule {self.priority}: {', '.join(said)}" if self.priority else "what no rule takes"
        return f"Lattice service{named}, {rule}"

    def parse(self, raw: Any, context: Any) -> TargetRequest:
        return TargetRequest(raw, context)

    def unmet(self, raw: Any) -> str:
        return unmatched(self.match(), raw["method"], TargetRequest(raw))

    def match(self) -> dict[str, Any]:
        """The conditions as data."""
        return {"path": self.path, "method": self.method, "headers": self.headers}

    def resources(self, function: Function, template: Template) -> None:
        """A target group for the function, and a rule, or the service's default action. The local server stands for
        Lattice, which the embedded AWS has not."""
        if template.local:
            return
        group = pascal(function.name) + "LatticeTargets"
        if not template.has(group):
            # The group's own ARN would be circular: it takes the function only when the permission is there.
            source = "arn:${AWS::Partition}:vpc-lattice:${AWS::Region}:${AWS::AccountId}:targetgroup/*"
            before = template.permit(function, group, "vpc-lattice.amazonaws.com", {"Fn::Sub": source})
            properties = {
                "Type": "LAMBDA",
                "Config": {"LambdaEventStructureVersion": "V2"},
                "Targets": [{"Id": template.function_arn(function)}],
            }
            template.add(group, "AWS::VpcLattice::TargetGroup", properties, depends_on=[before])
        action = {"Forward": {"TargetGroups": [{"TargetGroupIdentifier": {"Ref": group}}]}}
        if self.priority is None:
            self._be_default(template, action)
            return
        if isinstance(self.service, str):
            owner, _, listener = self.service.partition("/listener/")
            service, listener = owner.rpartition("/")[2], listener
        else:
            service = template.reference(self.service.logical_id)
            listener = template.reference(self.service.listener_id)
        rule = {
            "ServiceIdentifier": service,
            "ListenerIdentifier": listener,
            "Priority": self.priority,
            "Match": {"HttpMatch": self._written()},
            "Action": action,
        }
        template.add(pascal(self.own_name) + "LatticeRule", "AWS::VpcLattice::Rule", rule)

    def _be_default(self, template: Template, action: dict[str, Any]) -> None:
        """Have the service's listener lead here what no rule takes."""
        service: Any = self.service
        if template.main is not template:
            raise self.refused(
                f"The service {service.key!r} is deployed with the app's main stack, before the stack of this "
                f"blueprint. Mount the blueprint without stack=True, or give the handler a priority and a path."
            )
        if not template.has(service.listener_id):
            raise self.refused(f"No app owns the service {service.key!r}. Make it with app.lattice_service(...).")
        template.properties(service.listener_id)["DefaultAction"] = action

    def _written(self) -> dict[str, Any]:
        """The conditions as CloudFormation writes them."""
        found: dict[str, Any] = {}
        if self.path:
            prefix = {"Prefix": self.path[:-1]} if self.path.endswith("*") else {"Exact": self.path}
            found["PathMatch"] = {"CaseSensitive": True, "Match": prefix}
        if self.method:
            found["Method"] = self.method
        headers = []
        for name, value in self.headers.items():
            kind = "Contains" if value.startswith("*") else "Prefix" if value.endswith("*") else "Exact"
            headers.append({"Name": name, "CaseSensitive": True, "Match": {kind: value.strip("*")}})
        if headers:
            found["HeaderMatches"] = headers
        return found

    def local(self) -> tuple[str, dict[str, Any]]:
        return "fronts", {"kind": "vpc_lattice", "match": self.match()}

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request that the rule takes. Fields: ``method``, ``path``, ``query``, ``body``, ``headers``."""
        if not self.routed:
            fields.setdefault("path", likely(self.path) or "/")
            fields.setdefault("method", self.method or "GET")
        method, path, query, headers, body = self.request(fields)
        own = {name.lower(): likely(value) for name, value in self.headers.items()}
        headers = {"host": "example.7d67968.vpc-lattice-svcs.us-east-1.on.aws", **own, **headers}
        several: dict[str, list[str]] = {}
        for part in query.split("&") if query else ():
            name, _, value = part.partition("=")
            several.setdefault(name, []).append(value)
        event: dict[str, Any] = {
            "version": "2.0",
            "path": f"{path}?{query}" if query else path,
            "method": method,
            "headers": {name: [value] for name, value in {"x-forwarded-for": "10.0.0.10", **headers}.items()},
            "queryStringParameters": several,
            "requestContext": {
                "serviceNetworkArn": f"{ARN}servicenetwork/sn-0123456789abcdef0",
                "serviceArn": f"{ARN}service/svc-0123456789abcdef0",
                "targetGroupArn": f"{ARN}targetgroup/tg-0123456789abcdef0",
                "identity": {"sourceVpcArn": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0123456789abcdef0"},
                "region": "us-east-1",
                "timeEpoch": "1767225600000000",
            },
        }
        return event if body is None else {**event, "body": body, "isBase64Encoded": False}


def unmatched(match: Mapping[str, Any], method: str, request: TargetRequest) -> str:
    """The first condition of a rule that a request does not meet, or ``""``."""
    if match["method"] and method != match["method"]:
        return f"method {printable(method)} is not {match['method']}"
    if match["path"] and not fits(match["path"], request.raw_path):
        return f"path `{printable(request.raw_path)}` does not match `{match['path']}`"
    for name, wanted in match["headers"].items():
        if not any(fits(wanted, value) for value in request.headers.get_all(name)):
            return f"header {name} is not `{wanted}`"
    return ""
